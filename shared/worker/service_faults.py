"""What happens to a message that causes a fault of the service itself: its jobs fail, and the fault is reported."""

from collections.abc import Callable, Sequence

import structlog

from modelbus.shared.bus import Consumer, Delivery
from modelbus.shared.contracts.documents.job_documents import AnsweredJob
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.errors import ModelbusError
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger, error_document
from modelbus.shared.worker.queue_acceptance import received_commands, received_job, recorded_ids

log = structlog.get_logger()


Tell = Callable[[Sequence[FinishedJob], dict[str, AnsweredJob]], None]
"""Reports jobs that ended; the second argument holds, by id, the jobs that were known before, as they are now."""


def end_with_fault(delivery: Delivery, error: Exception, ledger: JobLedger, consumer: Consumer, tell: Tell) -> None:
    """End the jobs of a message whose handling raised an unexpected error, and acknowledge it.

    A job that stayed queued would be delivered and fail again and again; one that ended can be read and replayed. If
    not even that can be recorded, the message is quarantined. Never raises: the lane must go on.

    Args:
        delivery: The message.
        error: The exception; its traceback is in the log.
        ledger: Where the jobs are.
        consumer: Of the message.
        tell: Publishes the jobs that ended: an event for everybody, a reply for the sender.
    """
    log.error("delivery.failed", queue=delivery.queue, exc_info=error)
    fault = ModelbusError(f"the service failed while processing this command: {type(error).__name__}: {error}")
    try:
        ended = [
            FinishedJob(received.job, None, error_document(received.error or fault))
            for received in received_commands(delivery)
        ]
        known = ledger.record_finished(ended)
        for correlation_id in recorded_ids(delivery):
            job = ledger.end_queued(correlation_id, error_document(fault))
            if job is not None:
                ended.append(FinishedJob(received_job(job).job, None, error_document(fault)))
                known[correlation_id] = job
    except Exception as second:
        log.exception("delivery.not_recorded", queue=delivery.queue)
        consumer.quarantine(delivery, f"{type(error).__name__}: {error}; then {type(second).__name__}: {second}")
    else:
        # One that is known and goes on elsewhere did not end by this message.
        tell([one for one in ended if _is_over(one, known)], known)
        consumer.acknowledge([delivery])


def _is_over(one: FinishedJob, known: dict[str, AnsweredJob]) -> bool:
    recorded = known.get(one.job.correlation_id)
    return recorded is None or recorded["status"] in TERMINAL_STATUSES
