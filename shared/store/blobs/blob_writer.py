"""Writes a blob with little memory, following the GridFS specification: first the chunks, then the file.

GridFS's own writer collects 32 MB of chunks and encodes them into one message, which takes another 100 MB.
"""

import hashlib
import io
from datetime import UTC, datetime
from typing import IO, Final

from modelbus.shared.store.blobs.blob_queries import BlobMetadata
from modelbus.shared.store.connection import Document
from modelbus.shared.store.drivers.worker_store import WorkerStore
from modelbus.shared.store.indexes import CHUNKS, FILES

CHUNK_BYTES: Final = 1024 * 1024
_CHUNKS_AT_ONCE: Final = 8


def write_blob(
    store: WorkerStore,
    blob_id: str,
    source: bytes | IO[bytes],
    metadata: BlobMetadata,
) -> None:
    """Store bytes under an id that is free.

    If it is interrupted there are chunks without a file, which a sweep removes.

    Args:
        store: Where.
        blob_id: The id.
        source: The bytes, or a file that is read from where it stands.
        metadata: What the blob's record says of it, beside the digest of the bytes.
    """
    files, chunks = store.collection(FILES), store.collection(CHUNKS)
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    length = number = 0
    digest = hashlib.sha256()
    pending: list[Document] = []
    while data := stream.read(CHUNK_BYTES):
        pending.append({"files_id": blob_id, "n": number, "data": data})
        digest.update(data)
        length += len(data)
        number += 1
        if len(pending) == _CHUNKS_AT_ONCE:
            chunks.insert_many(pending)
            pending = []
    if pending:
        chunks.insert_many(pending)
    files.insert_one(
        {
            "_id": blob_id,
            "filename": blob_id,
            "length": length,
            "chunkSize": CHUNK_BYTES,
            "uploadDate": datetime.now(UTC),
            "metadata": {**metadata, "sha256": digest.hexdigest()},
        }
    )
