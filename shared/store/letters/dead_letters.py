"""Dead letters, for the gateway: dead jobs, and messages that could not be read, as one list.

A dead job is its record in ``jobs``; a message is a record in ``dead_letters``. The ids of both are UUIDs, and no
two are the same. An edit is stored as a draft beside what was sent, and a replay uses it (docs/adr/0018).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pymongo.asynchronous.database import AsyncDatabase

from modelbus.shared.contracts.documents.job_documents import DeadJob, JobDocument
from modelbus.shared.contracts.documents.letter_documents import ListedMessage, MessageDocument
from modelbus.shared.errors import JobFinished, NotFound
from modelbus.shared.store.connection import Document
from modelbus.shared.store.drivers.gateway_store import GatewayStore
from modelbus.shared.store.indexes import DEAD_LETTERS, JOBS
from modelbus.shared.store.job_queries import JOB
from modelbus.shared.store.jobs import protocol
from modelbus.shared.store.letters import letter_queries
from modelbus.shared.store.letters.letter_queries import COLLECTION_OF, KINDS, DeadLetterQuery, Kind
from modelbus.shared.store.queries import After

J = TypeVar("J", bound=DeadJob, covariant=True)
M = TypeVar("M", bound=ListedMessage, covariant=True)


@dataclass(frozen=True)
class JobLetter(Generic[J]):
    """A dead job."""

    document: J
    kind: Literal["job"] = "job"

    @property
    def id(self) -> str:
        """Its correlation id."""
        return self.document["_id"]

    @property
    def at(self) -> datetime:
        """When it died."""
        died_at = self.document["finished_at"]
        assert died_at is not None  # a dead job has ended
        return died_at


@dataclass(frozen=True)
class MessageLetter(Generic[M]):
    """A message that could not be read."""

    document: M
    kind: Literal["message"] = "message"

    @property
    def id(self) -> str:
        """Its id."""
        return self.document["_id"]

    @property
    def at(self) -> datetime:
        """When it was quarantined."""
        return self.document["received_at"]


ListedLetter = JobLetter[DeadJob] | MessageLetter[ListedMessage]
"""A dead letter as lists show it."""
DeadLetter = JobLetter[JobDocument] | MessageLetter[MessageDocument]
"""A whole dead letter."""


class DeadLetters:
    """Lists, reads, edits and removes dead letters.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._store = GatewayStore(database)

    async def page(self, meant: DeadLetterQuery, *, after: After | None, limit: int) -> list[ListedLetter]:
        """The newest dead letters, without what was sent.

        Args:
            meant: Which.
            after: Time and id of the last one of the page before.
            limit: How many at most.
        """
        found: list[ListedLetter] = []
        if "job" in meant.kinds:
            jobs = await self._store.all(letter_queries.dead_jobs(meant, after=after, limit=limit))
            found += [JobLetter(job) for job in jobs]
        if "message" in meant.kinds:
            messages = await self._store.all(letter_queries.messages(meant, after=after, limit=limit))
            found += [MessageLetter(message) for message in messages]
        return sorted(found, key=lambda letter: (-letter.at.timestamp(), letter.id))[:limit]

    async def find(self, letter_id: str) -> DeadLetter:
        """Read one.

        Raises:
            NotFound: There is no dead letter of that id.
        """
        if (job := await self._store.one(letter_queries.dead_job(letter_id))) is not None:
            return JobLetter(job)
        if (message := await self._store.one(letter_queries.message(letter_id))) is not None:
            return MessageLetter(message)
        raise NotFound(f"dead letter {letter_id} does not exist; it may have been replayed or removed")

    async def edit_job(self, correlation_id: str, spec: dict[str, Any], spec_hash: str) -> DeadLetter:
        """Store a changed specification as the draft of a dead job.

        Raises:
            JobFinished: The job is not dead any more.
        """
        job = await self._store.change(JOBS, protocol.edit(correlation_id, spec, spec_hash), JOB)
        if job is None:
            raise JobFinished(f"job {correlation_id} is no longer a dead letter: it has been replayed or removed")
        return JobLetter(job)

    async def edit_message(self, letter_id: str, body: bytes) -> DeadLetter:
        """Store a changed body as the draft of a message.

        Raises:
            NotFound: It is not there any more.
        """
        operation = letter_queries.edit_message(letter_id, body)
        message = await self._store.change(DEAD_LETTERS, operation, letter_queries.MESSAGE)
        if message is None:
            raise NotFound(f"dead letter {letter_id} no longer exists: it has been replayed or removed")
        return MessageLetter(message)

    async def remove(self, letter: DeadLetter) -> bool:
        """Remove a dead letter as it was read; False if it has changed or is gone since."""
        same = {"draft": letter.document.get("draft")}
        unchanged = {**letter_queries.letter_filter(letter.kind, letter.id), **same}
        return await self._store.delete(COLLECTION_OF[letter.kind], unchanged)

    async def purge(self, meant: DeadLetterQuery) -> int:
        """Remove all that match; returns how many."""
        return sum([await self._store.delete_all(COLLECTION_OF[kind], meant.filter(kind)) for kind in meant.kinds])

    async def counts(self) -> Sequence[tuple[Kind, str, int]]:
        """The number of dead letters by kind and queue."""
        counted: list[tuple[Kind, str, int]] = []
        for kind in KINDS:
            groups = await self._store.aggregated(letter_queries.counts_by_queue(kind))
            counted += [(kind, group["queue"], group["count"]) for group in groups]
        return counted
