"""What to record for a command, whichever door it came by, and whether a recorded job is that command's."""

from typing import TypeVar

from modelbus.shared.contracts import Command, command_queue, command_spec, spec_hash
from modelbus.shared.contracts.checks.dataset_use import dataset_use
from modelbus.shared.contracts.documents.job_documents import EndedJob
from modelbus.shared.errors import CorrelationIdReused
from modelbus.shared.observing.tracing import trace_headers
from modelbus.shared.store.operation import NewJob

J = TypeVar("J", bound=EndedJob)

LOCAL_OWNER = "local"
"""Who owns what was asked for without a key, at a gateway that demands none."""
QUEUE_OWNER = "queue"
"""Who owns what came straight by a queue."""


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
    """What to record for a valid command.

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

    Raises:
        CorrelationIdReused: The id belongs to a job with another specification or owner.
    """
    refused = f"correlation id {job.correlation_id} belongs to a {recorded['command']} job"
    if job.spec_hash not in _hashes(recorded):
        raise CorrelationIdReused(f"{refused} with another specification")
    if job.door == "http" and job.owner not in (recorded["owner"], LOCAL_OWNER):
        raise CorrelationIdReused(f"{refused} of another owner")
    return recorded


def _hashes(job: EndedJob) -> list[str]:
    """Of all specifications that a job has or had."""
    return [job["spec_hash"], *job.get("former_hashes", [])]
