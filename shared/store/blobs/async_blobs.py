"""Files in GridFS for the gateway, streamed with asyncio; ``worker_blobs`` is for workers."""

from gridfs import AsyncGridFSBucket
from gridfs.asynchronous import AsyncGridIn, AsyncGridOut
from gridfs.errors import CorruptGridFile, NoFile
from pymongo.asynchronous.database import AsyncDatabase

from modelbus.shared.errors import UnknownUpload
from modelbus.shared.store.blobs import blob_queries
from modelbus.shared.store.blobs.blob_queries import BlobKind, blob_metadata
from modelbus.shared.store.blobs.blob_writer import CHUNK_BYTES
from modelbus.shared.store.connection import CURRENT, DURABLE, Document, store_errors
from modelbus.shared.store.drivers.gateway_store import GatewayStore
from modelbus.shared.store.indexes import CHUNKS, FILES


class AsyncBlobStore:
    """Reads and writes blobs for the gateway, as streams, so that a file is never in memory as a whole.

    Every method raises ``StoreUnavailable`` if MongoDB does not respond.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._store = GatewayStore(database)
        durable = database.with_options(write_concern=DURABLE, read_concern=CURRENT)
        self._bucket = AsyncGridFSBucket(durable, chunk_size_bytes=CHUNK_BYTES)

    def open_writer(self, blob_id: str, kind: BlobKind, correlation_id: str) -> AsyncGridIn:
        """Open a stream to write a pending blob; close it to keep the blob, abort it to discard it."""
        return self._bucket.open_upload_stream_with_id(blob_id, blob_id, metadata=blob_metadata(kind, correlation_id))

    async def open_reader(self, blob_id: str) -> "StoredFile":
        """Open a blob to read it from its beginning.

        Raises:
            UnknownUpload: There is no such blob.
        """
        with store_errors():
            try:
                return StoredFile(blob_id, await self._bucket.open_download_stream(blob_id))
            except NoFile as error:
                raise _gone(blob_id) from error

    async def read(self, blob_id: str) -> bytes:
        """Read a whole blob, which must be small.

        Raises:
            UnknownUpload: There is no such blob.
        """
        reader = await self.open_reader(blob_id)
        chunks = []
        while chunk := await reader.read_chunk():
            chunks.append(chunk)
        return b"".join(chunks)

    async def release(self, blob_id: str) -> None:
        """Mark a blob as unused: if its deletion is interrupted, the sweep completes it."""
        await self._store.update(FILES, blob_queries.release(blob_id))

    async def delete(self, blob_id: str) -> None:
        """Remove a blob, or what is left of it; harmless if it is gone."""
        await self._store.delete(FILES, {"_id": blob_id})
        last = await self._store.one(blob_queries.last_chunk(blob_id))
        for stretch in blob_queries.chunk_stretches(blob_id, last):
            await self._store.delete_all(CHUNKS, stretch)


class StoredFile:
    """A blob that is read once, in chunks."""

    def __init__(self, blob_id: str, stream: AsyncGridOut) -> None:
        self._blob_id = blob_id
        self._stream = stream
        self.size_bytes = int(stream.length)
        """The size in bytes."""
        self.sha256: str | None = (stream.metadata or {}).get("sha256")
        """The digest of all bytes, in hex; None if its writer recorded none."""

    async def read_chunk(self) -> bytes:
        """The next bytes; empty at the end.

        Raises:
            StoreUnavailable: MongoDB does not answer (any more).
            UnknownUpload: The blob was removed meanwhile.
        """
        with store_errors():
            try:
                return bytes(await self._stream.readchunk())
            except CorruptGridFile as error:
                raise _gone(self._blob_id) from error


def _gone(blob_id: str) -> UnknownUpload:
    return UnknownUpload(f"the stored file {blob_id} is gone")
