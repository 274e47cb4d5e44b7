"""The commands that measure: a model on a dataset, or predictions that a dataset holds beside the truth."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from modelbus.shared.contracts.base import (
    ColumnName,
    CommandBase,
    Contract,
    Label,
    ModelReference,
    Name,
    Scalar,
    free_name,
)
from modelbus.shared.contracts.metric_names import ThresholdMetric

EvaluationId = Annotated[Name, free_name("compare")]


class Intervals(Contract):
    """Intervals for each metric, by bootstrap percentiles: the rows are drawn again and again, and measured."""

    rounds: int = Field(200, ge=20, le=2000)
    """How many times the rows are drawn, with replacement, as many as there are."""
    confidence: float = Field(0.95, ge=0.5, lt=1)
    """The share of the rounds whose metric lies within."""
    seed: int = Field(0, ge=0, le=2**32 - 1)
    """Seeds the draws: the same seed gives the same intervals."""


class Costs(Contract):
    """What wrong predictions cost, of two classes."""

    false_positive: float = Field(ge=0, allow_inf_nan=False)
    """A row of the negative class that is predicted positive."""
    false_negative: float = Field(ge=0, allow_inf_nan=False)
    """A row of the positive class that is predicted negative."""


class BestThreshold(Contract):
    """What the best threshold is to be chosen by: a metric, or costs."""

    metric: ThresholdMetric | None = None
    """The threshold where this metric is highest."""
    costs: Costs | None = None
    """The threshold where errors cost least."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.metric is None) == (self.costs is None):
            raise ValueError("give metric or costs, one of them")
        return self


class Evaluation(CommandBase):
    """What can be said of an evaluation, whatever is measured."""

    queue: ClassVar[str] = "evaluate"

    evaluation: EvaluationId | None = None
    """The id of the evaluation; default: the correlation id."""
    dataset: Name
    """The dataset to measure on."""
    weight: ColumnName | None = None
    """The column that says how much each row counts; numbers from 0 on. Rows that count 0 are left out."""
    slices: list[ColumnName] = Field([], max_length=5)
    """Columns to measure by: by value, or, for numbers and dates with many values, by ten quantile bins."""
    intervals: Intervals | None = None
    """Also tell how sure each metric is; for classification and regression."""
    best_threshold: BestThreshold | None = None
    """What the best threshold is to be chosen by; for two classes that can be ranked."""
    positive_class: Scalar | None = None
    """The class that is to be found, of two; default: the second."""
    has_plots: bool = True
    """Whether to draw plots."""

    @model_validator(mode="after")
    def _slices_are_different(self) -> Self:
        if len(set(self.slices)) < len(self.slices):
            raise ValueError("slices name a column twice")
        return self


class EvaluateModel(Evaluation):
    """Measure a model version on a dataset that has the truth."""

    command: Literal["EvaluateModel"] = "EvaluateModel"
    model: ModelReference
    """The version to measure."""
    truth: ColumnName | None = None
    """The column that holds the truth; default: the target that the version learnt. For clustering and outlier
    detection, which learn without one, true groups or known outliers; default: none."""


class EvaluatePredictions(Evaluation):
    """Measure predictions, whoever made them, that a dataset holds beside the truth."""

    command: Literal["EvaluatePredictions"] = "EvaluatePredictions"
    task: Literal["classification", "regression", "clustering"]
    """What was predicted: labels, numbers or groups."""
    truth: ColumnName
    """The column that holds the truth."""
    prediction: ColumnName
    """The column that holds the predicted label, number or group."""
    probabilities: dict[Annotated[Label, Field(max_length=500)], ColumnName] | None = Field(
        None, min_length=1, max_length=1000
    )
    """By class, as JSON writes it, the column that holds its probability. Of two classes one is enough, which is then
    the positive one."""

    @model_validator(mode="after")
    def _fits_the_task(self) -> Self:
        if self.truth == self.prediction:
            raise ValueError(f"truth and prediction are the same column, {self.truth!r}")
        if self.probabilities is not None and self.task != "classification":
            raise ValueError(f"probabilities are of classes; {self.task} has none")
        return self
