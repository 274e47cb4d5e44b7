"""What was read out of a dataset: jobs that hold its rows and the files that they made. They go when it goes."""

import asyncio
from collections.abc import Sequence
from typing import Final

from pymongo.asynchronous.database import AsyncDatabase

from modelbus.shared.contracts import ExportDataset
from modelbus.shared.store.blobs.async_blobs import AsyncBlobStore
from modelbus.shared.store.blobs.worker_blobs import export_id
from modelbus.shared.store.connection import CURRENT, DURABLE, Document, store_errors
from modelbus.shared.store.jobs.dataset_users import READING

_KINDS: Final = ("export", "result")
_BATCH: Final = 1000
_AT_ONCE: Final = 20


class Readings:
    """Finds and removes readings, for the gateway.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: AsyncDatabase[Document], blobs: AsyncBlobStore) -> None:
        database = database.with_options(write_concern=DURABLE, read_concern=CURRENT)
        self._jobs = database["jobs"]
        self._files = database["fs.files"]
        self._blobs = blobs

    async def find(self, dataset: str) -> list[Document]:
        """The jobs that read a dataset: ``_id``, ``command``, ``status`` and ``fence`` of each."""
        query = {"spec.dataset": dataset, "command": {"$in": list(READING)}}
        with store_errors():
            return await self._jobs.find(query, {"command": 1, "status": 1, "fence": 1}).to_list()

    async def remove(self, jobs: Sequence[Document]) -> None:
        """Remove jobs, with what they stored and with what a killed attempt had begun to store.

        The jobs go first: nothing that still runs can be finished then, and files without a job are swept.

        Args:
            jobs: As ``find`` gives them, after they ended.
        """
        for start in range(0, len(jobs), _BATCH):
            await self._remove_some(jobs[start : start + _BATCH])

    async def _remove_some(self, jobs: Sequence[Document]) -> None:
        ids = [job["_id"] for job in jobs]
        stored = {"metadata.correlation_id": {"$in": ids}, "metadata.kind": {"$in": list(_KINDS)}}
        with store_errors():
            await self._jobs.delete_many({"_id": {"$in": ids}})
            files = await self._files.find(stored, {"_id": 1}).to_list()
        blob_ids = list({*(file["_id"] for file in files), *_begun(jobs)})
        for start in range(0, len(blob_ids), _AT_ONCE):
            await asyncio.gather(*(self._blobs.delete(blob_id) for blob_id in blob_ids[start : start + _AT_ONCE]))


def _begun(jobs: Sequence[Document]) -> list[str]:
    exports = [job for job in jobs if job["command"] == ExportDataset.__name__]
    return [export_id(job["_id"], fence) for job in exports for fence in range(1, job["fence"] + 1)]
