"""Where a queued job stands, and when it is likely to start."""

from statistics import median
from typing import Any, Final

from modelbus.shared.contracts.documents.job_documents import JobDocument
from modelbus.shared.store.jobs.gateway_jobs import JobRecords
from modelbus.shared.store.records.catalog_reader import CatalogReader

_SAMPLE: Final = 20
"""How many of the last jobs of the same kind say how long one takes."""


async def place_in_queue(jobs: JobRecords, catalog: CatalogReader, job: JobDocument) -> dict[str, Any]:
    """The fields ``queue_position`` and ``estimated_start_s`` of a queued job; of another, nothing.

    The estimate is the jobs before it, with those that run, times the median time of the last ones, by the workers that
    are there.
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
