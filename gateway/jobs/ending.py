"""Ending jobs for another's sake: those that read a dataset which is deleted."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from modelbus.gateway.application_keys import JOBS, SETTINGS
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.shared.contracts.documents.job_documents import KnownJob, NamedJob
from modelbus.shared.errors import JobCancelled, JobFinished, ModelbusError, UnknownJob

_GRACE_S: Final = 1.0
_AT_ONCE: Final = 50
_NAMED: Final = 5
"""Jobs that a sentence names; the details of an error name more."""
_DETAILED: Final = 100


async def end_jobs(app: web.Application, jobs: Sequence[NamedJob], reason: ModelbusError | None = None) -> None:
    """Cancel jobs and wait for their ends.

    A job that runs ends within a heartbeat. One that does not, because its worker is gone, is not waited for any
    longer: it can no longer succeed.

    Args:
        app: The application.
        jobs: Queued and running ones.
        reason: What they end with as their error.
    """
    settings = app[SETTINGS]
    wait_s = settings.heartbeat_s + settings.cancel_grace_s + _GRACE_S
    for start in range(0, len(jobs), _AT_ONCE):
        some = jobs[start : start + _AT_ONCE]
        running = [await _cancel(app, job["_id"], reason) for job in some]
        await asyncio.gather(*(_wait(app, one, wait_s) for one in running if one is not None))


async def _wait(app: web.Application, correlation_id: str, wait_s: float) -> None:
    with contextlib.suppress(UnknownJob):  # it was removed meanwhile
        await app[DISPATCHER].wait(correlation_id, wait_s)


async def _cancel(app: web.Application, correlation_id: str, reason: ModelbusError | None) -> str | None:
    """Cancel a job; its id if its end is to be waited for."""
    try:
        job = await app[JOBS].request_cancel(correlation_id, reason)
    except JobFinished:
        # It ended meanwhile, or its outcome is being applied.
        return correlation_id
    except UnknownJob:
        return None
    return correlation_id if job["status"] == "running" else None


def deleted_reason(dataset: str) -> JobCancelled:
    """Why a job ends whose dataset is deleted."""
    return JobCancelled(
        f"dataset {dataset!r} was deleted by force while this job used it; upload it again and replay the job",
        details=[{"where": "dataset", "problem": "deleted while the job used it", "given": dataset}],
    )


def uses_of(dataset: str, version_count: int, jobs: Sequence[KnownJob]) -> str:
    """What stands on a dataset, in a sentence: the versions, and some of the jobs with how many there are."""
    uses = [f"{version_count} model version(s) were trained on dataset {dataset!r}"] if version_count else []
    if jobs:
        named = ", ".join(f"{job['command']} {job['_id']} ({job['status']})" for job in jobs[:_NAMED])
        more = f" and {len(jobs) - _NAMED} more" if len(jobs) > _NAMED else ""
        uses.append(f"{len(jobs)} job(s) use dataset {dataset!r}: {named}{more}")
    return "; ".join(uses)


def details_of(jobs: Sequence[KnownJob]) -> list[dict[str, Any]]:
    """The jobs that stand on a dataset, 100 at most, as details of an error."""
    return [
        {"where": "jobs", "problem": f"{job['command']} is {job['status']}", "given": job["_id"]}
        for job in jobs[:_DETAILED]
    ]
