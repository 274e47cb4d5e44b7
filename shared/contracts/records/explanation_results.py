"""The results of explanations and drift reports, which complement ``results.py``."""

from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract, Task
from modelbus.shared.contracts.commands.drift import DriftThresholds
from modelbus.shared.contracts.records.dataset_records import ColumnType
from modelbus.shared.contracts.records.plot_points import PlotName

Incidents = dict[str, dict[str, int]]
ResponseKind = Literal["probability", "score", "membership", "value"]


class ColumnImportance(Contract):
    """The importance of a column."""

    column: str
    mean: float
    """The mean loss in the metric when the column was shuffled; negative if the metric improved."""
    standard_deviation: float
    values: list[float]
    """The loss in each repetition."""


class ImportanceResult(Contract):
    """The importance of the columns, the most important first."""

    name: Literal["importance"]
    metric: str
    is_error: bool
    """Whether lower values of the metric are better."""
    baseline: float
    """The metric without shuffling."""
    repeats: int
    columns: list[ColumnImportance]


class DependenceCurve(Contract):
    """The mean prediction for each value of a column."""

    name: Any
    """The class or cluster, the name of the target, or `score`."""
    y: list[float]
    """The mean prediction for each value."""
    missing: float | None
    """The mean prediction for a missing value; null if no row has a missing value."""


class DependenceResult(Contract):
    """The dependence of the mean prediction on a column."""

    name: Literal["partial_dependence"]
    column: str
    type: ColumnType
    response: ResponseKind
    """The kind of prediction that is averaged."""
    x: list[Any]
    """The values of the column; dates in ISO 8601."""
    counts: list[int] | None
    """The number of rows with each value, for text and booleans."""
    curves: list[DependenceCurve]


class ModelExplanationResult(Contract):
    """The result of ExplainModel."""

    model: str
    version: int
    dataset: str
    is_training_dataset: bool
    """Whether the rows belong to the training data; then the importances are too optimistic for a model that
    overfits."""
    task: Task
    row_count: int
    """The number of rows used."""
    dataset_row_count: int
    seed: int
    importance: ImportanceResult | None
    partial_dependence: list[DependenceResult] | None
    warnings: list[str] = []
    """Doubts about the result, such as columns of another type than in training or many unseen values."""
    plots: list[PlotName] = []
    """The names of the plots."""


class Contribution(Contract):
    """The contribution of a column to a prediction."""

    column: str
    given: Any
    """The value in the row."""
    contribution: float
    standard_error: float
    """The standard error of the contribution due to sampling; 0 if it is exact."""


class OutputExplanation(Contract):
    """The explanation of a prediction: the base value and all contributions add up to the value."""

    output: Any
    """The class or cluster, the name of the target, or `score`."""
    value: float
    """The prediction."""
    base_value: float
    """The mean prediction for the background rows."""
    columns: list[Contribution]
    """The contributions, the largest first."""


class RowExplanation(Contract):
    """The explanation of the prediction for a row."""

    prediction: Any
    explanations: list[OutputExplanation]


class Background(Contract):
    """The background rows."""

    dataset: str
    row_count: int


class PredictionExplanationResult(Contract):
    """The result of ExplainPrediction."""

    model: str
    version: int
    response: ResponseKind
    method: Literal["exact", "sampled"]
    background: Background
    predicted_row_count: int
    """The number of rows that the model predicted."""
    rows: list[RowExplanation]
    report: Incidents
    """The adjustments to the rows: the number of rows with `coerced`, `unseen`, `missing` and `extra` values, by
    column."""
    warnings: list[str] = []
    """Doubts about the result, such as columns of another type than in training or many unseen values."""


class LearningCurve(Contract):
    """A metric by the number of training rows."""

    name: str
    training: list[float | None]
    """The values on the training rows."""
    hold_out: list[float | None]
    """The values on the hold-out, which has the same rows each time."""


class LearningResult(Contract):
    """The result of MeasureLearningCurve."""

    model: str
    version: int
    dataset: str
    estimator: str
    name: Literal["learning_curve"]
    x: list[int]
    """The number of training rows at each point."""
    fit_s: list[float]
    """The time of each fit in seconds."""
    curves: list[LearningCurve]
    plots: list[PlotName] = []
    """The names of the plots."""


class ReferenceRows(Contract):
    """The training data."""

    dataset: str
    dataset_row_count: int
    row_count: int
    """The number of rows compared."""


class CurrentRows(Contract):
    """The compared rows: of a dataset, or predicted since some time."""

    dataset: str | None = None
    dataset_row_count: int | None = None
    since: str | None = None
    row_count: int
    request_count: int | None = None
    """The number of predictions of inline rows."""
    dataset_count: int | None = None
    """The number of predicted datasets."""
    lost_count: int | None = None
    """The number of predictions whose rows no longer exist."""
    is_capped: bool
    """Whether further rows were not compared."""
    oldest: str | None = None
    """The time of the oldest compared prediction."""


class DriftStatistic(Contract):
    """A distance between two samples."""

    name: Literal["psi", "kolmogorov_smirnov", "jensen_shannon", "missing_rate", "unseen_rate"]
    value: float | None
    """The value of the statistic. Null if it could not be computed, which counts as drift if the statistic has a
    threshold."""
    by_chance: float | None
    """The value that is exceeded once in a thousand times without drift; null if unknown."""
    threshold: float | None
    is_exceeded: bool
    """Whether the statistic reached its threshold and is not explained by chance, or has a threshold and is unknown."""
    reason: str | None = None
    """The reason why the statistic is unknown or cannot indicate drift; otherwise null."""


class Sides(Contract):
    """A figure of the training data and of the compared rows."""

    reference: float
    current: float


class UnseenValues(Contract):
    """Values that do not occur in the training data."""

    count: int
    """The number of rows with an unseen value."""
    rate: float | None
    """The fraction of the rows with a value; null if no row has a value."""
    values: list[dict[str, Any]]
    """The most frequent unseen values with `value` and `count`, at most 20."""


class Distribution(Contract):
    """The fractions of rows by bin."""

    name: str
    x: list[Any]
    """The bin: a value, the upper end of a range (null for the last), or `(other)`, `(unseen)`, `(missing)`."""
    reference: list[float]
    current: list[float]


class DriftFinding(Contract):
    """The drift of a column or of the predictions."""

    name: str
    type: str
    """The type of the column; for predictions, the task."""
    has_drifted: bool
    """Whether a statistic is exceeded, or is unknown although it has a threshold."""
    statistics: list[DriftStatistic]
    missing_rate: Sides
    invalid_count: Sides
    """The number of cells of another type; they count as missing."""
    unseen: UnseenValues | None
    distribution: Distribution


class DriftResult(Contract):
    """The result of ReportDrift."""

    model: str
    version: int
    reference: ReferenceRows
    current: CurrentRows
    thresholds: DriftThresholds
    has_drifted: bool
    drifted_columns: list[str]
    columns: list[DriftFinding] = Field(
        description="The columns in the order of the signature; empty if no rows were predicted."
    )
    predictions: DriftFinding | None
    """The drift of the predictions. Null if no rows could be predicted, which counts as drift."""
    warnings: list[str] = []
    """The statistics that could not be computed or distinguished from chance, with the reasons."""
    plots: list[PlotName] = []
    """The names of the plots."""
