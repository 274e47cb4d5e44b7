"""Outcomes of jobs, with the files that they speak of."""

from typing import Any

from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document


def job_with(outcome: Document, correlation_id: str | None = None, owner: str = "local") -> Document:
    return {"_id": correlation_id or new_correlation_id(), "owner": owner, "outcome": outcome}


def dataset_outcome(blobs: BlobStore, name: str = "customers", **changes: Any) -> Document:
    blob_id = blobs.save(b"parquet", "dataset", new_correlation_id(), 1)
    return {"kind": "dataset", "record": {"name": name, "row_count": 3}, "blob_id": blob_id, **changes}


def version_outcome(blobs: BlobStore, *, promote: bool = True, model: str = "churn", **changes: Any) -> Document:
    blob_id = blobs.save(b"skops", "artifact", new_correlation_id(), 1)
    record = {"model": model, "estimator": "LogisticRegression", "hyperparameters": {"$C": "$status"}}
    return {"kind": "version", "record": record, "blob_id": blob_id, "promote": promote, **changes}


def plots_of_attempt(blobs: BlobStore, correlation_id: str, fence: int) -> list[Document]:
    """Files as a job stores them, the content told by the fence."""
    content = f"<svg>{fence}</svg>".encode()
    return [
        {"name": name, "blob_id": blobs.save(content, "result_plot", correlation_id, fence)}
        for name in ("importance.svg", "importance.json")
    ]
