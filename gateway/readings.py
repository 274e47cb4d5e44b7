"""Reading datasets: which job a reading is, and the end of all of them when their dataset is deleted."""

import asyncio
from uuid import UUID, uuid5

from aiohttp import web

from gateway.keys import DISPATCHER, JOBS, READINGS, SETTINGS
from shared.contracts import Command, command_spec, spec_hash
from shared.errors import JobFinished, UnknownJob
from shared.store.connection import Document

_GRACE_S = 1.0


def reading_id(dataset: Document, command: Command) -> str:
    """The correlation id of a command that reads a dataset: the same for the same dataset and the same specification.

    A dataset that was uploaded again under the name of a deleted one was made by another job, and so are its readings.
    """
    return str(uuid5(UUID(dataset["correlation_id"]), spec_hash(command_spec(command))))


async def remove_readings(app: web.Application, dataset: str) -> None:
    """Cancel what reads a dataset, and remove what was read of it; to be called when the dataset is gone.

    A job that runs ends within a heartbeat. One that does not, because its worker is gone, is removed all the same: its
    worker has lost it then.
    """
    settings = app[SETTINGS]
    wait_s = settings.heartbeat_s + settings.cancel_grace_s + _GRACE_S
    open_jobs = [job for job in await app[READINGS].find(dataset) if job["status"] in ("queued", "running")]
    await asyncio.gather(*(_end(app, job["_id"], wait_s) for job in open_jobs))
    await app[READINGS].remove(await app[READINGS].find(dataset))


async def _end(app: web.Application, correlation_id: str, wait_s: float) -> None:
    try:
        await app[JOBS].request_cancel(correlation_id)
    except JobFinished:
        # It ended meanwhile, or its outcome is being applied.
        pass
    except UnknownJob:
        return
    await app[DISPATCHER].wait(correlation_id, wait_s)
