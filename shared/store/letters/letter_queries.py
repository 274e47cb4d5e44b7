"""The filter of dead letters, and the queries and updates of both kinds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypedDict

from bson import Binary

from modelbus.shared.contracts.documents.job_documents import DeadJob, JobDocument
from modelbus.shared.contracts.documents.letter_documents import ListedMessage, MessageDocument
from modelbus.shared.store.indexes import DEAD_LETTERS, JOBS
from modelbus.shared.store.job_queries import JOB
from modelbus.shared.store.operation import NOW, Document, Operation, happened, literal
from modelbus.shared.store.queries import After, Aggregation, Query, newest_first, older_than, shape

Kind = Literal["job", "message"]
KINDS: Final[tuple[Kind, ...]] = ("job", "message")
COLLECTION_OF: Final[Mapping[Kind, str]] = {"job": JOBS, "message": DEAD_LETTERS}
TIME_OF: Final[Mapping[Kind, Literal["finished_at", "received_at"]]] = {
    "job": "finished_at",
    "message": "received_at",
}
_ALL_OF: Final[Mapping[Kind, Document]] = {"job": {"status": "dead"}, "message": {}}


class QueueCount(TypedDict):
    """The number of dead letters of a queue."""

    queue: str
    count: int


MESSAGE: Final = shape(MessageDocument)
_LISTED_MESSAGE: Final = shape(ListedMessage, draft=("at",))
_DEAD_JOB: Final = shape(DeadJob, draft=("at",))
_COUNT: Final = shape(QueueCount)


@dataclass(frozen=True)
class DeadLetterQuery:
    """Which dead letters a request selects.

    Attributes:
        kinds: Jobs, messages, or both.
        queue: Only of this queue.
        before: Only those from before this moment.
    """

    kinds: tuple[Kind, ...] = KINDS
    queue: str | None = None
    before: datetime | None = None

    def filter(self, kind: Kind) -> Document:
        """The filter for the collection of one kind."""
        wanted: Document = dict(_ALL_OF[kind])
        if self.queue is not None:
            wanted["queue"] = self.queue
        if self.before is not None:
            wanted[TIME_OF[kind]] = {"$lt": self.before}
        return wanted


def dead_jobs(meant: DeadLetterQuery, *, after: After | None, limit: int) -> Query[DeadJob]:
    """A page of the selected jobs, newest first."""
    moment = TIME_OF["job"]
    wanted = {**meant.filter("job"), **older_than(after, moment)}
    return Query(JOBS, wanted, _DEAD_JOB, newest_first(moment), limit)


def messages(meant: DeadLetterQuery, *, after: After | None, limit: int) -> Query[ListedMessage]:
    """A page of the selected messages, newest first."""
    moment = TIME_OF["message"]
    wanted = {**meant.filter("message"), **older_than(after, moment)}
    return Query(DEAD_LETTERS, wanted, _LISTED_MESSAGE, newest_first(moment), limit)


def dead_job(correlation_id: str) -> Query[JobDocument]:
    """One job, if it is dead."""
    return Query(JOBS, letter_filter("job", correlation_id), JOB, limit=1)


def message(letter_id: str) -> Query[MessageDocument]:
    """One message."""
    return Query(DEAD_LETTERS, letter_filter("message", letter_id), MESSAGE, limit=1)


def letter_filter(kind: Kind, letter_id: str) -> Document:
    """The filter that matches one dead letter."""
    return {"_id": letter_id, **_ALL_OF[kind]}


def counts_by_queue(kind: Kind) -> Aggregation[QueueCount]:
    """The number of dead letters of a kind, by queue."""
    return Aggregation(
        COLLECTION_OF[kind],
        (
            {"$match": _ALL_OF[kind]},
            {"$group": {"_id": "$queue", "count": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
            {"$addFields": {"queue": "$_id"}},
        ),
        _COUNT,
    )


def edit_message(letter_id: str, body: bytes) -> Operation:
    """Store a changed body as the draft of a message, which its replay uses (docs/adr/0018)."""
    changes = {"draft": {"body": literal(Binary(body)), "at": NOW}, "history": happened("edited")}
    return Operation({"_id": letter_id}, [{"$set": changes}])
