"""``python -m modelbus.trainer``: train models until SIGTERM."""

import sys
from typing import Final

from modelbus.extras import require_or_exit

if __name__ == "__main__":
    # Before the imports below: most of these libraries come with the extra.
    require_or_exit("server", "python -m modelbus.trainer")

from modelbus.shared.models.installed_plugins import log_plugins
from modelbus.shared.worker.service import Lane, Tools, run_service
from modelbus.trainer.catalogue.entries import catalogue, left_out
from modelbus.trainer.catalogue.plugin_entries import trainable_plugins

TRAIN: Final = {
    "TrainModel": "modelbus.trainer.handlers.training:train_model",
    "RetrainModel": "modelbus.trainer.handlers.training:retrain_model",
    "MeasureLearningCurve": "modelbus.trainer.handlers.learning_curve_handler:measure_learning",
}
CHECK: Final = {"CheckTraining": "modelbus.trainer.handlers.training:check_training"}
LANES: Final = {"train": TRAIN, "check": CHECK}
PRELOAD: Final = (
    "modelbus.trainer.handlers.training",
    "modelbus.trainer.handlers.learning_curve_handler",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "modelbus.trainer.catalogue.preloaded_catalogue",
)
ALLOCATORS: Final = {
    "ARROW_DEFAULT_MEMORY_POOL": "jemalloc",
    "MALLOC_ARENA_MAX": "2",
}
"""Allocator settings of the job processes. The memory limit counts address space, of which Arrow reserves up to 1 GiB
by default, and glibc 64 MiB per thread: a streamed fit that needs 180 MiB took 400 to 1,400 MiB."""


def make_lanes(tools: Tools) -> list[Lane]:
    """One lane per queue, so that a check is answered while a fit is running."""
    return [tools.worker((queue,), handlers) for queue, handlers in LANES.items()]


def declare(tools: Tools) -> None:
    """Publish the catalogue of estimators."""
    log_plugins(trainable_plugins())
    tools.library.declare_estimators(catalogue(), left_out())


if __name__ == "__main__":
    sys.exit(run_service("trainer", tuple(LANES), make_lanes, preload=PRELOAD, declare=declare, allocators=ALLOCATORS))
