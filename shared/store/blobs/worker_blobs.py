"""Files in GridFS for workers: uploads, datasets, artifacts, stored predictions, exports, plots, large results.

A blob is written as ``pending``, with its job and fence, and becomes ``live`` when the job is finished: blobs of a
killed worker stay pending, and the sweep removes them (``remove_orphans``).
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO
from uuid import uuid4

import gridfs
from gridfs.errors import NoFile
from pymongo.database import Database

from modelbus.shared.errors import UnknownUpload
from modelbus.shared.store.blobs import blob_queries
from modelbus.shared.store.blobs.blob_queries import BlobKind, blob_metadata
from modelbus.shared.store.blobs.blob_reader import BlobReader
from modelbus.shared.store.blobs.blob_writer import CHUNK_BYTES, write_blob
from modelbus.shared.store.connection import CURRENT, DURABLE, Document, store_errors
from modelbus.shared.store.drivers.worker_store import WorkerStore
from modelbus.shared.store.indexes import CHUNKS, FILES


class BlobStore:
    """Reads and writes blobs, for workers.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: Database[Document]) -> None:
        self._store = WorkerStore(database)
        durable = database.with_options(write_concern=DURABLE, read_concern=CURRENT)
        self._bucket = gridfs.GridFSBucket(durable, chunk_size_bytes=CHUNK_BYTES)

    def save(
        self,
        source: bytes | IO[bytes],
        kind: BlobKind,
        correlation_id: str,
        fence: int,
        blob_id: str | None = None,
        *,
        about: Document | None = None,
    ) -> str:
        """Store bytes as a pending blob, under a new id unless one is given; returns its id.

        Args:
            source: The bytes.
            kind: What they are.
            correlation_id: The job that they belong to.
            fence: Of its attempt.
            blob_id: The id.
            about: What is to be known of them without reading them; small.
        """
        blob_id = blob_id or str(uuid4())
        with store_errors():
            write_blob(self._store, blob_id, source, blob_metadata(kind, correlation_id, fence, about))
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

    def about(self, blob_id: str) -> Document | None:
        """What is known of a blob without reading it; None if nothing was said of it.

        Raises:
            UnknownUpload: There is no such blob.
        """
        described = self._store.one(blob_queries.described_blob(blob_id))
        if described is None:
            raise UnknownUpload(f"the stored file {blob_id} is gone")
        return described.get("metadata", {}).get("about")

    def open(self, blob_id: str) -> BlobReader:
        """Open a blob to read parts of it, as a seekable file. It may be read while others read it too.

        Raises:
            UnknownUpload: There is no such blob.
        """
        return BlobReader(self._store, blob_id)

    def require_kind(self, blob_id: str, kind: BlobKind) -> None:
        """Check what a blob is: an id that came in a command may name any.

        Raises:
            UnknownUpload: There is no blob of that id and kind.
        """
        if self._store.one(blob_queries.blob_of_kind(blob_id, kind)) is None:
            raise UnknownUpload(f"no {kind} has the id {blob_id}")

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
        return self._store.update(FILES, blob_queries.make_live(blob_id))

    def delete(self, blob_id: str) -> None:
        """Remove a blob; one that is gone already is fine."""
        self._store.delete(FILES, {"_id": blob_id})
        # They may still be there when an earlier delete was interrupted.
        last = self._store.one(blob_queries.last_chunk(blob_id))
        for stretch in blob_queries.chunk_stretches(blob_id, last):
            self._store.delete_all(CHUNKS, stretch)

    def remove_orphans(self, grace_s: float) -> int:
        """Remove blobs, and chunks without a file, that are older than ``grace_s`` and belong to nothing.

        Returns:
            How many were removed, 100 of each sort at most.
        """
        before = datetime.now(UTC) - timedelta(seconds=grace_s)
        orphans = [
            file["_id"]
            for sought in (blob_queries.abandoned_blobs(before), blob_queries.outlived_blobs(before))
            for file in self._store.aggregated(sought)
        ]
        headless = self._store.aggregated(blob_queries.headless_chunks(before))
        for blob_id in orphans:
            self.delete(blob_id)
        for chunk in headless:
            self._store.delete_all(CHUNKS, {"files_id": chunk["files_id"]})
        return len(orphans) + len(headless)
