"""The commands for evaluations: of a model on a dataset, or of predictions that are columns of a dataset."""

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
    """Confidence intervals of the metrics by the percentile bootstrap, which resamples the rows."""

    rounds: int = Field(200, ge=20, le=2000)
    """The number of bootstrap samples, each as large as the evaluated rows, drawn with replacement."""
    confidence: float = Field(0.95, ge=0.5, lt=1)
    """The confidence level."""
    seed: int = Field(0, ge=0, le=2**32 - 1)
    """The seed of the samples; the same seed gives the same intervals."""


class Costs(Contract):
    """The costs of errors in binary classification."""

    false_positive: float = Field(ge=0, allow_inf_nan=False)
    """The cost of a false positive."""
    false_negative: float = Field(ge=0, allow_inf_nan=False)
    """The cost of a false negative."""


class BestThreshold(Contract):
    """The criterion for the best threshold: a metric or costs."""

    metric: ThresholdMetric | None = None
    """Choose the threshold with the highest value of this metric."""
    costs: Costs | None = None
    """Choose the threshold with the lowest total cost."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.metric is None) == (self.costs is None):
            raise ValueError("give either metric or costs")
        return self


class Evaluation(CommandBase):
    """The fields of both kinds of evaluation."""

    queue: ClassVar[str] = "evaluate"

    evaluation: EvaluationId | None = None
    """The id of the evaluation. Default: the correlation id."""
    dataset: Name
    """The dataset to evaluate on."""
    weight: ColumnName | None = None
    """The column with the weight of each row, 0 or more. Rows with weight 0 are left out."""
    slices: list[ColumnName] = Field([], max_length=5)
    """Columns that divide the rows into slices with metrics of their own: by value or, for numbers and dates with many
    values, by ten quantile bins."""
    intervals: Intervals | None = None
    """Also compute confidence intervals, for classification and regression."""
    best_threshold: BestThreshold | None = None
    """The criterion for the best threshold, for binary classification with probabilities or scores."""
    positive_class: Scalar | None = None
    """The positive class in binary classification. Default: the second."""
    has_plots: bool = True
    """Whether to create plots."""

    @model_validator(mode="after")
    def _slices_are_different(self) -> Self:
        if len(set(self.slices)) < len(self.slices):
            raise ValueError("slices must not repeat a column")
        return self


class EvaluateModel(Evaluation):
    """Evaluate a model version on a dataset with true values."""

    command: Literal["EvaluateModel"] = "EvaluateModel"
    model: ModelReference
    """The version to evaluate."""
    truth: ColumnName | None = None
    """The column with the true values. Default: the target of the version. For clustering and outlier detection, the
    column with the true groups or known outliers; default: none."""


class EvaluatePredictions(Evaluation):
    """Evaluate predictions of any origin that are a column of a dataset, next to the true values."""

    command: Literal["EvaluatePredictions"] = "EvaluatePredictions"
    task: Literal["classification", "regression", "clustering"]
    """The task of the predictions."""
    truth: ColumnName
    """The column with the true values."""
    prediction: ColumnName
    """The column with the predicted labels, numbers or groups."""
    probabilities: dict[Annotated[Label, Field(max_length=500)], ColumnName] | None = Field(
        None, min_length=1, max_length=1000
    )
    """The column with the probability of each class, by the class as text. For two classes one column is enough; its
    class is then the positive class."""

    @model_validator(mode="after")
    def _fits_the_task(self) -> Self:
        if self.truth == self.prediction:
            raise ValueError(f"truth and prediction must be different columns; both are {self.truth!r}")
        if self.probabilities is not None and self.task != "classification":
            raise ValueError(f"probabilities require task classification, not {self.task}")
        return self
