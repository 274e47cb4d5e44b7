"""The rows that a model version predicted: they stand in the jobs of its predictions, as long as these are kept."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pymongo import DESCENDING
from pymongo.database import Database

from modelbus.shared.contracts import Predict, PredictDataset
from modelbus.shared.store.connection import Document, store_errors

_FIELDS: Final = {
    "command": 1,
    "created_at": 1,
    "spec.rows": 1,
    "spec.dataset": 1,
    "datasets": 1,
    "result.model": 1,
    "result.version": 1,
    "result.stored_result": 1,
}
_BATCH: Final = 100


def served_jobs(database: Database[Document], version: Document, since: datetime) -> Iterator[Document]:
    """The predictions that a version may have answered, the newest first.

    Of a result that was too large for its job nothing but ``stored_result`` is there: whose it is stands in that blob.

    Args:
        database: Where the jobs are.
        version: The version's document. What an earlier one of its name answered is not its own.
        since: How old the oldest may be.

    Yields:
        ``command``, ``created_at``, ``spec`` with ``rows`` or ``dataset``, ``datasets``, and ``result``.

    Raises:
        StoreUnavailable: MongoDB does not answer.
    """
    own = {"result.model": version["model"], "result.version": version["version"]}
    query = {
        "command": {"$in": [Predict.__name__, PredictDataset.__name__]},
        "status": "succeeded",
        "created_at": {"$gte": max(since, version["created_at"])},
        "$or": [own, {"result.stored_result": {"$exists": True}}],
    }
    with store_errors():
        yield from database["jobs"].find(query, _FIELDS, batch_size=_BATCH).sort("created_at", DESCENDING)
