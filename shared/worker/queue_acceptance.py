"""Acceptance of commands from queues, with the same validation as over HTTP."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

import bson
import bson.errors
from pydantic import TypeAdapter, ValidationError

from modelbus.shared.bus import Delivery, recorded_id
from modelbus.shared.bus.queues import OWNER_HEADER
from modelbus.shared.contracts import Command, parse_command_of_queue, spec_hash
from modelbus.shared.contracts.base import CorrelationId
from modelbus.shared.contracts.documents.job_documents import JobDocument
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.observing.tracing import traceparent_of
from modelbus.shared.store.jobs.acceptance import QUEUE_OWNER, new_job
from modelbus.shared.store.operation import NewJob

_CORRELATION_ID: TypeAdapter[str] = TypeAdapter(CorrelationId)
_OWNER_LIMIT: Final = 100


@dataclass(frozen=True)
class Received:
    """A command of a delivery: valid, or with the reason why it is not."""

    correlation_id: str
    command: Command | None
    error: InvalidCommand | None
    job: NewJob


def received_commands(delivery: Delivery) -> Iterator[Received]:
    """Validate each command of a delivery against its contract and its queue."""
    for position, document in enumerate(delivery.documents):
        if recorded_id(document) is None:
            yield _received(document, delivery, position)


def received_job(job: JobDocument) -> Received:
    """Read the command of a recorded job that a message names."""
    recorded = NewJob(
        correlation_id=job["_id"],
        command=job["command"],
        queue=job["queue"],
        spec=job["spec"],
        spec_hash=job["spec_hash"],
        owner=job["owner"],
        door=job["door"],
        reply_to=job["reply_to"],
        given_correlation_id=job.get("given_correlation_id"),
        headers=job.get("headers") or {},
    )
    try:
        command = parse_command_of_queue({**job["spec"], "correlation_id": job["_id"]}, job["queue"])
    except InvalidCommand as error:
        # accepted by an earlier release, refused by this one
        return Received(job["_id"], None, error, recorded)
    return Received(job["_id"], command, None, recorded)


def recorded_ids(delivery: Delivery) -> list[str]:
    """The correlation ids of the recorded jobs that a delivery names."""
    return [named for document in delivery.documents if (named := recorded_id(document)) is not None]


def _received(document: dict[str, Any], delivery: Delivery, position: int) -> Received:
    correlation_id, id_error = _correlation_id(document, delivery, position)
    given = _given_id(document, delivery)
    try:
        if id_error:
            raise id_error
        command = parse_command_of_queue(document, delivery.queue)
    except InvalidCommand as error:
        return Received(correlation_id, None, error, _invalid_job(document, correlation_id, given, delivery))
    job = new_job(
        command,
        correlation_id,
        door="queue",
        owner=_owner(delivery),
        reply_to=delivery.reply_to,
        given_correlation_id=given,
        traceparent=traceparent_of(delivery.headers, correlation_id),
    )
    return Received(correlation_id, command, None, job)


def _correlation_id(document: dict[str, Any], delivery: Delivery, position: int) -> tuple[str, InvalidCommand | None]:
    """The job's id: the command's, else the message's, else a derived one; and an error if the given one is invalid.

    A derived id depends on the message's tag and the command's position, so that a redelivery gives the same job.
    """
    derived = str(uuid5(NAMESPACE_OID, f"{delivery.tag}/{position}"))
    given = document.get("correlation_id")
    if given is None:
        given = delivery.correlation_id
    if given is None:
        return derived, None
    try:
        return _CORRELATION_ID.validate_python(given), None
    except ValidationError:
        return derived, InvalidCommand(
            f"correlation id {str(given)[:100]!r} is not a UUID; the refusal is recorded as job {derived}",
            details=[{"where": "correlation_id", "problem": "not a UUID", "given": str(given)[:100]}],
        )


def _given_id(document: dict[str, Any], delivery: Delivery) -> str | None:
    """The id by which the sender identifies the reply, valid or not.

    For an element of an array without an id, it is the message's.
    """
    given = document.get("correlation_id")
    if given is None:
        return delivery.given_correlation_id
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def _invalid_job(document: dict[str, Any], correlation_id: str, given: str | None, delivery: Delivery) -> NewJob:
    # Without the id it has the hash that a recorded job of the same document has: so a job that an earlier release
    # accepted and this one refuses ends as failed, instead of being sent again for ever.
    spec = _storable({name: value for name, value in document.items() if name != "correlation_id"})
    return NewJob(
        correlation_id=correlation_id,
        command=str(document.get("command", "unknown"))[:100],
        queue=delivery.queue,
        spec=spec,
        spec_hash=spec_hash(spec),
        owner=_owner(delivery),
        door="queue",
        reply_to=delivery.reply_to,
        given_correlation_id=None if given == correlation_id else given,
    )


def _owner(delivery: Delivery) -> str:
    given = delivery.headers.get(OWNER_HEADER)
    return given if isinstance(given, str) and 0 < len(given) <= _OWNER_LIMIT else QUEUE_OWNER


def _storable(document: dict[str, Any]) -> dict[str, Any]:
    """The document, or its text where MongoDB could not hold it (integers over 64 bits, NUL in names, deep nesting)."""
    try:
        bson.encode(document)
    except (bson.errors.InvalidDocument, OverflowError, RecursionError):
        return {"text": json.dumps(document, ensure_ascii=False)[:10_000]}
    return document
