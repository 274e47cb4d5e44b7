"""``python -m evaluator``: profile datasets and measure models until SIGTERM."""

import sys
from typing import Final

from shared.worker.service import Lane, Tools, run_service

PROFILE: Final = {"ProfileDataset": "evaluator.handlers:profile_dataset"}
EVALUATE: Final = {"EvaluateModel": "evaluator.handlers:evaluate_model"}
PRELOAD: Final = ("evaluator.handlers", "sklearn.ensemble", "sklearn.linear_model")


def make_lanes(tools: Tools) -> list[Lane]:
    """Two lanes, so that a long evaluation never keeps an upload waiting."""
    return [tools.worker(("profile",), PROFILE), tools.worker(("evaluate",), EVALUATE)]


if __name__ == "__main__":
    sys.exit(run_service("evaluator", ("profile", "evaluate"), make_lanes, preload=PRELOAD))
