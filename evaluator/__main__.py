"""``python -m evaluator``: profile and read datasets, and measure models, until SIGTERM."""

import sys
from typing import Final

from shared.worker.service import Lane, Tools, run_service

PROFILE: Final = {"ProfileDataset": "evaluator.handlers:profile_dataset"}
EVALUATE: Final = {"EvaluateModel": "evaluator.handlers:evaluate_model"}
READ: Final = {
    "ReadRows": "evaluator.reading:read_rows",
    "PreviewDataset": "evaluator.handlers:preview_dataset",
}
EXPORT: Final = {"ExportDataset": "evaluator.reading:export_dataset"}
LANES: Final = {"profile": PROFILE, "evaluate": EVALUATE, "read": READ, "export": EXPORT}
PRELOAD: Final = ("evaluator.handlers", "evaluator.reading", "sklearn.ensemble", "sklearn.linear_model")


def make_lanes(tools: Tools) -> list[Lane]:
    """A lane for each queue, so that a long evaluation keeps no upload waiting, and a long export no page."""
    return [tools.worker((queue,), handlers) for queue, handlers in LANES.items()]


if __name__ == "__main__":
    sys.exit(run_service("evaluator", tuple(LANES), make_lanes, preload=PRELOAD))
