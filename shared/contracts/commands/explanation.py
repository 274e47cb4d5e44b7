"""The commands that ask why a model answers as it does, and the rows that they look at."""

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
"""By which metrics the importance of columns can be measured, the default first. ``agreement``: the share of rows that
are answered as they were before; it needs no truth."""

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Share = Annotated[float, Field(gt=0, le=1)]


class ExplainModel(CommandBase):
    """Say which columns a model version answers by, and how its answers depend on them."""

    queue: ClassVar[str] = "evaluate"

    command: Literal["ExplainModel"] = "ExplainModel"
    model: ModelReference
    """The version to explain."""
    dataset: Name | None = None
    """Whose rows to look at; default: the dataset that the version was measured on, if it has one of its own, else the
    one that it was trained on."""
    kinds: list[ExplanationKind] = Field(["importance", "partial_dependence"], min_length=1)
    """What to say: how much worse the model gets when a column is shuffled, and its mean answer by a column's value."""
    columns: list[ColumnName] | None = Field(None, min_length=1, max_length=100)
    """The columns whose partial dependence to tell; default: the most important ones."""
    column_limit: int = Field(5, ge=1, le=100)
    """How many of the most important columns, where none are named."""
    point_limit: int = Field(20, ge=2, le=100)
    """How many values of a column at most."""
    metric: ImportanceMetric | None = None
    """By what importance is measured; default: `balanced_accuracy` for classes, `r2` for numbers, and for what has no
    target `agreement`, the share of rows that are answered as they were."""
    row_limit: int = Field(2000, ge=10, le=20_000)
    """Rows at most; of a larger dataset so many are taken at random."""
    repeats: int = Field(5, ge=1, le=100)
    """How often each column is shuffled."""
    seed: Seed = 0
    """Seeds the choice of rows and the shuffling: the same seed gives the same explanation."""
    has_plots: bool = True
    """Whether to draw plots."""
    limits: JobLimits = JobLimits()
    """What the job may take."""

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError("kinds names one twice")
        if self.columns is not None and len(set(self.columns)) < len(self.columns):
            raise ValueError("columns names a column twice")
        return self


class ExplainPrediction(GivenRows):
    """Say what each column of a row contributes to the model's answer for it: Shapley values."""

    queue: ClassVar[str] = "evaluate"

    command: Literal["ExplainPrediction"] = "ExplainPrediction"
    model: ModelReference
    """The version to ask."""
    rows: Rows = Field(min_length=1, max_length=10)
    """The rows: a mapping from column to value each, ten at most; as `Predict` takes them."""
    outputs: Literal["predicted", "all"] = "predicted"
    """What to explain of a model that answers classes or clusters: the one that it predicts, or all of them."""
    dataset: Name | None = None
    """Where the rows to compare with come from; default: the dataset that the version was trained on."""
    background_row_count: int = Field(100, ge=10, le=1000)
    """With how many rows, taken at random, a row is compared."""
    method: Literal["auto", "exact", "sampled"] = "auto"
    """`exact` tries every set of columns, twelve columns at most; `sampled` takes columns in random orders; `auto` is
    `exact` up to eight columns."""
    permutations: int = Field(2, ge=2, le=100)
    """Of `sampled`: random orders for each row that is compared with, each there and back."""
    seed: Seed = 0
    """Seeds the choice of rows and the orders: the same seed gives the same explanation."""
    limits: JobLimits = JobLimits()
    """What the job may take."""


class MeasureLearningCurve(CommandBase):
    """Say how good a model version would have become with fewer rows: a learning curve. Trains it again and again."""

    queue: ClassVar[str] = "train"

    command: Literal["MeasureLearningCurve"] = "MeasureLearningCurve"
    model: ModelReference
    """The version whose training is repeated."""
    fractions: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        [0.1, 0.325, 0.55, 0.775, 1.0], min_length=1, max_length=20
    )
    """The fractions of the training rows to fit on."""
    has_plots: bool = True
    """Whether to draw plots."""
    limits: JobLimits = JobLimits()
    """What the job may take."""

    @model_validator(mode="after")
    def _fractions_rise(self) -> Self:
        if sorted(set(self.fractions)) != self.fractions:
            raise ValueError("fractions must rise, each once")
        return self
