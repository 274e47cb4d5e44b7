"""``python -m modelbus.evaluator``: profile and read datasets, and measure models, until SIGTERM."""

import sys
from typing import Final

from modelbus.extras import require_or_exit

if __name__ == "__main__":
    # Before the imports below: most of these libraries come with the extra.
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
"""The service process itself runs no model; without scikit-learn, it is smaller and starts faster."""
ALLOCATORS: Final = {
    "ARROW_DEFAULT_MEMORY_POOL": "jemalloc",
    "JE_ARROW_MALLOC_CONF": "narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "1048576",
    "MALLOC_TRIM_THRESHOLD_": "4194304",
}
"""Allocator settings: ingest constantly allocates and frees megabytes. By default, Arrow keeps freed memory, and so
does glibc in an arena per thread. With these settings, Arrow returns it after a second, and glibc returns large blocks,
and 4 MB at the end of an arena, at once. Returning everything at once would cost a fifth of the time in page faults;
keeping much larger blocks would raise a job's peak by 50 MB."""


def make_lanes(tools: Tools) -> list[Lane]:
    """One lane per queue, so that a long evaluation does not delay uploads, nor a long export a page of rows."""
    return [tools.worker((queue,), handlers) for queue, handlers in LANES.items()]


if __name__ == "__main__":
    sys.exit(
        run_service("evaluator", tuple(LANES), make_lanes, preload=PRELOAD, announce=ANNOUNCE, allocators=ALLOCATORS)
    )
