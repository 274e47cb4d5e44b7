"""Answers of the gateway besides the records of ``shown/records.py``: typed, frozen, in memory.

Fields of later releases are ignored. Nothing here sends or receives.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from modelbus.client.frames import frame_of_columns
from modelbus.client.shown.html_parts import panel, table
from modelbus.client.shown.records import Version
from modelbus.client.shown.short_texts import Shown
from modelbus.shared.contracts import JobRecord, Task
from modelbus.shared.contracts.commands.prediction import kept_names
from modelbus.shared.contracts.records.api_key_records import ApiKeyRecord
from modelbus.shared.contracts.records.candidate_records import CandidatesRecord
from modelbus.shared.contracts.records.results import Incidents, PredictionResult, RowsResult, TrainingResult

if TYPE_CHECKING:
    import pandas as pd


class Result(Shown, BaseModel):
    """The base of all answers."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True, protected_namespaces=())


class RowPage(Shown, RowsResult):
    """Rows of a dataset."""

    def _repr_html_(self) -> str:
        facts = {"rows": f"{self.offset:,} to {self.offset + len(self.rows):,} of {self.row_count:,}"}
        cells = [[row[name] for name in self.columns] for row in self.rows]
        return panel(f"dataset {self.dataset}", facts, table(self.columns, cells))

    def to_frame(self) -> "pd.DataFrame":
        """The rows as a frame, indexed by row number. Dates are texts, as in JSON."""
        columns = {name: [row[name] for row in self.rows] for name in self.columns}
        return frame_of_columns(columns, range(self.offset, self.offset + len(self.rows)))


class EstimatorSummary(Result):
    """An estimator without its hyperparameters."""

    name: str
    task: Task
    description: str


class TrainedVersion(Shown, TrainingResult):
    """The result of a training."""

    version: Version

    @property
    def reference(self) -> str:
        """The version as ``predict`` and ``evaluate`` take it, such as ``churn@3``."""
        return self.version.reference

    @property
    def metrics(self) -> dict[str, float | None]:
        """The metrics on the hold-out."""
        return self.version.metrics

    def __repr__(self) -> str:
        champion = ", champion" if self.is_champion else ""
        return f"<{type(self).__name__} {self.reference} ({self.version.estimator}{champion})>"

    def _repr_html_(self) -> str:
        facts = {"champion": self.is_champion, "stopped early": self.stopped_early}
        return panel(f"trained {self.reference}", facts, self.version._repr_html_())


class VersionUsage(Result):
    """The predictions of a version so far."""

    model: str
    version: int
    requests: int = 0
    rows: int = 0
    report: Incidents = {}
    """By incident (`coerced`, `unseen`, `missing`, `extra`) and column, the number of rows."""
    updated_at: datetime | None = None


class Predictions(Shown, PredictionResult):
    """The predictions for some rows, in their order."""

    correlation_id: str | None = None

    _index: Any = PrivateAttr(None)

    def __len__(self) -> int:
        return len(self.predictions)

    def with_index(self, index: Any) -> "Predictions":
        """The same predictions, with the index of the frame that was passed in."""
        same = self.model_copy()
        same._index = index
        return same

    def to_frame(self) -> "pd.DataFrame":
        """A frame with the kept columns, ``prediction``, and if requested ``probability_<class>``, ``score`` or
        ``score_<class>``.

        Its index is that of the frame that was passed in.
        """
        return frame_of_columns(self._columns(), self._index)

    def _repr_html_(self) -> str:
        columns = self._columns()
        labels = range(len(self)) if self._index is None else self._index
        rows = [list(row) for row in zip(map(str, labels), *columns.values(), strict=False)]
        facts = {"model": f"{self.model}@{self.version}", "rows": len(self)}
        return panel("predictions", facts, table(("row", *columns), rows), notes=self.warnings)

    def _columns(self) -> dict[str, Any]:
        columns: dict[str, Any] = {"prediction": self.predictions}
        for name, figures in (("probability", self.probabilities), ("score", self.scores)):
            if figures and isinstance(figures[0], list):
                by_class = zip(*figures, strict=True)
                columns |= {f"{name}_{label}": one for label, one in zip(self.classes or [], by_class, strict=True)}
            elif figures is not None:
                columns[name] = figures
        kept = self.kept or {}
        names = kept_names(list(kept), columns)
        return {**{names[name]: kept[name] for name in kept}, **columns}


class PredictionReport(Result):
    """The predictions for a whole dataset: a table to download."""

    correlation_id: str
    model: str
    version: int
    dataset: str
    row_count: int
    report: Incidents = {}
    """By incident (`coerced`, `unseen`, `missing`, `extra`) and column, the number of rows."""


class JobReport(Shown, JobRecord):
    """A job: its record, and its place in the queue while it waits."""

    shown_fields: ClassVar = (
        "correlation_id",
        "command",
        "status",
        "attempt",
        "queue_position",
        "progress",
        "error",
        "created_at",
    )

    queue_position: int | None = None
    """Its place in the queue while it waits there; the next job to start has 1."""
    estimated_start_s: float | None = None
    """While queued: the likely seconds until it starts, by the duration of recent jobs of its kind."""
    links: dict[str, str] = {}
    """By name, paths of the API."""


class Candidates(Shown, CandidatesRecord):
    """The candidates that a version was chosen from, best first."""

    def _repr_html_(self) -> str:
        headings = ("rank", "estimator", self.scoring, "standard deviation", "fit (s)", "state", "hyperparameters")
        rows = [
            [one.rank, one.estimator, one.mean, one.standard_deviation, one.fit_s, one.state, one.hyperparameters]
            for one in self.candidates
        ]
        facts = {"candidates": len(self.candidates), "metric": self.scoring}
        return panel(f"candidates of {self.model}@{self.version}", facts, table(headings, rows))

    def to_frame(self) -> "pd.DataFrame":
        """One row per candidate, indexed by ``number``: rank, estimator, mean metric, and each hyperparameter."""
        names = ("rank", "estimator", "mean", "standard_deviation", "fit_s", "state")
        table: dict[str, list[Any]] = {name: [getattr(one, name) for one in self.candidates] for name in names}
        for name in dict.fromkeys(name for one in self.candidates for name in one.hyperparameters):
            table[f"hyperparameters.{name}"] = [one.hyperparameters.get(name) for one in self.candidates]
        return frame_of_columns(table, [one.number for one in self.candidates], "number")


class MadeApiKey(Shown, ApiKeyRecord):
    """A new API key."""

    key: str = Field(repr=False)
    """The key's text, which is shown once and stored nowhere."""
