# Made from ../asynchronous/existing.py by tools/twin.py: change it there, then run `make twin`.
"""Uploads under a name that exists: an error, or the existing dataset is kept, or it is replaced."""

import hashlib
from typing import Any, Final, Literal

from modelbus.client.calls import path_of, record_of
from modelbus.client.job_results import read_dataset
from modelbus.client.shown.records import Dataset, Preview
from modelbus.client.synchronous.blocking import in_thread
from modelbus.client.synchronous.http_transport import Transport
from modelbus.client.synchronous.job import Job
from modelbus.client.tables.column_advice import warn
from modelbus.client.typed_answers import JobReport
from modelbus.client.upload_sources import Upload
from modelbus.shared.errors import Forbidden, MalformedTable, UnknownDataset, UnknownJob

IfExists = Literal["error", "skip", "replace"]
"""``error`` raises ``DatasetExists``; ``skip`` keeps the existing dataset; ``replace`` deletes it first."""
IF_EXISTS: Final = ("error", "skip", "replace")


class KeptJob(Job[Dataset]):
    """The job of a dataset that was kept: it has succeeded, and its record may be gone."""

    def __init__(self, transport: Transport, dataset: Dataset) -> None:
        """Args:
        transport: The connection to the gateway.
        dataset: The dataset.
        """
        super().__init__(transport, dataset.correlation_id, read_dataset)
        self.record = _record_of(dataset)

    def _look(self, _wait_s: float, _remaining_s: float | None) -> JobReport:
        assert self.record is not None  # the constructor has set it
        return self.record


def existing_dataset(transport: Transport, name: str) -> Dataset | None:
    """The dataset of a name; None where there is none."""
    try:
        return record_of(Dataset, transport.document("GET", path_of("datasets", name)))
    except UnknownDataset:
        return None


def warn_if_other(transport: Transport, dataset: Dataset, source: Any, upload: Upload) -> None:
    """Warn if a source is known to differ from the one that a dataset was made from."""
    difference = _difference(transport, dataset, source, upload)
    if difference is not None:
        warn(
            f"dataset {dataset.name!r} exists and was kept, but {difference}; "
            "upload with if_exists='replace' to replace it"
        )


def malformed(preview: Preview) -> MalformedTable:
    """The error of an upload whose preview has rows that cannot be read."""
    first = preview.skipped_rows[0]
    more = f" (and {preview.skipped_row_count - 1} more)" if preview.skipped_row_count > 1 else ""
    return MalformedTable(
        f"{first.get('where')}: {first.get('problem')}; expected {first.get('expected')}{more}",
        details=preview.skipped_rows,
    )


def _difference(transport: Transport, dataset: Dataset, source: Any, upload: Upload) -> str | None:
    if upload.size_bytes is None:
        return None
    if upload.is_table:
        # another release of pyarrow writes other bytes for the same table
        return in_thread(_other_shape, dataset, source)
    if upload.size_bytes != dataset.source_size_bytes:
        sizes = f"{upload.size_bytes:,} bytes instead of {dataset.source_size_bytes:,}"
        return f"the file differs from the original: {sizes}"
    known = _source_sha256(transport, dataset)
    if known is not None and known != in_thread(_sha256, upload):
        return "the file differs from the original"
    return None


def _other_shape(dataset: Dataset, source: Any) -> str | None:
    from modelbus.client.frames import shape_of

    row_count, names = shape_of(source)
    if row_count != dataset.row_count:
        return f"the table has {row_count:,} row{'' if row_count == 1 else 's'} instead of {dataset.row_count:,}"
    if names != [column.name for column in dataset.columns]:
        return "the table has other columns"
    return None


def _source_sha256(transport: Transport, dataset: Dataset) -> str | None:
    """The digest of the file that a dataset was made from; None where its job is forgotten."""
    try:
        job = record_of(JobReport, transport.document("GET", path_of("jobs", dataset.correlation_id)))
    except (UnknownJob, Forbidden):
        return None
    found = (job.spec.get("source") or {}).get("sha256")
    return None if found is None else str(found)


def _sha256(upload: Upload) -> str:
    digest = hashlib.sha256()
    upload.rewind()
    while chunk := upload.read():
        digest.update(chunk)
    upload.rewind()
    return digest.hexdigest()


def _record_of(dataset: Dataset) -> JobReport:
    return JobReport(
        correlation_id=dataset.correlation_id,
        command="ProfileDataset",
        status="succeeded",
        owner=dataset.owner,
        attempt=1,
        max_attempts=1,
        created_at=dataset.created_at,
        updated_at=dataset.created_at,
        spec={"command": "ProfileDataset", "dataset": dataset.name},
        result={"dataset": dataset.model_dump(mode="json")},
    )
