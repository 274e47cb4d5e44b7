"""Results that are too large for their job's document: kept in GridFS, with their place in the job."""

import orjson

from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document


def within_limit(result: Document, correlation_id: str, blobs: BlobStore, limit_bytes: int) -> Document:
    """The result itself, or where it was stored when it has more than ``limit_bytes`` bytes as JSON.

    Raises:
        StoreUnavailable: MongoDB does not answer.
    """
    text = orjson.dumps(result)
    if len(text) <= limit_bytes:
        return result
    blob_id = blobs.save(text, "result", correlation_id, fence=0)
    blobs.make_live(blob_id)
    return {"stored_result": blob_id, "size_bytes": len(text)}
