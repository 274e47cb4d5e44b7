"""What becomes of a message that brings out a fault of the service itself: its jobs end, with the fault told."""

import structlog

from modelbus.shared.bus import Consumer, Delivery
from modelbus.shared.errors import ModelbusError
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger, error_document
from modelbus.shared.worker.queue_acceptance import received_commands, recorded_ids

log = structlog.get_logger()


def end_with_fault(delivery: Delivery, error: Exception, ledger: JobLedger, consumer: Consumer) -> None:
    """End the jobs of a message whose handling raised what nobody foresaw, and acknowledge it.

    A job that stayed queued would be sent, and fail, again and again; one that ended can be read and replayed. Where
    not even that can be recorded, the message is kept as poison. Never raises: the lane must go on.

    Args:
        delivery: The message.
        error: What was raised; its trace is in the log.
        ledger: Where the jobs are.
        consumer: Of the message.
    """
    log.error("delivery.failed", queue=delivery.queue, exc_info=error)
    fault = ModelbusError(f"the service failed on this command: {type(error).__name__}: {error}")
    try:
        for correlation_id in recorded_ids(delivery):
            ledger.end_queued(correlation_id, error_document(fault))
        ledger.record_finished(
            [
                FinishedJob(received.job, None, error_document(received.error or fault))
                for received in received_commands(delivery)
            ]
        )
    except Exception as second:
        log.exception("delivery.not_recorded", queue=delivery.queue)
        consumer.quarantine(delivery, f"{type(error).__name__}: {error}; then {type(second).__name__}: {second}")
    else:
        consumer.acknowledge([delivery])
