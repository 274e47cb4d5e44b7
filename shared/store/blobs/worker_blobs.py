"""Files in GridFS: uploads, datasets' Parquet, models' artifacts, stored predictions, exports, plots, large results.

A blob is written ``pending``, with the job and the fence that write it, and becomes ``live`` when the job is finished:
what a killed worker leaves behind stays pending, and the sweep removes it (``remove_orphans``).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final, Literal
from uuid import UUID, uuid4, uuid5

import gridfs
from bson import ObjectId
from gridfs.errors import NoFile
from pymongo.database import Database

from modelbus.shared.errors import UnknownUpload
from modelbus.shared.store.blobs.blob_reader import BlobReader
from modelbus.shared.store.blobs.blob_writer import CHUNK_BYTES, write_blob
from modelbus.shared.store.connection import CURRENT, DURABLE, Document, store_errors

BlobKind = Literal[
    "upload", "dataset", "artifact", "predictions", "export", "result", "candidates", "rows", "plot", "result_plot"
]
"""A `plot` is an evaluation's, a `result_plot` of a job's result; `rows` say which rows a version was trained on."""
_OF_JOBS: Final[tuple[BlobKind, ...]] = ("predictions", "export", "result", "result_plot")
"""What goes with its job."""
_BATCH = 100


def blob_metadata(kind: BlobKind, correlation_id: str, fence: int = 0) -> Document:
    """What a blob's record says of it while it is being written."""
    return {"kind": kind, "state": "pending", "correlation_id": correlation_id, "fence": fence}


def export_id(correlation_id: str, fence: int) -> str:
    """The id of the blob that one attempt of an export writes.

    It can be told before the blob is whole: so that what a killed attempt left of it is found.
    """
    return str(uuid5(UUID(correlation_id), f"export/{fence}"))


def chunk_stretches(blob_id: str, last: Document | None) -> Iterator[Document]:
    """Filters that match all chunks of a blob, 100 at a time, so that deleting them outlasts no time-out.

    Args:
        blob_id: The blob.
        last: Its last chunk; None if it has none.
    """
    for first in range(0, last["n"] + 1 if last else 0, _BATCH):
        yield {"files_id": blob_id, "n": {"$gte": first, "$lt": first + _BATCH}}


class BlobStore:
    """Reads and writes blobs, for workers.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: Database[Document]) -> None:
        self._database = database.with_options(write_concern=DURABLE, read_concern=CURRENT)
        self._bucket = gridfs.GridFSBucket(self._database, chunk_size_bytes=CHUNK_BYTES)
        self._files = self._database["fs.files"]
        self._chunks = self._database["fs.chunks"]

    def save(
        self, source: bytes | IO[bytes], kind: BlobKind, correlation_id: str, fence: int, blob_id: str | None = None
    ) -> str:
        """Store bytes as a pending blob, under a new id unless one is given; returns its id."""
        blob_id = blob_id or str(uuid4())
        with store_errors():
            write_blob(self._files, self._chunks, blob_id, source, blob_metadata(kind, correlation_id, fence))
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

    def open(self, blob_id: str) -> BlobReader:
        """Open a blob to read parts of it, as a seekable file. It may be read while others read it too.

        Raises:
            UnknownUpload: There is no such blob.
        """
        return BlobReader(self._files, self._chunks, blob_id)

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

    def make_live(self, blob_id: str) -> bool:
        """Mark a blob as belonging to something; harmless when repeated. Whether it is there."""
        with store_errors():
            return self._files.update_one({"_id": blob_id}, {"$set": {"metadata.state": "live"}}).matched_count == 1

    def delete(self, blob_id: str) -> None:
        """Remove a blob; one that is gone already is fine."""
        with store_errors():
            self._files.delete_one({"_id": blob_id})
            # They may still be there when an earlier delete was interrupted.
            last = self._chunks.find_one({"files_id": blob_id}, {"n": 1}, sort=[("n", -1)])
            for stretch in chunk_stretches(blob_id, last):
                self._chunks.delete_many(stretch)

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
        """Pending blobs whose job has ended and that nothing refers to: a dead worker's, or an interrupted delete's.

        What belongs to the job itself is not looked for in it: it is live before the job has ended.
        """
        stages: list[Document] = [
            {"$match": {"metadata.state": "pending", "uploadDate": {"$lt": before}}},
            *_joined("jobs", "metadata.correlation_id", "_id", "job"),
            {"$match": {"job.status": {"$nin": ["queued", "running"]}}},
            *_joined("datasets", "_id", "blob_id", "dataset"),
            *_joined("versions", "_id", "blob_id", "version"),
            *_joined("versions", "_id", "candidates_blob_id", "chosen"),
            *_joined("versions", "_id", "rows_blob_id", "trained"),
            *_joined("evaluations", "_id", "files.blob_id", "evaluation"),
            {"$match": {"dataset": [], "version": [], "chosen": [], "trained": [], "evaluation": []}},
            {"$limit": _BATCH},
            {"$project": {"_id": 1}},
        ]
        return [file["_id"] for file in self._files.aggregate(stages)]

    def _outlived(self, before: datetime) -> list[str]:
        """What goes with its job and has none any more: the job's retention ended, or somebody removed it."""
        stages: list[Document] = [
            {"$match": {"metadata.kind": {"$in": list(_OF_JOBS)}, "uploadDate": {"$lt": before}}},
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
