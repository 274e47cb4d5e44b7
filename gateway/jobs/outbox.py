"""Sending commands from the event loop: one thread, and group commit.

Whatever is asked to be sent while one publish is in flight leaves with the next one: predictions as one message, an
array. A publish costs the same for one command as for a hundred, so throughput grows with the load (design: the
predict path).
"""

import asyncio
import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import structlog

from modelbus.shared.bus import Publisher
from modelbus.shared.bus.queues import INTERACTIVE_HEADER, OWNER_HEADER
from modelbus.shared.errors import BusUnavailable
from modelbus.shared.observing.tracing import span, trace_headers

log = structlog.get_logger()

_BATCHED_QUEUES: Final = frozenset({"predict"})
"""Lanes whose consumer computes an array together; on others an array would only be taken apart again."""


@dataclass(frozen=True)
class _Letter:
    queue: str
    body: bytes
    correlation_id: str
    reply_to: str | None
    owner: str
    traceparent: str | None
    sent: asyncio.Future[None]


class Outbox:
    """Sends commands; ``send`` returns when the broker has it."""

    def __init__(self, publisher: Publisher, *, batch_limit: int, batch_bytes_limit: int) -> None:
        """Args:
        publisher: Owned by the outbox's thread.
        batch_limit: How many commands one message holds at most.
        batch_bytes_limit: How many bytes of commands one message holds at most.
        """
        self._publisher = publisher
        self._batch_limit = batch_limit
        self._batch_bytes_limit = batch_bytes_limit
        self._letters: queue.SimpleQueue[_Letter | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    async def send(
        self,
        queue_name: str,
        body: bytes,
        correlation_id: str,
        reply_to: str | None = None,
        *,
        owner: str,
        traceparent: str | None = None,
    ) -> None:
        """Send one command.

        Args:
            queue_name: Where to.
            body: The command as JSON, its correlation id included.
            correlation_id: The same, for the message's property.
            reply_to: The queue for the final event.
            owner: Whose command it is: those of two owners never share a message.
            traceparent: Of what caused it.

        Raises:
            BusUnavailable: The broker does not take it.
        """
        sent: asyncio.Future[None] = self._loop.create_future()
        self._letters.put(_Letter(queue_name, body, correlation_id, reply_to, owner, traceparent, sent))
        await sent

    async def close(self) -> None:
        """Send what waits, then stop."""
        self._letters.put(None)
        await self._loop.run_in_executor(None, self._thread.join)
        self._publisher.close()

    def _run(self) -> None:
        is_open = True
        while is_open:
            letters, is_open = self._take_all()
            for (queue_name, *_), group in groupby(sorted(letters, key=_address_of), key=_address_of):
                for batch in self._batches(queue_name, list(group)):
                    self._send(queue_name, batch)

    def _take_all(self) -> tuple[list[_Letter], bool]:
        letters: list[_Letter] = []
        letter = self._letters.get()
        while letter is not None:
            letters.append(letter)
            try:
                letter = self._letters.get_nowait()
            except queue.Empty:
                return letters, True
        return letters, False

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
            size += len(letter.body)
        if batch:
            yield batch

    def _send(self, queue_name: str, batch: list[_Letter]) -> None:
        error: Exception | None = None
        first, is_alone = batch[0], len(batch) == 1
        try:
            with span(f"send {queue_name}", kind="producer", **_causes(batch)):
                self._publisher.send(
                    queue_name,
                    first.body if is_alone else b"[" + b",".join(letter.body for letter in batch) + b"]",
                    correlation_id=first.correlation_id if is_alone else None,
                    reply_to=first.reply_to,
                    headers=_headers(queue_name, batch),
                )
        except BusUnavailable as unavailable:
            error = unavailable
        except Exception as unexpected:
            log.exception("outbox.failed", queue=queue_name)
            error = unexpected
        self._tell(batch, error)

    def _tell(self, batch: list[_Letter], error: Exception | None) -> None:
        try:
            self._loop.call_soon_threadsafe(_settle, [letter.sent for letter in batch], error)
        except RuntimeError:
            # The loop closed while the last letters left; nobody waits for them any more.
            log.debug("outbox.nobody_waits", count=len(batch))


def _headers(queue_name: str, batch: list[_Letter]) -> dict[str, Any]:
    headers = {OWNER_HEADER: batch[0].owner}
    headers |= trace_headers({letter.correlation_id: letter.traceparent for letter in batch})
    # Also an accepted prediction may be recorded fast: if the write were lost, its job would still be queued.
    return headers | ({INTERACTIVE_HEADER: True} if queue_name in _BATCHED_QUEUES else {})


def _causes(batch: list[_Letter]) -> dict[str, Any]:
    """What the sending of a message belongs to: one request, or several."""
    known = [letter.traceparent for letter in batch if letter.traceparent]
    return {"parent": known[0]} if len(batch) == 1 and known else {"links": known}


def _address_of(letter: _Letter) -> tuple[str, str, str]:
    return letter.queue, letter.reply_to or "", letter.owner


def _settle(futures: Iterable[asyncio.Future[Any]], error: Exception | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
