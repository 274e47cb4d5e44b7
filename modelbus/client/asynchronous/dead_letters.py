"""Dead letters: list, read, edit, replay, remove."""

import builtins
import io
from typing import Any

from modelbus.client.arguments.checking import Checked
from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.asynchronous.job import AsyncJob
from modelbus.client.asynchronous.jobs import job_of_answer
from modelbus.client.calls import Call, path_of, record_of
from modelbus.client.letters import DeadLetter, DeadLetterPage, DeadLetterSummary, LetterKind, letter_query
from modelbus.client.moment_texts import Moment

LetterList = list[DeadLetterSummary]
_PAGE_LIMIT = 200


class AsyncDeadLetters(Checked):
    """Dead letters: jobs whose attempts are exhausted, and unreadable messages."""

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
        """Dead letters, newest first.

        Args:
            kind: Only ``job`` or ``message``.
            queue: Only those of this queue, such as ``train``.
            before: Only older ones: a time, or an age such as ``7d``.
            limit: The maximum number; None for all.
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
        """One page of dead letters.

        Args:
            kind: Only ``job`` or ``message``.
            queue: Only those of this queue.
            before: Only older ones.
            limit: The maximum number, 1 to 200.
            cursor: The ``next`` of the previous page.
        """
        query = letter_query(kind, queue, before, limit=limit, cursor=cursor)
        return record_of(DeadLetterPage, await self._transport.document("GET", "/dead-letters", **query))

    async def get(self, letter_id: str) -> DeadLetter:
        """One dead letter: reason, attempts, history, content, and the last log lines.

        Raises:
            NotFound: No dead letter has that id.
        """
        return record_of(DeadLetter, await self._transport.document("GET", path_of("dead-letters", letter_id)))

    async def content(self, letter_id: str) -> bytes:
        """The bytes of a message, as received.

        Raises:
            NotFound: No dead letter has that id.
            BadRequest: The dead letter is a job, which has no bytes.
        """
        content = io.BytesIO()
        await self._transport.send(Call("GET", path_of("dead-letters", letter_id, "content"), sink=content))
        return content.getvalue()

    async def edit(self, letter_id: str, *, spec: dict[str, Any] | None = None, body: Any = None) -> DeadLetter:
        """Change what a replay sends; the original stays readable. Nothing is replayed yet.

        Args:
            letter_id: The dead letter.
            spec: Of a job: the whole command.
            body: Of a message: a command, or a list of commands.

        Raises:
            NotFound, Conflict: The dead letter does not exist (any more).
            BadRequest: Not exactly one of ``spec``, for jobs, and ``body``, for messages, is given.
            InvalidCommand: The command is not valid for its queue; ``details`` names each field.
        """
        change = {name: value for name, value in (("spec", spec), ("body", body)) if value is not None}
        document = await self._transport.document("PUT", path_of("dead-letters", letter_id), change)
        return record_of(DeadLetter, document)

    async def replay(self, letter_id: str) -> builtins.list[AsyncJob[Any]]:
        """Send a dead letter again, as it was edited, else as it was.

        Returns:
            The job, or the jobs of a message.

        Raises:
            NotFound: No dead letter has that id.
            InvalidCommand: The message is still not readable; edit it first.
        """
        call = Call("POST", path_of("dead-letters", letter_id, "replay"), is_repeatable=False)
        return [job_of_answer(self._transport, one) for one in (await self._transport.send(call)).document["jobs"]]

    async def remove(self, letter_id: str) -> None:
        """Remove a dead letter permanently: the job's record, or the message.

        Raises:
            NotFound: No dead letter has that id.
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
        """Remove dead letters permanently; returns how many were removed.

        Args:
            kind: Only ``job`` or ``message``.
            queue: Only those of this queue.
            before: Only older ones.
            is_all: Remove all of them.

        Raises:
            BadRequest: No argument selects dead letters.
        """
        query = letter_query(kind, queue, before, all="true" if is_all else None)
        # the answer to a repetition would count only those that arrived in between
        call = Call("DELETE", "/dead-letters", query, is_repeatable=False)
        return int((await self._transport.send(call)).document["purged"])
