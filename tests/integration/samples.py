"""Commands, jobs and records to test with."""

from dataclasses import replace
from typing import Any

from pymongo.database import Database

from modelbus.shared.contracts import JobChanged, TrainModel, new_correlation_id, spec_hash
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.store.operation import NewJob, Terms

DAY_S = 24 * 3600.0
TERMS = Terms(
    lease_s=30,
    republish_s=5,
    retry_backoff_s=1,
    job_retention_s=30 * DAY_S,
    dead_retention_s=90 * DAY_S,
    max_attempts=3,
)
LAPSED = replace(TERMS, lease_s=-1)
"""Terms of a worker that died long ago: its leases have lapsed the moment they are given, so no test waits for it."""
AT_ONCE = replace(TERMS, retry_backoff_s=0)


def train_command(**fields: Any) -> TrainModel:
    """A valid command; its hyperparameters are what handlers of tests read."""
    given = {"model": "churn", "dataset": "customers", "target": "left", "estimator": "LogisticRegression", **fields}
    return TrainModel.model_validate(given)


def train_job(correlation_id: str | None = None, *, reply_to: str | None = None, **fields: Any) -> NewJob:
    """What acceptance records for it."""
    return new_job(train_command(**fields), correlation_id or new_correlation_id(), door="queue", reply_to=reply_to)


def job_of(spec: Document, **changes: Any) -> NewJob:
    """A job with any specification at all."""
    job = NewJob(
        correlation_id=new_correlation_id(),
        command="TrainModel",
        queue="train",
        spec=spec,
        spec_hash=spec_hash(spec),
        owner="local",
        door="queue",
    )
    return replace(job, **changes)


def make_older(database: Database[Document], correlation_id: str, *, seconds: float, fields: tuple[str, ...]) -> None:
    """Move some times of a job into the past, so that no test has to wait for them."""
    earlier = {name: {"$subtract": [f"${name}", round(seconds * 1000)]} for name in fields}
    database["jobs"].update_one({"_id": correlation_id}, [{"$set": earlier}])


def make_older_key(database: Database[Document], name: str, field: str, *, seconds: float) -> None:
    """Move a time of an API key into the past."""
    database["api_keys"].update_one({"_id": name}, [{"$set": {field: {"$subtract": [f"${field}", seconds * 1000]}}}])


def changed(**fields: Any) -> JobChanged:
    """The event of a job that runs, with fields changed."""
    return JobChanged.model_validate(
        {
            "correlation_id": new_correlation_id(),
            "command": "TrainModel",
            "service": "trainer",
            "status": "running",
            **fields,
        }
    )
