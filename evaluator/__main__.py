"""``python -m modelbus.evaluator``: profile and read datasets, and measure models, until SIGTERM."""

import sys
from typing import Final

from modelbus.extras import require_or_exit

if __name__ == "__main__":
    # Before what follows is imported: most of it is not there without the extra.
    require_or_exit("server", "python -m modelbus.evaluator")

from modelbus.shared.worker.service import Lane, Tools, run_service

PROFILE: Final = {"ProfileDataset": "modelbus.evaluator.handlers.datasets:profile_dataset"}
EVALUATE: Final = {
    "EvaluateModel": "modelbus.evaluator.handlers.evaluations:evaluate_model",
    "EvaluatePredictions": "modelbus.evaluator.handlers.evaluations:evaluate_predictions",
    "ExplainModel": "modelbus.evaluator.handlers.explanations:explain_model",
    "ExplainPrediction": "modelbus.evaluator.handlers.row_explanations:explain_prediction",
    "ReportDrift": "modelbus.evaluator.handlers.drift_reports:report_drift",
}
READ: Final = {
    "ReadRows": "modelbus.evaluator.handlers.dataset_reading:read_rows",
    "PreviewDataset": "modelbus.evaluator.handlers.datasets:preview_dataset",
}
EXPORT: Final = {"ExportDataset": "modelbus.evaluator.handlers.dataset_reading:export_dataset"}
LANES: Final = {"profile": PROFILE, "evaluate": EVALUATE, "read": READ, "export": EXPORT}
PRELOAD: Final = (
    "modelbus.evaluator.handlers.evaluations",
    "modelbus.evaluator.handlers.datasets",
    "modelbus.evaluator.handlers.dataset_reading",
    "modelbus.evaluator.handlers.explanations",
    "modelbus.evaluator.handlers.row_explanations",
    "modelbus.evaluator.handlers.drift_reports",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "modelbus.shared.models.preloaded_plugins",
)
ANNOUNCE: Final = "modelbus.shared.models.preloaded_plugins:announce"
"""The service itself runs no model: that it does not import scikit-learn keeps it small and starts it sooner."""
ALLOCATORS: Final = {
    "ARROW_DEFAULT_MEMORY_POOL": "jemalloc",
    "JE_ARROW_MALLOC_CONF": "narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "1048576",
    "MALLOC_TRIM_THRESHOLD_": "4194304",
}
"""Ingest fills and frees megabytes all the time. By default Arrow keeps them for later, and so does glibc in an arena
for each thread. With these Arrow gives them back after a second, and glibc at once where they are one block, or four
megabytes at an arena's end. To give all of it back at once would cost a page fault for each page that is filled again:
a fifth of the time; with much larger blocks kept, a job peaks at 50 MB more."""


def make_lanes(tools: Tools) -> list[Lane]:
    """A lane for each queue, so that a long evaluation keeps no upload waiting, and a long export no page."""
    return [tools.worker((queue,), handlers) for queue, handlers in LANES.items()]


if __name__ == "__main__":
    sys.exit(
        run_service("evaluator", tuple(LANES), make_lanes, preload=PRELOAD, announce=ANNOUNCE, allocators=ALLOCATORS)
    )
