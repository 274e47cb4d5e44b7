"""``python -m trainer``: train models until SIGTERM."""

import sys
from typing import Final

from shared.worker.service import Lane, Tools, run_service
from trainer.catalogue import LEFT_OUT, catalogue

QUEUES: Final = ("train",)
HANDLERS: Final = {
    "TrainModel": "trainer.handlers:train_model",
    "RetrainModel": "trainer.handlers:retrain_model",
}
PRELOAD: Final = ("trainer.handlers", "sklearn.ensemble", "sklearn.linear_model")


def make_lanes(tools: Tools) -> list[Lane]:
    """One lane: fits, each in its own process."""
    return [tools.worker(QUEUES, HANDLERS)]


def declare(tools: Tools) -> None:
    """Say what can be trained."""
    tools.library.declare_estimators(catalogue(), LEFT_OUT)


if __name__ == "__main__":
    sys.exit(run_service("trainer", QUEUES, make_lanes, preload=PRELOAD, declare=declare))
