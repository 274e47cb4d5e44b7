"""Jobs and files that contain rows of a dataset, which are removed with it."""

import asyncio
from collections.abc import Sequence
from typing import Final

from pymongo.asynchronous.database import AsyncDatabase

from modelbus.shared.contracts import ExportDataset
from modelbus.shared.contracts.documents.job_documents import ReadingJob
from modelbus.shared.store.blobs.async_blobs import AsyncBlobStore
from modelbus.shared.store.blobs.blob_queries import BlobKind, blobs_of_jobs, export_id
from modelbus.shared.store.connection import Document
from modelbus.shared.store.drivers.gateway_store import GatewayStore
from modelbus.shared.store.indexes import JOBS
from modelbus.shared.store.job_queries import jobs_reading

_KINDS: Final[tuple[BlobKind, ...]] = ("export", "result")
_BATCH: Final = 1000
_AT_ONCE: Final = 20


class Readings:
    """Finds and removes readings, for the gateway.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: AsyncDatabase[Document], blobs: AsyncBlobStore) -> None:
        self._store = GatewayStore(database)
        self._blobs = blobs

    async def find(self, dataset: str) -> list[ReadingJob]:
        """The jobs that read a dataset."""
        return await self._store.all(jobs_reading(dataset))

    async def remove(self, jobs: Sequence[ReadingJob]) -> None:
        """Remove jobs, with what they stored and with what a killed attempt had begun to store.

        The jobs go first: nothing that still runs can be finished then, and files without a job are swept.

        Args:
            jobs: As ``find`` gives them, after they ended.
        """
        for start in range(0, len(jobs), _BATCH):
            await self._remove_some(jobs[start : start + _BATCH])

    async def _remove_some(self, jobs: Sequence[ReadingJob]) -> None:
        ids = [job["_id"] for job in jobs]
        await self._store.delete_all(JOBS, {"_id": {"$in": ids}})
        files = await self._store.all(blobs_of_jobs(ids, _KINDS))
        blob_ids = list({*(file["_id"] for file in files), *_begun(jobs)})
        for start in range(0, len(blob_ids), _AT_ONCE):
            await asyncio.gather(*(self._blobs.delete(blob_id) for blob_id in blob_ids[start : start + _AT_ONCE]))


def _begun(jobs: Sequence[ReadingJob]) -> list[str]:
    exports = [job for job in jobs if job["command"] == ExportDataset.__name__]
    return [export_id(job["_id"], fence) for job in exports for fence in range(1, job["fence"] + 1)]
