"""Ending the jobs that read a deleted dataset."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from modelbus.gateway.application_keys import JOBS, SETTINGS
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.shared.contracts.documents.job_documents import KnownJob, NamedJob
from modelbus.shared.errors import JobCancelled, JobFinished, ModelbusError, UnknownJob
from modelbus.shared.plural import agreeing, counted

_GRACE_S: Final = 1.0
_AT_ONCE: Final = 50
_NAMED: Final = 5
"""The maximum number of jobs in a message; the details of an error name more."""
_DETAILED: Final = 100


async def end_jobs(app: web.Application, jobs: Sequence[NamedJob], reason: ModelbusError | None = None) -> None:
    """Cancel jobs and wait for their ends.

    A running job ends within a heartbeat. A job that does not, because its worker is lost, is no longer waited for: it
    cannot succeed any more.

    Args:
        app: The application.
        jobs: The queued and running jobs.
        reason: The error to end them with.
    """
    settings = app[SETTINGS]
    wait_s = settings.heartbeat_s + settings.cancel_grace_s + _GRACE_S
    for start in range(0, len(jobs), _AT_ONCE):
        some = jobs[start : start + _AT_ONCE]
        running = [await _cancel(app, job["_id"], reason) for job in some]
        await asyncio.gather(*(_wait(app, one, wait_s) for one in running if one is not None))


async def _wait(app: web.Application, correlation_id: str, wait_s: float) -> None:
    with contextlib.suppress(UnknownJob):  # it has been removed
        await app[DISPATCHER].wait(correlation_id, wait_s)


async def _cancel(app: web.Application, correlation_id: str, reason: ModelbusError | None) -> str | None:
    """Cancel a job; returns its id if its end must be awaited."""
    try:
        job = await app[JOBS].request_cancel(correlation_id, reason)
    except JobFinished:
        # It has ended, or its outcome is being applied.
        return correlation_id
    except UnknownJob:
        return None
    return correlation_id if job["status"] == "running" else None


def deleted_reason(dataset: str) -> JobCancelled:
    """The error of a job whose dataset is deleted."""
    return JobCancelled(
        f"dataset {dataset!r} was deleted with force while this job used it; upload it again and replay the job",
        details=[{"where": "dataset", "problem": "deleted while the job used it", "given": dataset}],
    )


def uses_of(dataset: str, version_count: int, jobs: Sequence[KnownJob]) -> str:
    """The uses of a dataset in a sentence: its versions, and some of its jobs with their number."""
    uses = []
    if version_count:
        were = agreeing(version_count, "was", "were")
        uses.append(f"{counted(version_count, 'model version')} {were} trained on dataset {dataset!r}")
    if jobs:
        named = ", ".join(f"{job['command']} {job['_id']} ({job['status']})" for job in jobs[:_NAMED])
        more = f" and {len(jobs) - _NAMED} more" if len(jobs) > _NAMED else ""
        uses.append(
            f"{counted(len(jobs), 'job')} {agreeing(len(jobs), 'uses', 'use')} dataset {dataset!r}: {named}{more}"
        )
    return "; ".join(uses)


def details_of(jobs: Sequence[KnownJob]) -> list[dict[str, Any]]:
    """The jobs that use a dataset, at most 100, as details of an error."""
    return [
        {"where": "jobs", "problem": f"{job['command']} is {job['status']}", "given": job["_id"]}
        for job in jobs[:_DETAILED]
    ]
