"""``python -m modelbus.predictor``: predict until SIGTERM."""

import sys
from typing import Final

from modelbus.extras import require_or_exit

if __name__ == "__main__":
    # Before the imports below: most of these libraries come with the extra.
    require_or_exit("server", "python -m modelbus.predictor")

from modelbus.predictor.answering import Answerer
from modelbus.predictor.engine import Engine
from modelbus.predictor.isolated_predictions import IsolatedPredictions
from modelbus.predictor.lane import InteractiveLane
from modelbus.shared.store.records.usage import UsageCounter
from modelbus.shared.worker.service import Lane, Tools, run_service

BULK: Final = {"PredictDataset": "modelbus.predictor.handlers.dataset_predictions:predict_dataset"}
LANES: Final = {"predict.bulk": BULK}
INTERACTIVE: Final = "predict"
"""The queue whose commands are computed in batches: a process for each would take too long."""
PRELOAD: Final = (
    "modelbus.predictor.engine_process",
    "modelbus.predictor.handlers.row_predictions",
    "modelbus.predictor.handlers.dataset_predictions",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "modelbus.shared.models.preloaded_plugins",
)
ANNOUNCE: Final = "modelbus.shared.models.preloaded_plugins:announce"


def make_lanes(tools: Tools) -> list[Lane]:
    """Two lanes: interactive predictions, in batches in one engine, and datasets, each in its own process."""
    settings = tools.settings
    usage = UsageCounter(tools.database)
    engine = Engine(tools.service, settings)
    isolated = IsolatedPredictions(tools.ledger, tools.runner(), settings.predict_isolated_limit)
    interactive = InteractiveLane(
        tools.consumer((INTERACTIVE,), prefetch=settings.predict_batch_limit),
        tools.ledger,
        Answerer(tools, engine, isolated, usage),
        engine,
        isolated,
        usage,
        batch_limit=settings.predict_batch_limit,
    )
    return [interactive, *(tools.worker((queue,), handlers) for queue, handlers in LANES.items())]


if __name__ == "__main__":
    sys.exit(run_service("predictor", (INTERACTIVE, *LANES), make_lanes, preload=PRELOAD, announce=ANNOUNCE))
