"""The names and the indexes of the collections.

Every query that reads more than one document needs an index here (tests/integration/store/test_indexes.py).
"""

from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database

from modelbus.shared.store.connection import Document, store_errors

JOBS: Final = "jobs"
DATASETS: Final = "datasets"
MODELS: Final = "models"
VERSIONS: Final = "versions"
EVALUATIONS: Final = "evaluations"
USAGE: Final = "usage"
ESTIMATORS: Final = "estimators"
CATALOGUE: Final = "catalogue"
SERVICES: Final = "services"
API_KEYS: Final = "api_keys"
DEAD_LETTERS: Final = "dead_letters"
LOG_BATCHES: Final = "log_batches"
FILES: Final = "fs.files"
CHUNKS: Final = "fs.chunks"

INDEXES: Final[dict[str, list[IndexModel]]] = {
    JOBS: [
        IndexModel([("status", ASCENDING), ("queue", ASCENDING), ("created_at", ASCENDING)]),
        IndexModel([("status", ASCENDING), ("lease.until", ASCENDING)]),
        IndexModel([("status", ASCENDING), ("finished_at", DESCENDING)], partialFilterExpression={"status": "dead"}),
        IndexModel([("created_at", DESCENDING), ("_id", ASCENDING)]),
        IndexModel([("command", ASCENDING), ("created_at", DESCENDING)]),
        IndexModel([("spec.evaluation", ASCENDING)], partialFilterExpression={"spec.evaluation": {"$type": "string"}}),
        IndexModel(
            [("spec.dataset", ASCENDING), ("command", ASCENDING)],
            partialFilterExpression={"spec.dataset": {"$exists": True}},
        ),
        IndexModel(
            [("datasets.name", ASCENDING), ("status", ASCENDING)],
            partialFilterExpression={"datasets.name": {"$exists": True}},
        ),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ],
    DATASETS: [IndexModel([("created_at", DESCENDING)]), IndexModel([("blob_id", ASCENDING)])],
    VERSIONS: [
        IndexModel([("model", ASCENDING), ("version", ASCENDING)], unique=True),
        IndexModel([("correlation_id", ASCENDING)], unique=True),
        IndexModel([("dataset", ASCENDING)]),
        IndexModel([("blob_id", ASCENDING)]),
        IndexModel([("candidates_blob_id", ASCENDING)], sparse=True),
        IndexModel([("rows_blob_id", ASCENDING)], sparse=True),
    ],
    EVALUATIONS: [
        IndexModel([("created_at", DESCENDING), ("_id", ASCENDING)]),
        IndexModel([("model", ASCENDING)]),
        IndexModel([("dataset", ASCENDING)]),
        IndexModel([("files.blob_id", ASCENDING)]),
    ],
    API_KEYS: [IndexModel([("sha256", ASCENDING)], unique=True)],
    DEAD_LETTERS: [
        IndexModel([("received_at", DESCENDING), ("_id", ASCENDING)]),
        IndexModel([("queue", ASCENDING), ("received_at", DESCENDING)]),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ],
    LOG_BATCHES: [
        IndexModel([("last_at", DESCENDING)]),
        IndexModel([("service", ASCENDING), ("last_at", DESCENDING)]),
        IndexModel([("correlation_ids", ASCENDING), ("last_at", DESCENDING)]),
        IndexModel([("stored", ASCENDING)]),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ],
    SERVICES: [IndexModel([("seen_at", ASCENDING)], expireAfterSeconds=3600)],
    FILES: [
        IndexModel([("metadata.state", ASCENDING), ("uploadDate", ASCENDING)]),
        IndexModel([("metadata.kind", ASCENDING), ("uploadDate", ASCENDING)]),
        IndexModel([("metadata.correlation_id", ASCENDING)]),
    ],
    # GridFS creates the same index if it is the first to write.
    CHUNKS: [IndexModel([("files_id", ASCENDING), ("n", ASCENDING)], unique=True)],
}


def create_indexes(database: Database[Document]) -> None:
    """Create missing indexes; several services may do so at once.

    Raises:
        StoreUnavailable: MongoDB does not answer.
    """
    with store_errors():
        for collection, indexes in INDEXES.items():
            database[collection].create_indexes(indexes)
