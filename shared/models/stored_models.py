"""Loading of models from the store."""

from collections.abc import Callable

from modelbus.shared.contracts.documents.model_documents import VersionDocument
from modelbus.shared.models.artifacts import load_model
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.tabular.predicting.model import FittedModel


def fetch_model(
    blobs: BlobStore,
    version: VersionDocument,
    limit_bytes: int,
    *,
    make_room: Callable[[int], None] | None = None,
) -> FittedModel:
    """Fetch and load a model version.

    Args:
        blobs: The store of the artifacts.
        version: The version's document.
        limit_bytes: Maximum unpacked size of the artifact.
        make_room: Called with the unpacked size in bytes before the artifact is unpacked.

    Raises:
        ArtifactRefused: It cannot be loaded; the message says what to do.
        UnknownUpload: Its artifact is gone.
        StoreUnavailable: MongoDB does not answer.
    """
    payload = blobs.read(version["blob_id"])
    return load_model(payload, version["artifact_sha256"], version["libraries"], limit_bytes, make_room=make_room)
