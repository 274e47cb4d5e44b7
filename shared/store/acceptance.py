"""What to record for a command, whichever door it came by, and whether a recorded job is that command's."""

from shared.contracts import Command, command_queue, command_spec, spec_hash
from shared.errors import CorrelationIdReused
from shared.store.operation import Document, NewJob

LOCAL_OWNER = "local"
"""Who owns what was asked for without a key, or by a queue that only trusted producers reach."""


def new_job(
    command: Command, correlation_id: str, *, door: str, owner: str = LOCAL_OWNER, reply_to: str | None = None
) -> NewJob:
    """What to record for a valid command.

    Args:
        command: The command.
        correlation_id: The job's id.
        door: ``http`` or ``queue``.
        owner: Whose job it is.
        reply_to: The queue that gets the final event too.
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
        retention_s=type(command).retention_s,
    )


def require_same(recorded: Document, job: NewJob) -> Document:
    """The recorded job, if it is the one that was asked for, or was before somebody edited it.

    Raises:
        CorrelationIdReused: The id belongs to a job with another specification or owner.
    """
    hashes = (recorded["spec_hash"], *recorded.get("former_hashes", ()))
    if job.spec_hash not in hashes or recorded["owner"] != job.owner:
        raise CorrelationIdReused(
            f"correlation id {job.correlation_id} belongs to a {recorded['command']} job with another specification"
        )
    return recorded
