"""Dead letters: what could not be done, or not even be read; looked at, mended, replayed, removed."""

import builtins
import io
from typing import Any

from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.asynchronous.job import AsyncJob
from modelbus.client.asynchronous.jobs import job_told
from modelbus.client.calls import Call, path_of, record_of
from modelbus.client.letters import DeadLetter, DeadLetterPage, DeadLetterSummary, LetterKind, letter_query
from modelbus.client.moment_texts import Moment

LetterList = list[DeadLetterSummary]
_PAGE_LIMIT = 200


class AsyncDeadLetters:
    """Dead jobs, and messages that could not be read."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        kind: LetterKind | None = None,
        queue: str | None = None,
        before: Moment | None = None,
        limit: int | None = 50,
    ) -> LetterList:
        """Dead letters, the newest first.

        Args:
            kind: ``job`` or ``message`` only.
            queue: Only of this queue, such as ``train``.
            before: Only older ones: a time, or an age such as ``7d``.
            limit: How many at most; all if None.
        """
        query = letter_query(kind, queue, before)
        pages = self._transport.pages("/dead-letters", "dead_letters", limit=limit, page_limit=_PAGE_LIMIT, **query)
        return [record_of(DeadLetterSummary, one) async for page in pages for one in page]

    async def page(
        self,
        *,
        kind: LetterKind | None = None,
        queue: str | None = None,
        before: Moment | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> DeadLetterPage:
        """One page of dead letters, for whoever shows the following ones later.

        Args:
            kind: ``job`` or ``message`` only.
            queue: Only of this queue.
            before: Only older ones.
            limit: How many at most, 1 to 200.
            cursor: The ``next`` of the page before.
        """
        query = letter_query(kind, queue, before, limit=limit, cursor=cursor)
        return record_of(DeadLetterPage, await self._transport.document("GET", "/dead-letters", **query))

    async def get(self, letter_id: str) -> DeadLetter:
        """One of them: the reason, attempts, history, what was sent, and the last log lines.

        Raises:
            NotFound: There is none of that id.
        """
        return record_of(DeadLetter, await self._transport.document("GET", path_of("dead-letters", letter_id)))

    async def content(self, letter_id: str) -> bytes:
        """The bytes of a message, as they came.

        Raises:
            NotFound: There is none of that id.
            BadRequest: It is a job, which has none.
        """
        content = io.BytesIO()
        await self._transport.send(Call("GET", path_of("dead-letters", letter_id, "content"), sink=content))
        return content.getvalue()

    async def edit(self, letter_id: str, *, spec: dict[str, Any] | None = None, body: Any = None) -> DeadLetter:
        """Mend what a replay takes; what was sent stays readable as it was. Nothing is replayed yet.

        Args:
            letter_id: The dead letter.
            spec: Of a job: the whole command.
            body: Of a message: a command, or a list of commands.

        Raises:
            NotFound, Conflict: There is no such dead letter (any more).
            BadRequest: ``spec`` is for jobs, ``body`` for messages; one of them.
            InvalidCommand: It is no valid command for its queue; ``details`` names each field.
        """
        change = {name: value for name, value in (("spec", spec), ("body", body)) if value is not None}
        document = await self._transport.document("PUT", path_of("dead-letters", letter_id), change)
        return record_of(DeadLetter, document)

    async def replay(self, letter_id: str) -> builtins.list[AsyncJob[Any]]:
        """Send it once more, as it was or as it was edited; its job, or the jobs of a message.

        Raises:
            NotFound: There is none of that id.
            InvalidCommand: The message still cannot be read; edit it first.
        """
        call = Call("POST", path_of("dead-letters", letter_id, "replay"), is_repeatable=False)
        return [job_told(self._transport, one) for one in (await self._transport.send(call)).document["jobs"]]

    async def remove(self, letter_id: str) -> None:
        """Remove it for good: the job's record, or the message.

        Raises:
            NotFound: There is none of that id.
        """
        await self._transport.document("DELETE", path_of("dead-letters", letter_id))

    async def purge(
        self,
        *,
        kind: LetterKind | None = None,
        queue: str | None = None,
        before: Moment | None = None,
        is_all: bool = False,
    ) -> int:
        """Remove for good all that are meant; how many they were.

        Args:
            kind: ``job`` or ``message`` only.
            queue: Only of this queue.
            before: Only older ones.
            is_all: Every one.

        Raises:
            BadRequest: Nothing says which are meant.
        """
        query = letter_query(kind, queue, before, all="true" if is_all else None)
        # sent twice, the second answer would count what came in between
        call = Call("DELETE", "/dead-letters", query, is_repeatable=False)
        return int((await self._transport.send(call)).document["purged"])
