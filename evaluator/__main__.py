"""``python -m evaluator``: profile datasets and measure models until SIGTERM."""

import sys
from typing import Final

from shared.installed_plugins import installed_plugins, log_plugins
from shared.worker.service import Lane, Tools, run_service

PROFILE: Final = {"ProfileDataset": "evaluator.handlers:profile_dataset"}
EVALUATE: Final = {"EvaluateModel": "evaluator.handlers:evaluate_model"}
PRELOAD: Final = ("evaluator.handlers", "sklearn.ensemble", "sklearn.linear_model", "shared.preloaded_plugins")


def make_lanes(tools: Tools) -> list[Lane]:
    """Two lanes, so that a long evaluation never keeps an upload waiting."""
    return [tools.worker(("profile",), PROFILE), tools.worker(("evaluate",), EVALUATE)]


def declare(_tools: Tools) -> None:
    """Say which plug-ins' models can be loaded."""
    log_plugins(installed_plugins())


if __name__ == "__main__":
    sys.exit(run_service("evaluator", ("profile", "evaluate"), make_lanes, preload=PRELOAD, declare=declare))
