"""The queue's door: publish commands directly to the bus, with their jobs recorded first.

A command that is only in a queue can be lost with the queue; one whose job is recorded cannot (docs/adr/0001). The job
is therefore written to MongoDB before its message is sent: from then on it will be done, even if the message is lost.
This needs both servers; where only the gateway can be reached, use the client.
"""

import socket
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from modelbus.extras import require

require("queue", "QueueDoor")

import structlog
from pydantic import SecretStr

from modelbus.client.places import is_this_machine
from modelbus.shared.bus import Publisher, send_recorded
from modelbus.shared.contracts import Command, command_queue, new_correlation_id, parse_command
from modelbus.shared.errors import (
    BusUnavailable,
    CorrelationIdReused,
    InvalidCommand,
    StoreUnavailable,
    backlog_full,
)
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import open_store
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.store.jobs.ledger import JobLedger, terms_of
from modelbus.shared.store.records.services import worker_name
from modelbus.stack_folder.running import running_stack

CommandDocument = Mapping[str, Any]
_PROBE_S: Final = 0.3
"""Seconds to find out whether anything listens on this machine."""


class QueueDoor:
    """Publishes commands, and keeps its connections between calls."""

    def __init__(self, *, bus_url: str | None = None, mongo_url: str | None = None) -> None:
        """Nothing is opened before the first call.

        Args:
            bus_url: The address of the broker. Default: ``MODELBUS_BUS_URL``.
            mongo_url: The address of the database. Default: ``MODELBUS_MONGO_URL``.

        Without any of these, both servers are those of the local stack running in the working directory or a folder
        above it, else those at the default ports of this machine.
        """
        settings = _settings({"bus_url": bus_url, "mongo_url": mongo_url})
        _log_as_libraries_do()
        self._urls = {"MongoDB": settings.mongo_url, "Redis": settings.bus_url}
        self._has_published = False
        self._backlog_limit = settings.backlog_limit
        self._database = open_store(settings)
        self._ledger = JobLedger(self._database, terms_of(settings), worker_name("publisher"))
        self._publisher = Publisher(settings.bus_url.get_secret_value(), "publisher")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._publisher.close()
        self._database.client.close()

    def publish(
        self, commands: CommandDocument | Sequence[CommandDocument], *, reply_to: str | None = None
    ) -> list[str]:
        """Record the jobs of one or more commands, then send them to their queues.

        If one command is invalid, none is recorded. A broker that does not answer is not an error: recorded jobs are
        sent once it is back. Where nothing listens at the database's address on this machine, the first call fails at
        once.

        Args:
            commands: One command, or several: ``{"command": "TrainModel", "model": ..., ...}``. A command may have a
                ``correlation_id``; published again under the same id, it is the same job.
            reply_to: A queue that also receives the final event of each job.

        Returns:
            The jobs' correlation ids, in the order of the commands.

        Raises:
            InvalidCommand: A command is invalid; ``details`` names the command and the field. Nothing was recorded.
            BacklogFull: The queue of a command has reached its limit of waiting jobs. Nothing was recorded.
            CorrelationIdReused: An id belongs to a job with another specification. The commands before it were
                published.
            StoreUnavailable: MongoDB does not answer.
        """
        documents = _documents(commands)
        parsed = _parsed(documents)
        if not self._has_published:
            _require_listeners(self._urls)
        self._require_room(parsed)
        self._has_published = True
        return [self._publish(command, given, reply_to) for command, given in zip(parsed, documents, strict=True)]

    def _require_room(self, commands: Sequence[Command]) -> None:
        for queue in {command_queue(command) for command in commands}:
            waiting = self._ledger.count_waiting(queue)
            if waiting >= self._backlog_limit:
                raise backlog_full(queue, waiting, self._backlog_limit)

    def _publish(self, command: Command, document: CommandDocument, reply_to: str | None) -> str:
        correlation_id = command.correlation_id or new_correlation_id()
        given = document.get("correlation_id")
        job = new_job(
            command,
            correlation_id,
            door="queue",
            reply_to=reply_to,
            given_correlation_id=None if given is None else str(given),
        )
        try:
            self._ledger.accept(job)
        except CorrelationIdReused as error:
            error.correlation_id = correlation_id
            raise
        try:
            send_recorded(self._publisher, job.queue, correlation_id)
        except BusUnavailable:
            # the job is recorded, so a sweep sends its message
            return correlation_id
        return correlation_id


def publish(
    commands: CommandDocument | Sequence[CommandDocument],
    *,
    bus_url: str | None = None,
    mongo_url: str | None = None,
    reply_to: str | None = None,
) -> list[str]:
    """Publish commands once; use a ``QueueDoor`` to publish often. Arguments, results and errors are the same."""
    with QueueDoor(bus_url=bus_url, mongo_url=mongo_url) as door:
        return door.publish(commands, reply_to=reply_to)


def _settings(given: Mapping[str, str | None]) -> Settings:
    """The settings with the addresses of both servers: a given one is never combined with one that was found."""
    settings = Settings()
    named = {name: SecretStr(url) for name, url in given.items() if url is not None}
    if not named and not settings.model_fields_set & given.keys():
        stack = running_stack()
        if stack is not None:
            named = {"bus_url": SecretStr(stack.bus_url), "mongo_url": SecretStr(stack.mongo_url)}
    return settings.model_copy(update=named)


def _documents(commands: Any) -> list[Any]:
    if isinstance(commands, Mapping):
        return [commands]
    if isinstance(commands, (str, bytes)) or not isinstance(commands, Iterable):
        raise InvalidCommand(f"a command is a mapping, and several are a list of mappings; not {commands!r:.100}")
    return list(commands)


def _parsed(documents: Sequence[CommandDocument]) -> list[Command]:
    parsed = []
    for position, document in enumerate(documents):
        try:
            parsed.append(parse_command(dict(document) if isinstance(document, Mapping) else document))
        except InvalidCommand as error:
            raise _placed(error, position) if len(documents) > 1 else error from None
    return parsed


def _require_listeners(urls: Mapping[str, SecretStr]) -> None:
    """Fail at once where no database listens on this machine, as long as none has answered.

    Raises:
        StoreUnavailable: Nothing listens at the database's address; names the broker's too, if nothing listens there.
    """
    silent = [name for name, url in urls.items() if not _may_listen(url.get_secret_value())]
    if "MongoDB" in silent:
        places = " and ".join(f"at {name}'s address {_place(urls[name].get_secret_value())}" for name in silent)
        raise StoreUnavailable(
            f"nothing listens {places}; start a local stack with `modelbus up`, or set MODELBUS_MONGO_URL and "
            "MODELBUS_BUS_URL to the addresses of running servers"
        )


def _may_listen(url: str) -> bool:
    """Whether a server may listen at an address; False only where this machine refuses all connections to it."""
    places = _place(url).split(",")
    return not all(is_this_machine(f"//{place}") and _is_refused(place) for place in places)


def _place(url: str) -> str:
    """The hosts and ports of an address, without login."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _is_refused(place: str) -> bool:
    parts = urlsplit(f"//{place}")
    try:
        with socket.create_connection((parts.hostname, parts.port), timeout=_PROBE_S):
            return False
    except ConnectionRefusedError:
        return True
    except (OSError, ValueError):
        return False


def _log_as_libraries_do() -> None:
    """Pass the bus's log lines to ``logging``, unless the program has configured structlog itself."""
    if not structlog.is_configured():
        structlog.configure(
            processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )


def _placed(error: InvalidCommand, position: int) -> InvalidCommand:
    """The same error, with the command's position."""
    details = [{**detail, "where": f"{position}.{detail.get('where', '')}"} for detail in error.details]
    return InvalidCommand(f"command {position}: {error.message}", details=details)
