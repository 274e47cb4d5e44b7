"""Files in GridFS: uploads, datasets' Parquet, models' artifacts, stored predictions, large results.

A blob is written ``pending``, with the job and the fence that write it, and becomes ``live`` when the job is finished:
what a killed worker leaves behind stays pending, and the sweep removes it (``remove_orphans``).
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Literal
from uuid import uuid4

import gridfs
from bson import ObjectId
from gridfs.errors import NoFile
from pymongo.database import Database

from shared.errors import UnknownUpload
from shared.store.connection import CURRENT, DURABLE, Document, store_errors

BlobKind = Literal["upload", "dataset", "artifact", "predictions", "result"]
CHUNK_BYTES = 1024 * 1024
_BATCH = 100


def blob_metadata(kind: BlobKind, correlation_id: str, fence: int = 0) -> Document:
    """What a blob's record says of it while it is being written."""
    return {"kind": kind, "state": "pending", "correlation_id": correlation_id, "fence": fence}


class BlobStore:
    """Reads and writes blobs, for workers.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: Database[Document]) -> None:
        self._database = database.with_options(write_concern=DURABLE, read_concern=CURRENT)
        self._bucket = gridfs.GridFSBucket(self._database, chunk_size_bytes=CHUNK_BYTES)
        self._files = self._database["fs.files"]
        self._chunks = self._database["fs.chunks"]

    def save(self, source: bytes | IO[bytes], kind: BlobKind, correlation_id: str, fence: int) -> str:
        """Store bytes as a pending blob; returns its id."""
        blob_id = str(uuid4())
        with store_errors():
            self._bucket.upload_from_stream_with_id(
                blob_id, blob_id, source, metadata=blob_metadata(kind, correlation_id, fence)
            )
        return blob_id

    def read(self, blob_id: str) -> bytes:
        """Read a whole blob.

        Raises:
            UnknownUpload: There is no such blob.
        """
        with store_errors():
            try:
                return bytes(self._bucket.open_download_stream(blob_id).read())
            except NoFile as error:
                raise UnknownUpload(f"the stored file {blob_id} is gone") from error

    def require_kind(self, blob_id: str, kind: BlobKind) -> None:
        """Check what a blob is: an id that came in a command may name any.

        Raises:
            UnknownUpload: There is no blob of that id and kind.
        """
        with store_errors():
            if self._files.find_one({"_id": blob_id, "metadata.kind": kind}, {"_id": 1}) is None:
                raise UnknownUpload(f"there is no {kind} with id {blob_id}")

    def download(self, blob_id: str, destination: Path) -> None:
        """Write a blob to a file, chunk by chunk.

        Raises:
            UnknownUpload: There is no such blob.
        """
        with store_errors(), destination.open("wb") as file:
            try:
                self._bucket.download_to_stream(blob_id, file)
            except NoFile as error:
                raise UnknownUpload(f"the stored file {blob_id} is gone") from error

    def make_live(self, blob_id: str) -> None:
        """Mark a blob as belonging to something; harmless when repeated."""
        with store_errors():
            self._files.update_one({"_id": blob_id}, {"$set": {"metadata.state": "live"}})

    def delete(self, blob_id: str) -> None:
        """Remove a blob; one that is gone already is fine."""
        with store_errors():
            try:
                self._bucket.delete(blob_id)
            except NoFile:
                # Its chunks may still be there when an earlier delete was interrupted.
                self._chunks.delete_many({"files_id": blob_id})

    def remove_orphans(self, grace_s: float) -> int:
        """Remove blobs, and chunks without a file, that are older than ``grace_s`` and belong to nothing.

        Returns:
            How many were removed, 100 of each sort at most.
        """
        before = datetime.now(UTC) - timedelta(seconds=grace_s)
        with store_errors():
            orphans = [*self._abandoned(before), *self._outlived(before)]
            headless = self._headless_chunks(before)
        for blob_id in orphans:
            self.delete(blob_id)
        with store_errors():
            for blob_id in headless:
                self._chunks.delete_many({"files_id": blob_id})
        return len(orphans) + len(headless)

    def _abandoned(self, before: datetime) -> list[str]:
        """Pending blobs whose job has ended and that nothing refers to: a dead worker's, or an interrupted delete's."""
        stages: list[Document] = [
            {"$match": {"metadata.state": "pending", "uploadDate": {"$lt": before}}},
            *_joined("jobs", "metadata.correlation_id", "_id", "job"),
            {"$match": {"job.status": {"$nin": ["queued", "running"]}}},
            *_joined("datasets", "_id", "blob_id", "dataset"),
            *_joined("versions", "_id", "blob_id", "version"),
            {"$match": {"dataset": [], "version": []}},
            {"$limit": _BATCH},
            {"$project": {"_id": 1}},
        ]
        return [file["_id"] for file in self._files.aggregate(stages)]

    def _outlived(self, before: datetime) -> list[str]:
        """Results and predictions whose job is gone: its retention ended."""
        stages: list[Document] = [
            {"$match": {"metadata.kind": {"$in": ["predictions", "result"]}, "uploadDate": {"$lt": before}}},
            *_joined("jobs", "metadata.correlation_id", "_id", "job"),
            {"$match": {"job": []}},
            {"$limit": _BATCH},
            {"$project": {"_id": 1}},
        ]
        return [file["_id"] for file in self._files.aggregate(stages)]

    def _headless_chunks(self, before: datetime) -> list[Any]:
        """Ids of files whose upload was cut off: they have chunks and no file. A chunk's own id carries its time."""
        stages: list[Document] = [
            {"$match": {"n": 0, "_id": {"$lt": ObjectId.from_datetime(before)}}},
            *_joined("fs.files", "files_id", "_id", "file"),
            {"$match": {"file": []}},
            {"$limit": _BATCH},
            {"$project": {"files_id": 1}},
        ]
        return [chunk["files_id"] for chunk in self._chunks.aggregate(stages)]


def _joined(collection: str, local: str, foreign: str, name: str) -> list[Document]:
    return [{"$lookup": {"from": collection, "localField": local, "foreignField": foreign, "as": name}}]
