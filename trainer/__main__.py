"""``python -m trainer``: train models until SIGTERM."""

import sys
from typing import Final

from shared.installed_plugins import log_plugins
from shared.worker.service import Lane, Tools, run_service
from trainer.catalogue import catalogue, left_out
from trainer.plugins import trainable_plugins

QUEUES: Final = ("train",)
HANDLERS: Final = {
    "TrainModel": "trainer.handlers:train_model",
    "RetrainModel": "trainer.handlers:retrain_model",
}
PRELOAD: Final = ("trainer.handlers", "sklearn.ensemble", "sklearn.linear_model", "shared.preloaded_plugins")


def make_lanes(tools: Tools) -> list[Lane]:
    """One lane: fits, each in its own process."""
    return [tools.worker(QUEUES, HANDLERS)]


def declare(tools: Tools) -> None:
    """Say what can be trained."""
    log_plugins(trainable_plugins())
    tools.library.declare_estimators(catalogue(), left_out())


if __name__ == "__main__":
    sys.exit(run_service("trainer", QUEUES, make_lanes, preload=PRELOAD, declare=declare))
