"""Sending commands from the event loop, in the background and by group commit.

All commands submitted while a publish is in flight leave with the next one: predictions as one message, an array. A
publish costs the same for one command as for a hundred, so throughput grows with the load (design: the predict path).

Each command has a waiting caller, but no caller waits for a silent broker: commands that cannot be sent are refused at
once. The job of a refused command has been recorded, or is recorded by its caller, and the sweep sends it.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import structlog

from modelbus.shared.bus import Publisher, recorded_message
from modelbus.shared.bus.queues import INTERACTIVE_HEADER, OWNER_HEADER
from modelbus.shared.errors import BusUnavailable
from modelbus.shared.observing.background_sender import BackgroundSender, SenderTerms
from modelbus.shared.observing.tracing import span, trace_headers

log = structlog.get_logger()

_BATCHED_QUEUES: Final = frozenset({"predict"})
"""The lanes whose consumer processes an array together; others would only split it again."""

WAIT_S: Final = 5.0
"""The maximum wait of a command for the broker in seconds, which is the time of one response of the broker."""
_LETTER_COST_BYTES: Final = 1000
"""The memory of a letter in addition to its body, in bytes."""
_ENVELOPE_BYTES: Final = 2048
"""The size of a message in addition to its commands, in bytes."""
_TRACE_BYTES: Final = 120
"""The size of the headers for each of several commands, a trace, in bytes."""
_TERMS: Final = SenderTerms(
    name="outbox",
    capacity=64 * 1024 * 1024,
    batch_limit=16 * 1024 * 1024,
    does_refuse=True,
    does_keep_failed=False,
    silence_s=0.5,
    silence_limit_s=5.0,
    patience_s=2.0,
)


@dataclass(frozen=True)
class _Letter:
    queue: str
    body: bytes
    correlation_id: str
    owner: str
    """The owner of a command; for a recorded job the record has it."""
    traceparent: str | None
    is_recorded: bool
    sent: asyncio.Future[None]


class Outbox:
    """Sends commands; ``send`` returns when the broker has received it."""

    def __init__(self, publisher: Publisher, *, batch_limit: int, message_limit_bytes: int) -> None:
        """Args: publisher: The publisher, owned by the outbox's thread. batch_limit: The maximum number of commands in
        a message. message_limit_bytes: The maximum size of a message.
        """
        self._loop = asyncio.get_running_loop()
        # As text in an envelope, a quotation mark of JSON takes two bytes.
        self._command_limit_bytes = (message_limit_bytes - _ENVELOPE_BYTES) // 2
        destination = _LetterDestination(publisher, self._loop, batch_limit, self._command_limit_bytes // 2)
        self._sender = BackgroundSender(destination, _TERMS)
        self._sender.start()

    def does_take(self, body: bytes) -> bool:
        """Whether a command fits into a message; a larger one is recorded, and its message names the job."""
        return len(body) <= self._command_limit_bytes

    async def send_recorded(self, queue_name: str, correlation_id: str, *, traceparent: str | None = None) -> None:
        """Send the message of a recorded job.

        Raises:
            BusUnavailable: The broker did not accept it, or not in time; it may still do so.
        """
        letter = _Letter(
            queue_name,
            recorded_message(correlation_id),
            correlation_id,
            owner="",
            traceparent=traceparent,
            is_recorded=True,
            sent=self._loop.create_future(),
        )
        await self._send(letter, WAIT_S)

    async def send(
        self,
        queue_name: str,
        body: bytes,
        correlation_id: str,
        *,
        owner: str,
        traceparent: str | None = None,
        wait_s: float = WAIT_S,
    ) -> None:
        """Send a command whose job is not recorded.

        Args:
            queue_name: The queue.
            body: The command as JSON, its correlation id included.
            correlation_id: The same id, for the message's property.
            owner: The owner of the command; commands of different owners never share a message.
            traceparent: The trace that caused the command.
            wait_s: The maximum wait for the broker in seconds.

        Raises:
            BusUnavailable: The broker did not accept it, or not in time; it may still do so.
        """
        letter = _Letter(
            queue_name,
            body,
            correlation_id,
            owner=owner,
            traceparent=traceparent,
            is_recorded=False,
            sent=self._loop.create_future(),
        )
        await self._send(letter, wait_s)

    async def close(self, timeout_s: float = WAIT_S) -> None:
        """Send the waiting commands, if the broker responds, then stop."""
        await self._loop.run_in_executor(None, self._sender.stop, timeout_s)

    async def _send(self, letter: _Letter, wait_s: float) -> None:
        if not self._sender.put((letter,)):
            raise BusUnavailable("the message broker is not responding")
        try:
            async with asyncio.timeout(wait_s):
                await letter.sent
        except TimeoutError:
            raise BusUnavailable(f"the message broker did not accept the command within {wait_s:g} s") from None


class _LetterDestination:
    """The outgoing letters by address; letters of one address share a message if their consumer processes them
    together.
    """

    def __init__(
        self, publisher: Publisher, loop: asyncio.AbstractEventLoop, batch_limit: int, batch_bytes_limit: int
    ) -> None:
        self._publisher = publisher
        self._loop = loop
        self._batch_limit = batch_limit
        self._batch_bytes_limit = batch_bytes_limit

    def cost(self, letter: _Letter) -> int:
        return len(letter.body) + _LETTER_COST_BYTES

    def send(self, letters: Sequence[_Letter]) -> None:
        for (queue_name, *_), group in groupby(sorted(letters, key=_address_of), key=_address_of):
            for batch in self._batches(queue_name, list(group)):
                self._send_message(queue_name, batch)

    def lose(self, letters: Sequence[_Letter], error: Exception | None) -> None:
        self._tell(letters, error or BusUnavailable("the command was not sent, because the gateway is stopping"))

    def close(self) -> None:
        self._publisher.close()

    def _batches(self, queue_name: str, letters: list[_Letter]) -> Iterator[list[_Letter]]:
        if queue_name not in _BATCHED_QUEUES:
            yield from ([letter] for letter in letters)
            return
        batch: list[_Letter] = []
        size = 0
        for letter in letters:
            if batch and (len(batch) == self._batch_limit or size + len(letter.body) > self._batch_bytes_limit):
                yield batch
                batch, size = [], 0
            batch.append(letter)
            size += len(letter.body) + _TRACE_BYTES
        if batch:
            yield batch

    def _send_message(self, queue_name: str, batch: list[_Letter]) -> None:
        """Send one message.

        Raises:
            BusUnavailable: The broker did not accept it.
        """
        first, is_alone = batch[0], len(batch) == 1
        error: Exception | None = None
        try:
            with span(f"send {queue_name}", kind="producer", **_causes(batch)):
                self._publisher.send(
                    queue_name,
                    first.body if is_alone else b"[" + b",".join(letter.body for letter in batch) + b"]",
                    correlation_id=first.correlation_id if is_alone else None,
                    headers={} if first.is_recorded else _headers(batch),
                )
        except BusUnavailable:
            raise
        except Exception as unexpected:
            # A fault in this message is no reason to hold back the others.
            log.exception("outbox.failed", queue=queue_name)
            error = unexpected
        self._tell(batch, error)

    def _tell(self, batch: Sequence[_Letter], error: Exception | None) -> None:
        try:
            self._loop.call_soon_threadsafe(_settle, [letter.sent for letter in batch], error)
        except RuntimeError:
            # The loop closed while the last letters left; nobody waits for them any more.
            log.debug("outbox.abandoned", count=len(batch))


def _headers(batch: list[_Letter]) -> dict[str, Any]:
    causes = trace_headers({letter.correlation_id: letter.traceparent for letter in batch})
    return {OWNER_HEADER: batch[0].owner, INTERACTIVE_HEADER: True, **causes}


def _causes(batch: list[_Letter]) -> dict[str, Any]:
    """The traces of a message: of one request or several."""
    known = [letter.traceparent for letter in batch if letter.traceparent]
    return {"parent": known[0]} if len(batch) == 1 and known else {"links": known}


def _address_of(letter: _Letter) -> tuple[str, bool, str]:
    return letter.queue, letter.is_recorded, letter.owner


def _settle(futures: Iterable[asyncio.Future[Any]], error: Exception | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
