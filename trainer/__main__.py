"""``python -m modelbus.trainer``: train models until SIGTERM."""

import sys
from typing import Final

from modelbus.extras import require_or_exit

if __name__ == "__main__":
    # Before what follows is imported: most of it is not there without the extra.
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
"""A job's limit is on address space, and by default Arrow reserves up to 1 GiB of it and glibc 64 MiB for each thread,
used or not: a streamed fit that needs 180 MiB took 400 to 1,400."""


def make_lanes(tools: Tools) -> list[Lane]:
    """A lane for each queue, so that a check is answered while a fit takes its time."""
    return [tools.worker((queue,), handlers) for queue, handlers in LANES.items()]


def declare(tools: Tools) -> None:
    """Say what can be trained."""
    log_plugins(trainable_plugins())
    tools.library.declare_estimators(catalogue(), left_out())


if __name__ == "__main__":
    sys.exit(run_service("trainer", tuple(LANES), make_lanes, preload=PRELOAD, declare=declare, allocators=ALLOCATORS))
