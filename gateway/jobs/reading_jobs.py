"""Reading datasets: which job a reading is, and the end of all of them when their dataset is deleted."""

from uuid import UUID, uuid5

from aiohttp import web

from modelbus.gateway.application_keys import READINGS
from modelbus.gateway.jobs.ending import end_jobs
from modelbus.shared.contracts import Command, command_spec, spec_hash
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument


def reading_id(dataset: DatasetDocument, command: Command) -> str:
    """The correlation id of a command that reads a dataset: the same for the same dataset and the same specification.

    A dataset that was uploaded again under the name of a deleted one was made by another job, and so are its readings.
    """
    return str(uuid5(UUID(dataset["correlation_id"]), spec_hash(command_spec(command))))


async def remove_readings(app: web.Application, dataset: str) -> None:
    """Cancel what reads a dataset, and remove what was read of it; to be called when the dataset is gone.

    A job that has not ended then, because its worker is gone, is removed all the same: its worker has lost it then.
    """
    open_jobs = [job for job in await app[READINGS].find(dataset) if job["status"] in ("queued", "running")]
    await end_jobs(app, open_jobs)
    await app[READINGS].remove(await app[READINGS].find(dataset))
