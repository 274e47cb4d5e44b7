"""Connections to MongoDB, and the translation of its errors."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final

import pymongo
from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.database import Database
from pymongo.errors import (
    ConnectionFailure,
    DocumentTooLarge,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from modelbus.shared.errors import LimitExceeded, StoreUnavailable
from modelbus.shared.observing.tracing import is_exporting
from modelbus.shared.settings import Settings
from modelbus.shared.store.packed_values import UNPACKING

Document = dict[str, Any]

_OPTIONS: Final[dict[str, Any]] = {
    "serverSelectionTimeoutMS": 5000,
    "connectTimeoutMS": 5000,
    "socketTimeoutMS": 30000,
    "retryWrites": True,
    "tz_aware": True,
    "uuidRepresentation": "standard",
    "type_registry": UNPACKING,
}
ANSWER_S: Final = 5.0
"""The timeout in seconds for operations on a single document (docs/adr/0036). Without it, a server that stops
responding on an open connection would block until the socket's timeout."""
DURABLE: Final = WriteConcern(w="majority", j=True)
"""For data that must survive the loss of any machine: jobs and their results."""
FAST: Final = WriteConcern(w=1)
"""For interactive predictions and hints, whose callers can repeat the request."""
CURRENT: Final = ReadConcern("local")
"""Reads the newest state of the primary, so that changes announced by events are visible."""

_PASSING_CODES: Final = frozenset({91, 11600, 11602, 14031})
"""ShutdownInProgress, InterruptedAtShutdown, InterruptedDueToReplStateChange, OutOfDiskSpace."""

_REFUSED_CODES: Final = frozenset({13, 18})
"""Unauthorized, AuthenticationFailed."""


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
    from modelbus.shared.store.operation_spans import TracedCommands  # needs the extra `traces`

    return {**_OPTIONS, "event_listeners": [TracedCommands()]}


def is_answering(database: Database[Document]) -> bool:
    """Whether MongoDB answers a ping as a primary within its time-out."""
    try:
        with pymongo.timeout(ANSWER_S):
            database.client.admin.command("ping")
    except PyMongoError:
        return False
    return True


@contextmanager
def store_errors(within_s: float | None = None) -> Iterator[None]:
    """Translate lost connections and documents that are too large; other errors of pymongo are passed on.

    Args:
        within_s: Seconds for all that is asked inside the block, connecting and trying again included; without it, each
            message may take what the socket's time-out allows.

    Raises:
        StoreUnavailable: Inside the block MongoDB did not answer, or not in time.
        LimitExceeded: Inside the block a document was to be written that is larger than MongoDB allows.
    """
    try:
        with nullcontext() if within_s is None else pymongo.timeout(within_s):
            yield
    except DocumentTooLarge as error:
        raise LimitExceeded("the record exceeds MongoDB's limit of 16 MB; send less at once") from error
    except (ConnectionFailure, ExecutionTimeout, WTimeoutError) as error:
        raise StoreUnavailable(f"MongoDB does not answer: {str(error)[:300]}") from error
    except OperationFailure as error:
        if error.code in _REFUSED_CODES:
            raise StoreUnavailable(f"MongoDB refused the user of MODELBUS_MONGO_URL: {str(error)[:300]}") from error
        if error.code not in _PASSING_CODES:
            raise
        raise StoreUnavailable(f"MongoDB cannot write at the moment: {str(error)[:300]}") from error
