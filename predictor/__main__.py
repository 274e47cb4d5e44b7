"""``python -m modelbus.predictor``: predict until SIGTERM."""

import sys
from typing import Final

from modelbus.extras import require_or_exit

if __name__ == "__main__":
    # Before what follows is imported: most of it is not there without the extra.
    require_or_exit("server", "python -m modelbus.predictor")

from modelbus.predictor.answering import Answerer
from modelbus.predictor.cache import ModelCache
from modelbus.predictor.lane import InteractiveLane
from modelbus.shared.models.preloaded_plugins import announce
from modelbus.shared.store.records.usage import UsageCounter
from modelbus.shared.tabular.predicting.threads import stay_with_one_blas_thread
from modelbus.shared.worker.service import Lane, Tools, run_service

BULK: Final = {"PredictDataset": "modelbus.predictor.handlers.dataset_predictions:predict_dataset"}
LANES: Final = {"predict.bulk": BULK}
INTERACTIVE: Final = "predict"
"""The queue whose commands are answered in this process, many together: a child for each would take longer."""
PRELOAD: Final = (
    "modelbus.predictor.handlers.dataset_predictions",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "modelbus.shared.models.preloaded_plugins",
)


def make_lanes(tools: Tools) -> list[Lane]:
    """Two lanes: interactive predictions in this process, datasets in child processes."""
    stay_with_one_blas_thread()
    settings = tools.settings
    cache = ModelCache(
        tools.library,
        tools.blobs,
        limit_bytes=settings.model_cache_bytes,
        artifact_limit_bytes=settings.artifact_limit_bytes,
    )
    usage = UsageCounter(tools.database)
    interactive = InteractiveLane(
        tools.consumer((INTERACTIVE,), prefetch=settings.predict_batch_limit),
        tools.ledger,
        Answerer(tools.ledger, tools.finisher, tools.events, tools.blobs, cache, usage, settings),
        usage,
        batch_limit=settings.predict_batch_limit,
    )
    return [interactive, *(tools.worker((queue,), handlers) for queue, handlers in LANES.items())]


def declare(_tools: Tools) -> None:
    """Load the plug-ins now, not with the first model that needs one, and say which there are."""
    announce()


if __name__ == "__main__":
    sys.exit(run_service("predictor", (INTERACTIVE, *LANES), make_lanes, preload=PRELOAD, declare=declare))
