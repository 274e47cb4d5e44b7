"""The position of a queued job and its estimated start."""

from statistics import median
from typing import Any, Final

from modelbus.shared.contracts.documents.job_documents import JobDocument
from modelbus.shared.store.jobs.gateway_jobs import JobRecords
from modelbus.shared.store.records.catalog_reader import CatalogReader

_SAMPLE: Final = 20
"""The number of recent jobs of the same kind for the estimated run time."""


async def place_in_queue(jobs: JobRecords, catalog: CatalogReader, job: JobDocument) -> dict[str, Any]:
    """The fields ``queue_position`` and ``estimated_start_s`` of a queued job; empty for other jobs.

    The estimate is the number of running jobs and jobs ahead, times the median time of recent jobs, divided by the
    number of workers.
    """
    if job["status"] != "queued":
        return {}
    ahead = await jobs.count_ahead(job)
    position = {"queue_position": ahead + 1}
    seconds = await jobs.recent_seconds(job["command"], _SAMPLE)
    workers = [one for one in await catalog.services() if job["queue"] in one["queues"]]
    if not seconds or not workers:
        return {**position, "estimated_start_s": None}
    before = ahead + sum(one["jobs_running"] for one in workers)
    return {**position, "estimated_start_s": round(before * median(seconds) / len(workers), 1)}
