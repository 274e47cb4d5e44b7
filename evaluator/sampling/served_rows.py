"""The rows that a model version has predicted since a given time, collected from its prediction jobs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import pandas as pd

from modelbus.evaluator.sampling.sampled_rows import read_model_rows
from modelbus.shared.contracts import Predict
from modelbus.shared.contracts.commands.prediction import rows_of_spec
from modelbus.shared.contracts.documents.job_documents import ServedJob
from modelbus.shared.contracts.documents.model_documents import VersionDocument
from modelbus.shared.errors import DatasetChanged, UnknownDataset, UnknownUpload
from modelbus.shared.plural import counted
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.binding import digests
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.worker.child import JobContext


@dataclass
class ServedRows:
    """Predicted rows and their origin."""

    model: FittedModel
    row_limit: int
    request_count: int = 0
    """Prediction requests with inline rows that are included, in whole or in part."""
    dataset_count: int = 0
    """Predicted datasets that are included, in whole or in part."""
    lost_count: int = 0
    """Predictions whose rows are gone, because the dataset or a large result was deleted."""
    is_capped: bool = False
    """Whether older rows exceed the limit."""
    oldest: datetime | None = None
    """When the oldest of them was requested."""
    row_count: int = 0
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _frames: list[pd.DataFrame] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many more rows can be added."""
        return self.row_limit - self.row_count

    def add_rows(self, rows: list[dict[str, Any]]) -> None:
        """Add inline rows, up to the limit."""
        self.is_capped |= len(rows) > self.left
        self._rows += rows[: self.left]
        self.row_count += min(len(rows), self.left)
        self.request_count += 1

    def add_frame(self, frame: pd.DataFrame, row_count: int) -> None:
        """Add sampled rows of a dataset that has ``row_count`` rows."""
        self.is_capped |= row_count > len(frame)
        self._frames.append(frame)
        self.row_count += len(frame)
        self.dataset_count += 1

    def frame(self) -> pd.DataFrame:
        """All rows, with the columns that the model needs."""
        names = [column.name for column in self.model.encoder.columns]
        inline = pd.DataFrame({name: [row.get(name) for row in self._rows] for name in names}, dtype=object)
        # Unconverted: a column may hold text from one request and numbers from another.
        whole = pd.concat([inline, *(each.reindex(columns=names).astype(object) for each in self._frames)])
        return whole.reset_index(drop=True)

    def view(self) -> Document:
        """The origin of the rows, in JSON form."""
        return {
            "row_count": self.row_count,
            "request_count": self.request_count,
            "dataset_count": self.dataset_count,
            "lost_count": self.lost_count,
            "is_capped": self.is_capped,
            "oldest": self.oldest.isoformat() if self.oldest else None,
        }


def gather_served_rows(
    context: JobContext, version: VersionDocument, model: FittedModel, since: datetime, row_limit: int, seed: int
) -> ServedRows:
    """Collect the newest rows that a version predicted, up to the limit.

    Args:
        context: The job's context, for the store.
        version: The version's document.
        model: The version's model.
        since: The earliest time of a prediction.
        row_limit: Maximum rows.
        seed: Seed for sampling a dataset with more rows than can be added.
    """
    found = ServedRows(model, row_limit)
    for job in _own_jobs(context, version, since, found):
        if found.left <= 0:
            found.is_capped = True
            break
        if job["command"] == Predict.__name__:
            found.add_rows(rows_of_spec(job["spec"]))
        else:
            _add_dataset(context, job, found, seed)
        found.oldest = job["created_at"]
        context.progress(0.3, f"collected {counted(found.row_count, 'row')}")
    return found


def _own_jobs(context: JobContext, version: VersionDocument, since: datetime, found: ServedRows) -> Iterator[ServedJob]:
    own = {"model": version["model"], "version": version["version"]}
    for job in context.library.served_jobs(version, since):
        result = job["result"]
        if "stored_result" in result:
            try:
                result = _whose(context, result["stored_result"])
            except UnknownUpload:
                found.lost_count += 1
                continue
        if {name: result.get(name) for name in own} == own:
            yield job


def _whose(context: JobContext, blob_id: str) -> Document:
    """The model and version of a large result: from its metadata or, for an older release, from the result itself.

    Raises:
        UnknownUpload: The result was removed.
    """
    about = context.blobs.about(blob_id)
    if about is None:
        about = orjson.loads(context.blobs.read(blob_id))
    return about


def _add_dataset(context: JobContext, job: ServedJob, found: ServedRows, seed: int) -> None:
    try:
        dataset = context.library.dataset_read_by(job)
    except (UnknownDataset, DatasetChanged):
        found.lost_count += 1
        return
    # A job without a recorded digest would not notice that another dataset has the name now.
    if dataset["name"] not in digests(job) and dataset["created_at"] > job["created_at"]:
        found.lost_count += 1
        return
    found.add_frame(read_model_rows(context, dataset, found.model, found.left, seed), dataset["row_count"])
