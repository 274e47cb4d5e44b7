"""Blobs for both drivers: their kinds, their metadata, and the queries for blobs and chunks."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NotRequired, TypedDict
from uuid import UUID, uuid5

from bson import ObjectId

from modelbus.shared.store.indexes import CHUNKS, DATASETS, EVALUATIONS, FILES, JOBS, VERSIONS
from modelbus.shared.store.operation import Document, Operation
from modelbus.shared.store.queries import Aggregation, Query, by_id, shape

BlobKind = Literal[
    "upload", "dataset", "artifact", "predictions", "export", "result", "candidates", "rows", "plot", "result_plot"
]
"""A `plot` is an evaluation's, a `result_plot` of a job's result; `rows` say which rows a version was trained on."""
_OF_JOBS: Final[tuple[BlobKind, ...]] = ("predictions", "export", "result", "result_plot")
"""Kinds that are removed with their job."""
_BATCH: Final = 100


class BlobMetadata(TypedDict):
    """The metadata of a blob in GridFS."""

    kind: BlobKind
    state: Literal["pending", "live"]
    """``live`` if something refers to it."""
    correlation_id: str
    fence: int
    sha256: NotRequired[str]
    """The digest of the blob, in hex; absent for uploads and blobs of earlier releases."""
    about: NotRequired[dict[str, Any]]
    """A small description of its content."""


class DescribedBlob(TypedDict):
    """A blob by what is known of its content."""

    metadata: BlobMetadata
    """``about``."""


class BlobFile(TypedDict):
    """A blob by its id."""

    _id: str


class MeasuredBlob(TypedDict):
    """How large a blob and its chunks are; bytes."""

    length: int
    chunkSize: int


class BlobChunk(TypedDict):
    """One chunk of a blob."""

    n: int
    data: bytes


class ChunkNumber(TypedDict):
    """The place of a chunk in its blob."""

    n: int


class HeadlessChunk(TypedDict):
    """A chunk whose file no longer exists; ``files_id`` is the id of a blob, or of another application's file."""

    files_id: Any


_FILE: Final = shape(BlobFile)
_DESCRIBED: Final = shape(DescribedBlob, metadata=("about",))
_MEASURED: Final = shape(MeasuredBlob)
_CHUNK: Final = shape(BlobChunk)
_NUMBER: Final = shape(ChunkNumber)
_HEADLESS: Final = shape(HeadlessChunk)


def blob_metadata(
    kind: BlobKind, correlation_id: str, fence: int = 0, about: dict[str, Any] | None = None
) -> BlobMetadata:
    """What a blob's record says of it while it is being written."""
    described: BlobMetadata = {"kind": kind, "state": "pending", "correlation_id": correlation_id, "fence": fence}
    if about:
        described["about"] = about
    return described


def export_id(correlation_id: str, fence: int) -> str:
    """The id of the blob that an attempt of an export writes.

    It is known in advance, so that what a killed attempt has left can be found.
    """
    return str(uuid5(UUID(correlation_id), f"export/{fence}"))


def measured_blob(blob_id: str) -> Query[MeasuredBlob]:
    """A blob's size."""
    return by_id(FILES, blob_id, _MEASURED)


def described_blob(blob_id: str) -> Query[DescribedBlob]:
    """What is known of a blob's content."""
    return by_id(FILES, blob_id, _DESCRIBED)


def blob_of_kind(blob_id: str, kind: BlobKind) -> Query[BlobFile]:
    """A blob, if it is of a kind."""
    return Query(FILES, {"_id": blob_id, "metadata.kind": kind}, _FILE, limit=1)


def blobs_of_jobs(correlation_ids: Sequence[str], kinds: Sequence[BlobKind]) -> Query[BlobFile]:
    """The blobs of some kinds that some jobs wrote."""
    wanted = {"metadata.correlation_id": {"$in": list(correlation_ids)}, "metadata.kind": {"$in": list(kinds)}}
    return Query(FILES, wanted, _FILE)


def chunks_between(blob_id: str, first: int, last: int) -> Query[BlobChunk]:
    """Some chunks of a blob, both ends among them."""
    return Query(CHUNKS, {"files_id": blob_id, "n": {"$gte": first, "$lte": last}}, _CHUNK)


def last_chunk(blob_id: str) -> Query[ChunkNumber]:
    """The last chunk of a blob."""
    return Query(CHUNKS, {"files_id": blob_id}, _NUMBER, (("n", -1),), 1)


def chunk_stretches(blob_id: str, last: ChunkNumber | None) -> Iterator[Document]:
    """Filters for the chunks of a blob, 100 at a time, so that deleting them never exceeds a timeout.

    Args:
        blob_id: The blob.
        last: Its last chunk; None if it has none.
    """
    for first in range(0, last["n"] + 1 if last else 0, _BATCH):
        yield {"files_id": blob_id, "n": {"$gte": first, "$lt": first + _BATCH}}


def make_live(blob_id: str) -> Operation:
    """Mark a blob as used."""
    return Operation({"_id": blob_id}, {"$set": {"metadata.state": "live"}})


def release(blob_id: str) -> Operation:
    """Mark a blob as unused."""
    return Operation({"_id": blob_id}, {"$set": {"metadata.state": "pending"}})


def abandoned_blobs(before: datetime) -> Aggregation[BlobFile]:
    """Pending blobs without a reference whose job has ended: left by a dead worker or an interrupted deletion.

    References of the job itself are not checked, because its blobs are live before it ends.
    """
    return Aggregation(
        FILES,
        (
            {"$match": {"metadata.state": "pending", "uploadDate": {"$lt": before}}},
            _joined(JOBS, "metadata.correlation_id", "_id", "job"),
            {"$match": {"job.status": {"$nin": ["queued", "running"]}}},
            _joined(DATASETS, "_id", "blob_id", "dataset"),
            _joined(VERSIONS, "_id", "blob_id", "version"),
            _joined(VERSIONS, "_id", "candidates_blob_id", "chosen"),
            _joined(VERSIONS, "_id", "rows_blob_id", "trained"),
            _joined(EVALUATIONS, "_id", "files.blob_id", "evaluation"),
            {"$match": {"dataset": [], "version": [], "chosen": [], "trained": [], "evaluation": []}},
            {"$limit": _BATCH},
        ),
        _FILE,
    )


def outlived_blobs(before: datetime) -> Aggregation[BlobFile]:
    """Blobs that belong to a job which no longer exists, because its retention ended or it was removed."""
    return Aggregation(
        FILES,
        (
            {"$match": {"metadata.kind": {"$in": list(_OF_JOBS)}, "uploadDate": {"$lt": before}}},
            _joined(JOBS, "metadata.correlation_id", "_id", "job"),
            {"$match": {"job": []}},
            {"$limit": _BATCH},
        ),
        _FILE,
    )


def headless_chunks(before: datetime) -> Aggregation[HeadlessChunk]:
    """First chunks of interrupted uploads, which have no file; the id of a chunk contains its time."""
    return Aggregation(
        CHUNKS,
        (
            {"$match": {"n": 0, "_id": {"$lt": ObjectId.from_datetime(before)}}},
            _joined(FILES, "files_id", "_id", "file"),
            {"$match": {"file": []}},
            {"$limit": _BATCH},
        ),
        _HEADLESS,
    )


def _joined(collection: str, local: str, foreign: str, name: str) -> Document:
    return {"$lookup": {"from": collection, "localField": local, "foreignField": foreign, "as": name}}
