"""Dead letters, for the gateway: dead jobs, and messages that could not be read, as one list.

A dead job is its record in ``jobs``; a message is a record in ``dead_letters``. Ids of both are UUIDs, and no two are
the same. An edit is a draft beside what was sent; a replay takes it (docs/adr/0018).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from bson import Binary
from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase

from modelbus.shared.errors import JobFinished, NotFound
from modelbus.shared.store.connection import CURRENT, DURABLE, Document, store_errors
from modelbus.shared.store.gateway_records import older_than
from modelbus.shared.store.jobs import protocol
from modelbus.shared.store.letters.kept_poison import COLLECTION
from modelbus.shared.store.operation import NOW, happened, literal

Kind = Literal["job", "message"]
KINDS: Final[tuple[Kind, ...]] = ("job", "message")
_TIME_OF: Final[Mapping[Kind, str]] = {"job": "finished_at", "message": "received_at"}
_DEAD: Final = {"status": "dead"}


@dataclass(frozen=True)
class DeadLetter:
    """One dead letter."""

    kind: Kind
    document: Document

    @property
    def id(self) -> str:
        """Its id: of a job its correlation id."""
        return str(self.document["_id"])

    @property
    def at(self) -> datetime:
        """When the job died, or the message was put aside."""
        moment: datetime = self.document[_TIME_OF[self.kind]]
        return moment


@dataclass(frozen=True)
class DeadLetterQuery:
    """Which dead letters are meant.

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
        query: Document = dict(_DEAD) if kind == "job" else {}
        if self.queue is not None:
            query["queue"] = self.queue
        if self.before is not None:
            query[_TIME_OF[kind]] = {"$lt": self.before}
        return query


class DeadLetters:
    """Lists, reads, edits and removes dead letters.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        options = {"write_concern": DURABLE, "read_concern": CURRENT}
        jobs, messages = (database.get_collection(name, **options) for name in ("jobs", COLLECTION))  # type: ignore[arg-type]
        self._collections = {"job": jobs, "message": messages}

    async def page(self, query: DeadLetterQuery, *, after: tuple[datetime, str] | None, limit: int) -> list[DeadLetter]:
        """The newest dead letters, without what messages hold.

        Args:
            query: Which.
            after: Time and id of the last one of the page before.
            limit: How many at most.
        """
        found: list[DeadLetter] = []
        for kind in query.kinds:
            moment = _TIME_OF[kind]
            last = {moment: after[0], "_id": after[1]} if after else None
            wanted = {**query.filter(kind), **older_than(last, moment)}
            with store_errors():
                cursor = self._collections[kind].find(wanted, {"raw": 0, "result": 0, "outcome": 0})
                documents = await cursor.sort([(moment, -1), ("_id", 1)]).limit(limit).to_list()
            found += [DeadLetter(kind, document) for document in documents]
        return sorted(found, key=lambda letter: (-letter.at.timestamp(), letter.id))[:limit]

    async def find(self, letter_id: str) -> DeadLetter:
        """Read one.

        Raises:
            NotFound: There is no dead letter of that id.
        """
        for kind in KINDS:
            with store_errors():
                document = await self._collections[kind].find_one({"_id": letter_id, **_filter(kind)})
            if document is not None:
                return DeadLetter(kind, document)
        raise NotFound(f"there is no dead letter {letter_id}; it may have been replayed or removed")

    async def edit_job(self, correlation_id: str, spec: Document, spec_hash: str) -> DeadLetter:
        """Lay another specification beside a dead job.

        Raises:
            JobFinished: It is not dead any more.
        """
        operation = protocol.edit(correlation_id, spec, spec_hash)
        with store_errors():
            job = await self._collections["job"].find_one_and_update(
                operation.filter, operation.update, return_document=ReturnDocument.AFTER
            )
        if job is None:
            raise JobFinished(f"job {correlation_id} is not dead any more: somebody replayed or removed it")
        return DeadLetter("job", job)

    async def edit_message(self, letter_id: str, body: bytes) -> DeadLetter:
        """Lay another body beside a message.

        Raises:
            NotFound: It is not there any more.
        """
        changes = {"draft": {"body": literal(Binary(body)), "at": NOW}, "history": happened("edited")}
        with store_errors():
            message = await self._collections["message"].find_one_and_update(
                {"_id": letter_id}, [{"$set": changes}], return_document=ReturnDocument.AFTER
            )
        if message is None:
            raise NotFound(f"there is no dead letter {letter_id} any more: somebody replayed or removed it")
        return DeadLetter("message", message)

    async def remove(self, letter: DeadLetter) -> bool:
        """Remove one as it was read; False if it has changed or gone since."""
        same = {"draft": letter.document.get("draft")}
        with store_errors():
            result = await self._collections[letter.kind].delete_one({"_id": letter.id, **_filter(letter.kind), **same})
        return result.deleted_count == 1

    async def purge(self, query: DeadLetterQuery) -> int:
        """Remove all that are meant; how many."""
        count = 0
        for kind in query.kinds:
            with store_errors():
                count += (await self._collections[kind].delete_many(query.filter(kind))).deleted_count
        return count

    async def counts(self) -> Sequence[tuple[Kind, str, int]]:
        """How many there are of each kind and queue."""
        counted: list[tuple[Kind, str, int]] = []
        for kind in KINDS:
            stages: list[Document] = [
                {"$match": _filter(kind)},
                {"$group": {"_id": "$queue", "count": {"$sum": 1}}},
                {"$sort": {"_id": 1}},
            ]
            with store_errors():
                groups: list[dict[str, Any]] = await (await self._collections[kind].aggregate(stages)).to_list()
            counted += [(kind, group["_id"], group["count"]) for group in groups]
        return counted


def _filter(kind: Kind) -> Document:
    return _DEAD if kind == "job" else {}
