"""The job to record for a command, from HTTP or a queue, and whether a recorded job belongs to that command."""

from collections.abc import Iterator
from typing import Any, Final, TypeVar

from modelbus.shared.contracts import Command, command_queue, command_spec, spec_hash
from modelbus.shared.contracts.checks.dataset_use import dataset_use
from modelbus.shared.contracts.commands.registry import without_place
from modelbus.shared.contracts.documents.job_documents import HashedJob
from modelbus.shared.errors import CorrelationIdReused
from modelbus.shared.observing.tracing import trace_headers
from modelbus.shared.store.operation import NewJob

J = TypeVar("J", bound=HashedJob)

LOCAL_OWNER = "local"
"""The owner of requests without a key, if the gateway does not require keys."""
QUEUE_OWNER = "queue"
"""The owner of commands that were sent directly to a queue."""

_DIFFERS: Final = "differs from the first request with this id"
_IN_WORDS: Final = {
    "source.sha256": "the file's content",
    "source.file_name": "the file's name",
    "source.media_type": "the file's media type",
}
"""Names for fields of a specification that callers do not know by these paths."""
_NAMED_DIFFERENCES: Final = 5
_TOLD_DIFFERENCES: Final = 20
_SHOWN_LIMIT: Final = 200


def new_job(
    command: Command,
    correlation_id: str,
    *,
    door: str,
    owner: str = LOCAL_OWNER,
    reply_to: str | None = None,
    given_correlation_id: str | None = None,
    traceparent: str | None = None,
) -> NewJob:
    """The job to record for a valid command.

    Args:
        command: The command.
        correlation_id: The job's id.
        door: ``http`` or ``queue``.
        owner: Whose job it is.
        reply_to: The queue that gets the final event too.
        given_correlation_id: The id as the sender gave it; it may be spelt otherwise.
        traceparent: Of what caused it, by W3C Trace Context.
    """
    spec = command_spec(command)
    return NewJob(
        correlation_id=correlation_id,
        command=command.command,
        queue=command_queue(command),
        spec=spec,
        spec_hash=spec_hash(spec),
        owner=owner,
        door=door,
        reply_to=reply_to,
        given_correlation_id=None if given_correlation_id == correlation_id else given_correlation_id,
        headers=trace_headers({correlation_id: traceparent}),
        retention_s=type(command).retention_s,
        use=dataset_use(command),
    )


def require_same(recorded: J, job: NewJob) -> J:
    """The recorded job, if it is the one that was asked for, or was before somebody edited it.

    Owners are told apart where keys are: who reaches the broker is trusted with every job, and most messages only say
    "look at this job".

    Args:
        recorded: What is there under the job's id; where it was read whole, an error says what differs.
        job: What is asked for.

    Raises:
        CorrelationIdReused: The id belongs to a job with another specification or owner.
    """
    if is_same(recorded, job):
        return recorded
    raise reused(recorded, job)


def is_same(recorded: HashedJob, job: NewJob) -> bool:
    """Whether a recorded job is the one that was asked for; see ``require_same``."""
    return _is_own(recorded, job) and job.spec_hash in _hashes(recorded)


def reused(recorded: HashedJob, job: NewJob) -> CorrelationIdReused:
    """The error for a request whose id is another job's: what differs, and what would be right.

    Args:
        recorded: The job of that id; where it was read whole, the error names the fields that differ.
        job: What is asked for.
    """
    refused = f"correlation id {job.correlation_id} belongs to a {recorded['command']} job"
    if not _is_own(recorded, job):
        return CorrelationIdReused(f"{refused} of another owner; use a new correlation id or Idempotency-Key")
    first, now = recorded.get("spec"), without_place(job.spec)
    details = list(_differences(without_place(first), now)) if isinstance(first, dict) else []
    places = [_IN_WORDS.get(detail["where"], detail["where"]) for detail in details[:_NAMED_DIFFERENCES]]
    more = f" and {len(details) - len(places)} more" if len(details) > len(places) else ""
    differs = f": {', '.join(places)}{more} {'differs' if len(details) == 1 else 'differ'}" if details else ""
    return CorrelationIdReused(
        f"{refused} with another specification{differs}; repeat that request unchanged, or use a new correlation id "
        "or Idempotency-Key",
        details=details[:_TOLD_DIFFERENCES],
    )


def _is_own(recorded: HashedJob, job: NewJob) -> bool:
    return job.door != "http" or job.owner in (recorded["owner"], LOCAL_OWNER)


def _hashes(job: HashedJob) -> list[str]:
    """Of all specifications that a job has or had."""
    return [job["spec_hash"], *job.get("former_hashes", [])]


def _differences(first: Any, now: Any, path: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Each field that two specifications do not have alike, by its place."""
    if isinstance(first, dict) and isinstance(now, dict):
        for name in (*first, *(name for name in now if name not in first)):
            yield from _differences(first.get(name), now.get(name), (*path, name))
    elif first != now:
        where = ".".join(path)
        yield {"where": where, "problem": _DIFFERS, "expected": _shown(first), "given": _shown(now)}


def _shown(value: Any) -> Any:
    """A value as an error quotes it: short ones as they are, of others the kind."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value[:_SHOWN_LIMIT]
    return f"a list of {len(value)}" if isinstance(value, list) else "an object"
