"""Results that are too large for their job's document, which are stored in GridFS; the job refers to them."""

from typing import Final

import orjson

from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document

_TOLD: Final = ("model", "version")
"""What is known of a stored result without reading it: whose it is, where it is a model version's."""


def within_limit(result: Document, correlation_id: str, blobs: BlobStore, limit_bytes: int) -> Document:
    """The result itself, or a reference to the stored result if it exceeds ``limit_bytes`` as JSON.

    Raises:
        StoreUnavailable: MongoDB does not answer.
    """
    text = orjson.dumps(result)
    if len(text) <= limit_bytes:
        return result
    about: Document = {name: result[name] for name in _TOLD if name in result}
    blob_id = blobs.save(text, "result", correlation_id, fence=0, about=about)
    blobs.make_live(blob_id)
    return {"stored_result": blob_id, "size_bytes": len(text)}
