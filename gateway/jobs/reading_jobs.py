"""Readings of datasets: their job ids, and their end when the dataset is deleted."""

from uuid import UUID, uuid5

from aiohttp import web

from modelbus.gateway.application_keys import READINGS
from modelbus.gateway.jobs.ending import end_jobs
from modelbus.shared.contracts import Command, command_spec, spec_hash
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument


def reading_id(dataset: DatasetDocument, command: Command) -> str:
    """The correlation id of a reading: the same for the same dataset and specification.

    A dataset that was deleted and uploaded again under the same name comes from another job, and so do its readings.
    """
    return str(uuid5(UUID(dataset["correlation_id"]), spec_hash(command_spec(command))))


async def remove_readings(app: web.Application, dataset: str) -> None:
    """Cancel the running readings of a dataset and remove the finished ones; call it after the dataset has been
    removed.

    A job that has not ended by then, because its worker is lost, is also removed.
    """
    open_jobs = [job for job in await app[READINGS].find(dataset) if job["status"] in ("queued", "running")]
    await end_jobs(app, open_jobs)
    await app[READINGS].remove(await app[READINGS].find(dataset))
