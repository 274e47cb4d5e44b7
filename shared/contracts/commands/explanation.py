"""The commands that explain the predictions of a model, and the rows that they use."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from modelbus.shared.contracts.base import TASKS, ColumnName, CommandBase, ModelReference, Name, Task
from modelbus.shared.contracts.commands.prediction import GivenRows, Rows
from modelbus.shared.contracts.commands.training import JobLimits
from modelbus.shared.contracts.metric_names import PRIMARY_METRICS, ImportanceMetric, metrics_for

ExplanationKind = Literal["importance", "partial_dependence"]


def _importance_metrics(task: Task) -> tuple[ImportanceMetric, ...]:
    names = metrics_for("importance", task)
    return tuple(sorted(names, key=lambda name: name != PRIMARY_METRICS.get(task)))


IMPORTANCE_METRICS: Final[Mapping[Task, tuple[ImportanceMetric, ...]]] = {
    task: _importance_metrics(task) for task in TASKS
}
"""The metrics for feature importance by task, the default first. ``agreement`` is the fraction of rows whose prediction
does not change; it needs no true values."""

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Share = Annotated[float, Field(gt=0, le=1)]


class ExplainModel(CommandBase):
    """Explain which columns matter to a model version and how its predictions depend on them."""

    queue: ClassVar[str] = "evaluate"

    command: Literal["ExplainModel"] = "ExplainModel"
    model: ModelReference
    """The version to explain."""
    dataset: Name | None = None
    """The dataset to use. Default: the hold-out dataset of the version, if it has one, otherwise its training
    dataset."""
    kinds: list[ExplanationKind] = Field(["importance", "partial_dependence"], min_length=1)
    """What to compute: `importance`, the loss in performance when a column is shuffled; `partial_dependence`, the mean
    prediction by the value of a column."""
    columns: list[ColumnName] | None = Field(None, min_length=1, max_length=100)
    """The columns for partial dependence. Default: the most important columns."""
    column_limit: int = Field(5, ge=1, le=100)
    """The number of most important columns if `columns` is absent."""
    point_limit: int = Field(20, ge=2, le=100)
    """The maximum number of values per column."""
    metric: ImportanceMetric | None = None
    """The metric for importance. Default: `balanced_accuracy` for classification, `r2` for regression, and `agreement`,
    the fraction of rows whose prediction does not change, for tasks without a target."""
    row_limit: int = Field(2000, ge=10, le=20_000)
    """The maximum number of rows; larger datasets are sampled at random."""
    repeats: int = Field(5, ge=1, le=100)
    """How many times each column is shuffled."""
    seed: Seed = 0
    """The seed for sampling and shuffling; the same seed gives the same explanation."""
    has_plots: bool = True
    """Whether to create plots."""
    limits: JobLimits = JobLimits()
    """The limits of the job."""

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError("kinds must not repeat a kind")
        if self.columns is not None and len(set(self.columns)) < len(self.columns):
            raise ValueError("columns must not repeat a column")
        return self


class ExplainPrediction(GivenRows):
    """Explain what each column contributes to the prediction for a row: Shapley values."""

    queue: ClassVar[str] = "evaluate"

    command: Literal["ExplainPrediction"] = "ExplainPrediction"
    model: ModelReference
    """The version to use."""
    rows: Rows = Field(min_length=1, max_length=10)
    """The rows to explain, at most ten, in any of the forms of `Predict`."""
    outputs: Literal["predicted", "all"] = "predicted"
    """For classes and clusters: explain the `predicted` one, or `all` of them."""
    dataset: Name | None = None
    """The dataset of the background rows. Default: the training dataset of the version."""
    background_row_count: int = Field(100, ge=10, le=1000)
    """The number of background rows, sampled at random."""
    method: Literal["auto", "exact", "sampled"] = "auto"
    """`exact` evaluates every subset of columns, for at most twelve columns; `sampled` evaluates random orders of
    columns; `auto` is `exact` for up to eight columns, otherwise `sampled`."""
    permutations: int = Field(2, ge=2, le=100)
    """For `sampled`: the number of random orders per background row; each is also evaluated in reverse."""
    seed: Seed = 0
    """The seed for sampling rows and orders; the same seed gives the same explanation."""
    limits: JobLimits = JobLimits()
    """The limits of the job."""


class MeasureLearningCurve(CommandBase):
    """Measure how a model version would perform with fewer training rows: a learning curve. Repeats the training."""

    queue: ClassVar[str] = "train"

    command: Literal["MeasureLearningCurve"] = "MeasureLearningCurve"
    model: ModelReference
    """The version whose training to repeat."""
    fractions: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        [0.1, 0.325, 0.55, 0.775, 1.0], min_length=1, max_length=20
    )
    """The fractions of the training rows to fit on, in ascending order."""
    has_plots: bool = True
    """Whether to create plots."""
    limits: JobLimits = JobLimits()
    """The limits of the job."""

    @model_validator(mode="after")
    def _fractions_rise(self) -> Self:
        if sorted(set(self.fractions)) != self.fractions:
            raise ValueError("fractions must be in ascending order without duplicates")
        return self
