"""What the gateway answers beside the records and results of ``shared/contracts``: typed, frozen, in memory.

A field that a later release adds is passed over. Nothing here sends or receives.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from modelbus.client.frames import frame_of_columns
from modelbus.shared.contracts import JobRecord, Task
from modelbus.shared.contracts.commands.prediction import kept_names
from modelbus.shared.contracts.records.api_key_records import ApiKeyRecord
from modelbus.shared.contracts.records.candidate_records import CandidatesRecord
from modelbus.shared.contracts.records.results import Incidents, PredictionResult, RowsResult, TrainingResult

if TYPE_CHECKING:
    import pandas as pd


class Result(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True, protected_namespaces=())


class RowPage(RowsResult):
    """Some rows of a dataset."""

    def to_frame(self) -> "pd.DataFrame":
        """The rows as a frame; its index has the rows' numbers. Dates are text, as JSON has them."""
        columns = {name: [row[name] for row in self.rows] for name in self.columns}
        return frame_of_columns(columns, range(self.offset, self.offset + len(self.rows)))


class EstimatorSummary(Result):
    """An estimator without its hyperparameters."""

    name: str
    task: Task
    description: str


class TrainedVersion(TrainingResult):
    """What a training made."""

    @property
    def reference(self) -> str:
        """The version as ``predict`` and ``evaluate`` take it, such as ``churn@3``."""
        return f"{self.version.model}@{self.version.version}"

    @property
    def metrics(self) -> dict[str, float | None]:
        """Measured on the rows that were held out."""
        return self.version.metrics


class VersionUsage(Result):
    """What a version has answered so far."""

    model: str
    version: int
    requests: int = 0
    rows: int = 0
    report: Incidents = {}
    """What had to be done to the rows: how many were coerced, unseen, missing or extra, by column."""
    updated_at: datetime | None = None


class Predictions(PredictionResult):
    """The answers for some rows, in their order."""

    correlation_id: str | None = None

    _index: Any = PrivateAttr(None)

    def __len__(self) -> int:
        return len(self.predictions)

    def with_index(self, index: Any) -> "Predictions":
        """The same answers, for a frame with that index."""
        same = self.model_copy()
        same._index = index
        return same

    def to_frame(self) -> "pd.DataFrame":
        """A frame with the kept columns, ``prediction``, and on request ``probability_<class>``, ``score`` or
        ``score_<class>``.

        Its index is that of the frame that was asked about.
        """
        columns: dict[str, Any] = {"prediction": self.predictions}
        for name, figures in (("probability", self.probabilities), ("score", self.scores)):
            if figures and isinstance(figures[0], list):
                by_class = zip(*figures, strict=True)
                columns |= {f"{name}_{label}": one for label, one in zip(self.classes or [], by_class, strict=True)}
            elif figures is not None:
                columns[name] = figures
        kept = self.kept or {}
        names = kept_names(list(kept), columns)
        return frame_of_columns({**{names[name]: kept[name] for name in kept}, **columns}, self._index)


class PredictionReport(Result):
    """What a prediction of a whole dataset left: a table to be downloaded."""

    correlation_id: str
    model: str
    version: int
    dataset: str
    row_count: int
    report: Incidents = {}
    """What had to be done to the rows: how many were coerced, unseen, missing or extra, by column."""


class JobReport(JobRecord):
    """A job as the gateway answers it: its record, and while it waits, where it stands."""

    queue_position: int | None = None
    """While it is queued: 1 for the job that is next in its queue."""
    estimated_start_s: float | None = None
    """While it is queued: seconds until it is likely to start, by how long such jobs took lately."""
    links: dict[str, str] = {}
    """Where it can be looked at."""


class Candidates(CandidatesRecord):
    """All candidates that a version was chosen from, the best first."""

    def to_frame(self) -> "pd.DataFrame":
        """One row a candidate, by its ``number``: rank, estimator, ``mean`` of the metric, and each hyperparameter."""
        names = ("rank", "estimator", "mean", "standard_deviation", "fit_s", "state")
        table: dict[str, list[Any]] = {name: [getattr(one, name) for one in self.candidates] for name in names}
        for name in dict.fromkeys(name for one in self.candidates for name in one.hyperparameters):
            table[f"hyperparameters.{name}"] = [one.hyperparameters.get(name) for one in self.candidates]
        return frame_of_columns(table, [one.number for one in self.candidates], "number")


class MadeApiKey(ApiKeyRecord):
    """A key that was just made."""

    key: str = Field(repr=False)
    """Its text, told once and kept nowhere."""
