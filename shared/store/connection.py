"""Opening MongoDB, its indexes, and the translation of its errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, AsyncMongoClient, IndexModel, MongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.database import Database
from pymongo.errors import ConnectionFailure, ExecutionTimeout, OperationFailure, PyMongoError, WTimeoutError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from modelbus.shared.errors import StoreUnavailable
from modelbus.shared.observing.tracing import is_exporting
from modelbus.shared.settings import Settings

Document = dict[str, Any]

_OPTIONS: Final[dict[str, Any]] = {
    "serverSelectionTimeoutMS": 5000,
    "connectTimeoutMS": 5000,
    "socketTimeoutMS": 30000,
    "retryWrites": True,
    "tz_aware": True,
    "uuidRepresentation": "standard",
}
DURABLE: Final = WriteConcern(w="majority", j=True)
"""For what must survive the loss of any one machine: jobs and what they leave behind."""
FAST: Final = WriteConcern(w=1)
"""For interactive predictions and hints: their caller is still there to ask again."""
CURRENT: Final = ReadConcern("local")
"""Reads the primary's newest state, so that what an event told of is seen."""

_PASSING_CODES: Final = frozenset({91, 11600, 11602, 14031})
"""ShutdownInProgress, InterruptedAtShutdown, InterruptedDueToReplStateChange, OutOfDiskSpace."""

_REFUSED_CODES: Final = frozenset({13, 18})
"""Unauthorized, AuthenticationFailed."""

INDEXES: Final[dict[str, list[IndexModel]]] = {
    "jobs": [
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
    "datasets": [IndexModel([("created_at", DESCENDING)]), IndexModel([("blob_id", ASCENDING)])],
    "versions": [
        IndexModel([("model", ASCENDING), ("version", ASCENDING)], unique=True),
        IndexModel([("correlation_id", ASCENDING)], unique=True),
        IndexModel([("dataset", ASCENDING)]),
        IndexModel([("blob_id", ASCENDING)]),
        IndexModel([("candidates_blob_id", ASCENDING)], sparse=True),
        IndexModel([("rows_blob_id", ASCENDING)], sparse=True),
    ],
    "evaluations": [
        IndexModel([("created_at", DESCENDING), ("_id", ASCENDING)]),
        IndexModel([("model", ASCENDING)]),
        IndexModel([("dataset", ASCENDING)]),
        IndexModel([("files.blob_id", ASCENDING)]),
    ],
    "api_keys": [IndexModel([("sha256", ASCENDING)], unique=True)],
    "dead_letters": [
        IndexModel([("received_at", DESCENDING), ("_id", ASCENDING)]),
        IndexModel([("queue", ASCENDING), ("received_at", DESCENDING)]),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ],
    "log_batches": [
        IndexModel([("last_at", DESCENDING)]),
        IndexModel([("service", ASCENDING), ("last_at", DESCENDING)]),
        IndexModel([("correlation_ids", ASCENDING), ("last_at", DESCENDING)]),
        IndexModel([("stored", ASCENDING)]),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ],
    "services": [IndexModel([("seen_at", ASCENDING)], expireAfterSeconds=3600)],
    "fs.files": [
        IndexModel([("metadata.state", ASCENDING), ("uploadDate", ASCENDING)]),
        IndexModel([("metadata.kind", ASCENDING), ("uploadDate", ASCENDING)]),
        IndexModel([("metadata.correlation_id", ASCENDING)]),
    ],
    # The one that GridFS makes itself when it is the first to write.
    "fs.chunks": [IndexModel([("files_id", ASCENDING), ("n", ASCENDING)], unique=True)],
}


def open_store(settings: Settings, **options: Any) -> Database[Document]:
    """Open the database for a worker; connects at first use, safe to share between threads.

    Args:
        settings: Where it is.
        options: pymongo's, over the usual ones.
    """
    client: MongoClient[Document] = MongoClient(settings.mongo_url.get_secret_value(), **{**_options(), **options})
    return client[settings.mongo_database]


def open_async_store(settings: Settings) -> AsyncDatabase[Document]:
    """Open the database for the gateway's event loop; connects at first use."""
    client: AsyncMongoClient[Document] = AsyncMongoClient(settings.mongo_url.get_secret_value(), **_options())
    return client[settings.mongo_database]


def _options() -> dict[str, Any]:
    if not is_exporting():
        return _OPTIONS
    from modelbus.shared.store.tracing import TracedCommands  # needs the extra `traces`

    return {**_OPTIONS, "event_listeners": [TracedCommands()]}


def create_indexes(database: Database[Document]) -> None:
    """Create what is missing; harmless when done by several services at once.

    Raises:
        StoreUnavailable: MongoDB does not answer.
    """
    with store_errors():
        for collection, indexes in INDEXES.items():
            database[collection].create_indexes(indexes)


def is_answering(database: Database[Document]) -> bool:
    """Whether MongoDB answers a ping as a primary within its time-out."""
    try:
        database.client.admin.command("ping")
    except PyMongoError:
        return False
    return True


@contextmanager
def store_errors() -> Iterator[None]:
    """Translate a lost MongoDB into ``StoreUnavailable``; other errors of pymongo pass.

    Raises:
        StoreUnavailable: Inside the block MongoDB did not answer.
    """
    try:
        yield
    except (ConnectionFailure, ExecutionTimeout, WTimeoutError) as error:
        raise StoreUnavailable(f"MongoDB does not answer: {str(error)[:300]}") from error
    except OperationFailure as error:
        if error.code in _REFUSED_CODES:
            raise StoreUnavailable(f"MongoDB refuses the user of MODELBUS_MONGO_URL: {str(error)[:300]}") from error
        if error.code not in _PASSING_CODES:
            raise
        raise StoreUnavailable(f"MongoDB cannot write now: {str(error)[:300]}") from error
