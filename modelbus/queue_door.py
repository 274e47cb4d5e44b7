"""The queue's door: publish commands straight to the bus, with their jobs recorded first.

A command that is only on a queue can be lost with it; one whose job is recorded cannot (docs/adr/0001). So the job is
written to MongoDB before the message leaves: from then on it is done, whether the message arrives or not. This needs
both servers; whoever only has the gateway's address uses the client.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from modelbus.extras import require

require("queue", "QueueDoor")

from pydantic import SecretStr

from modelbus.shared.bus import Publisher, send_recorded
from modelbus.shared.contracts import Command, command_queue, new_correlation_id, parse_command
from modelbus.shared.errors import BusUnavailable, CorrelationIdReused, InvalidCommand, backlog_full
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import open_store
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.store.jobs.ledger import JobLedger, terms_of
from modelbus.shared.store.records.services import worker_name
from modelbus.stack_folder.running import running_stack

CommandDocument = Mapping[str, Any]


class QueueDoor:
    """Publishes commands; keeps its connections between calls."""

    def __init__(self, *, bus_url: str | None = None, mongo_url: str | None = None) -> None:
        """Nothing is opened before the first call.

        Args:
            bus_url: The broker; default: ``MODELBUS_BUS_URL``.
            mongo_url: The database; default: ``MODELBUS_MONGO_URL``.

        Where none of these is given, both are those of the local stack that runs in the working directory or a folder
        above it; where none runs, the settings' defaults.
        """
        settings = _settings({"bus_url": bus_url, "mongo_url": mongo_url})
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

        Either all are valid, or none is recorded. A broker that is away is no error: what is recorded is sent as soon
        as it is back.

        Args:
            commands: One command, or several: ``{"command": "TrainModel", "model": ..., ...}``. Each may have a
                ``correlation_id``; published again with it, it is the same job.
            reply_to: A queue that gets the final event of each, too.

        Returns:
            The jobs' correlation ids, in the commands' order.

        Raises:
            InvalidCommand: One breaks its contract; ``details`` says which and where. Nothing was recorded.
            BacklogFull: As many jobs wait on a command's queue as may. Nothing was recorded.
            CorrelationIdReused: An id belongs to a job with another specification. Those before it were published.
            StoreUnavailable: MongoDB does not answer.
        """
        documents = [commands] if isinstance(commands, Mapping) else list(commands)
        parsed = _parsed(documents)
        self._require_room(parsed)
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
            # Recorded is enough: a sweep sends it.
            return correlation_id
        return correlation_id


def publish(
    commands: CommandDocument | Sequence[CommandDocument],
    *,
    bus_url: str | None = None,
    mongo_url: str | None = None,
    reply_to: str | None = None,
) -> list[str]:
    """Publish once; ``QueueDoor`` is for many times. Arguments, results and errors are those of ``QueueDoor``."""
    with QueueDoor(bus_url=bus_url, mongo_url=mongo_url) as door:
        return door.publish(commands, reply_to=reply_to)


def _settings(given: Mapping[str, str | None]) -> Settings:
    """The settings with the servers that are meant: never one that was named beside one that was only found."""
    settings = Settings()
    named = {name: SecretStr(url) for name, url in given.items() if url is not None}
    if not named and not settings.model_fields_set & given.keys():
        stack = running_stack()
        if stack is not None:
            named = {"bus_url": SecretStr(stack.bus_url), "mongo_url": SecretStr(stack.mongo_url)}
    return settings.model_copy(update=named)


def _parsed(documents: Sequence[CommandDocument]) -> list[Command]:
    parsed = []
    for position, document in enumerate(documents):
        try:
            parsed.append(parse_command(dict(document) if isinstance(document, Mapping) else document))
        except InvalidCommand as error:
            raise _placed(error, position) if len(documents) > 1 else error from None
    return parsed


def _placed(error: InvalidCommand, position: int) -> InvalidCommand:
    """The same fault, told with the command's place among the others."""
    details = [{**detail, "where": f"{position}.{detail.get('where', '')}"} for detail in error.details]
    return InvalidCommand(f"command {position}: {error.message}", details=details)
