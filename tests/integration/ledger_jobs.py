"""Jobs in a ledger, brought to where a test begins."""

from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger
from modelbus.shared.store.operation import Claim, NewJob
from tests.integration.samples import train_job

OUTCOME = {"kind": "predictions", "blobs": {}, "report": {"row_count": 3}}
RESULT = {"row_count": 3, "blobs": {}}
ANSWER = {"predictions": [1]}


def found(ledger: JobLedger, correlation_id: str) -> Document:
    """A job that must be there."""
    document = ledger.find(correlation_id)
    assert document is not None
    return document


def claimed(ledger: JobLedger, correlation_id: str) -> Claim:
    """Claim a job that must be free."""
    taken = ledger.claim(correlation_id)
    assert taken is not None
    return taken[0]


def started(ledger: JobLedger, job: NewJob | None = None) -> Claim:
    """Accept and claim a job."""
    job = job or train_job()
    ledger.accept(job)
    return claimed(ledger, job.correlation_id)


def finish(ledger: JobLedger, correlation_id: str) -> Document:
    """End a job as a worker does; returns the event that it would send."""
    ledger.record_finished([FinishedJob(train_job(correlation_id), ANSWER, None)])
    return {"correlation_id": correlation_id, "status": "succeeded"}
