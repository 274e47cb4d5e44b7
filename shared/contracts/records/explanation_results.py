"""The results of explaining and of comparing: as ``results.py``, and part of it."""

from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract, Task
from modelbus.shared.contracts.commands.drift import DriftThresholds
from modelbus.shared.contracts.records.dataset_records import ColumnType
from modelbus.shared.contracts.records.plot_points import PlotName

Incidents = dict[str, dict[str, int]]
ResponseKind = Literal["probability", "score", "membership", "value"]


class ColumnImportance(Contract):
    """How important a column is."""

    column: str
    mean: float
    """How much worse the metric got when the column was shuffled; below 0 it got better."""
    standard_deviation: float
    values: list[float]
    """One for each time that it was shuffled."""


class ImportanceResult(Contract):
    """How important the columns are, the most important first."""

    name: Literal["importance"]
    metric: str
    is_error: bool
    """Whether less of the metric is better."""
    baseline: float
    """The metric with nothing shuffled."""
    repeats: int
    columns: list[ColumnImportance]


class DependenceCurve(Contract):
    """The mean answer for each value of a column."""

    name: Any
    """The class or cluster that it is of, or the target's name, or `score`."""
    y: list[float]
    """One for each value."""
    missing: float | None
    """The mean answer with no value; null where no row lacks one."""


class DependenceResult(Contract):
    """How the mean answer depends on a column."""

    name: Literal["partial_dependence"]
    column: str
    type: ColumnType
    response: ResponseKind
    """What the answer is taken as."""
    x: list[Any]
    """The values that the column was given; dates in ISO 8601."""
    counts: list[int] | None
    """Of text and booleans: rows with each value."""
    curves: list[DependenceCurve]


class ModelExplanationResult(Contract):
    """Of ExplainModel."""

    model: str
    version: int
    dataset: str
    is_training_dataset: bool
    """Whether the rows are of the table that the version was trained on: then the importances flatter a model that has
    learnt its rows by heart."""
    task: Task
    row_count: int
    """Rows that were looked at."""
    dataset_row_count: int
    seed: int
    importance: ImportanceResult | None
    partial_dependence: list[DependenceResult] | None
    warnings: list[str] = []
    """What makes the answer doubtful: columns of another type than in training, many unseen values."""
    plots: list[PlotName] = []
    """The names of the plots that were drawn."""


class Contribution(Contract):
    """What a column contributes to an answer."""

    column: str
    given: Any
    """The row's value."""
    contribution: float
    standard_error: float
    """How far sampling is likely to have led from the exact contribution; 0 if it is exact."""


class OutputExplanation(Contract):
    """Where one answer comes from: the base value and all contributions add up to the value."""

    output: Any
    """The class or cluster that it is of, or the target's name, or `score`."""
    value: float
    """What the model answers."""
    base_value: float
    """Its mean answer for the rows that are compared with."""
    columns: list[Contribution]
    """The largest first."""


class RowExplanation(Contract):
    """Where the answer for one row comes from."""

    prediction: Any
    explanations: list[OutputExplanation]


class Background(Contract):
    """The rows that are compared with."""

    dataset: str
    row_count: int


class PredictionExplanationResult(Contract):
    """Of ExplainPrediction."""

    model: str
    version: int
    response: ResponseKind
    method: Literal["exact", "sampled"]
    background: Background
    predicted_row_count: int
    """Rows that the model was asked for."""
    rows: list[RowExplanation]
    report: Incidents
    """What had to be done to the rows, rows by column: `coerced`, `unseen`, `missing`, `extra`."""
    warnings: list[str] = []
    """What makes the answer doubtful: columns of another type than in training, many unseen values."""


class LearningCurve(Contract):
    """One metric by the number of training rows."""

    name: str
    training: list[float | None]
    """On the rows that were fitted on."""
    hold_out: list[float | None]
    """On the hold-out, the same rows each time."""


class LearningResult(Contract):
    """Of MeasureLearningCurve."""

    model: str
    version: int
    dataset: str
    estimator: str
    name: Literal["learning_curve"]
    x: list[int]
    """Rows that were fitted on."""
    fit_s: list[float]
    """Seconds that each fit took."""
    curves: list[LearningCurve]
    plots: list[PlotName] = []
    """The names of the plots that were drawn."""


class ReferenceRows(Contract):
    """The training table."""

    dataset: str
    dataset_row_count: int
    row_count: int
    """Rows that were compared."""


class CurrentRows(Contract):
    """The rows that were compared: a dataset's, or those that were predicted since a time."""

    dataset: str | None = None
    dataset_row_count: int | None = None
    since: str | None = None
    row_count: int
    request_count: int | None = None
    """Predictions of inline rows among them."""
    dataset_count: int | None = None
    """Predicted datasets among them."""
    lost_count: int | None = None
    """Predictions whose rows are gone."""
    is_capped: bool
    """Whether there are more than were compared."""
    oldest: str | None = None
    """When the oldest of the predicted rows was asked for."""


class DriftStatistic(Contract):
    """How far two samples lie apart."""

    name: Literal["psi", "kolmogorov_smirnov", "jensen_shannon", "missing_rate", "unseen_rate"]
    value: float | None
    """Null where it could not be worked out: it is unknown, and counts as drift if it has a threshold."""
    by_chance: float | None
    """What it exceeds once in a thousand times without any drift; null where it is unknown."""
    threshold: float | None
    is_exceeded: bool
    """Whether it reached its threshold, and is no chance; or whether it has a threshold and is unknown."""
    reason: str | None = None
    """Why it is unknown, or could not mean drift whatever the rows; null where neither is so."""


class Sides(Contract):
    """A figure of the training table and of the rows that are compared."""

    reference: float
    current: float


class UnseenValues(Contract):
    """Values that the training table has not."""

    count: int
    """Rows with one."""
    rate: float | None
    """Their share of the rows that have a value; null where none has."""
    values: list[dict[str, Any]]
    """The most frequent ones: `value` and `count`, 20 at most."""


class Distribution(Contract):
    """Shares of rows by bin."""

    name: str
    x: list[Any]
    """A value, the upper end of a range (null for the last), or `(other)`, `(unseen)`, `(missing)`."""
    reference: list[float]
    current: list[float]


class DriftFinding(Contract):
    """How far a column, or what is predicted, has drifted."""

    name: str
    type: str
    """The column's type; of predictions the task."""
    has_drifted: bool
    """Whether a statistic is exceeded, or is unknown though it has a threshold."""
    statistics: list[DriftStatistic]
    missing_rate: Sides
    invalid_count: Sides
    """Cells that are not of the column's type; they count as missing."""
    unseen: UnseenValues | None
    distribution: Distribution


class DriftResult(Contract):
    """Of ReportDrift."""

    model: str
    version: int
    reference: ReferenceRows
    current: CurrentRows
    thresholds: DriftThresholds
    has_drifted: bool
    drifted_columns: list[str]
    columns: list[DriftFinding] = Field(description="In the signature's order; none where no rows were predicted.")
    predictions: DriftFinding | None
    """Null where no rows can be predicted: whether the predictions have drifted is unknown, and counts as drift."""
    warnings: list[str] = []
    """What could not be worked out, or not be told from chance, and why."""
    plots: list[PlotName] = []
    """The names of the plots that were drawn."""
