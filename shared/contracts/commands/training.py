"""The commands that create model versions, and the options of a training."""

from collections import Counter
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from modelbus.shared.contracts.base import (
    HOUR_S,
    TAG_PATTERN,
    ColumnName,
    CommandBase,
    Contract,
    JsonDocument,
    Label,
    ModelReference,
    Name,
    Task,
    VersionNumber,
    free_name,
)
from modelbus.shared.contracts.commands.tuning import AUTO, Auto, Calibration, MetricName, Search, Threshold
from modelbus.shared.plural import agreeing

Promotion = Literal["always", "if_better", "if_comparable", "never"]
Streaming = Literal["auto", "always", "never"]
Hyperparameters = JsonDocument
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
TagName = Annotated[str, StringConstraints(strict=True, pattern=TAG_PATTERN)]
TagValue = Annotated[str, Field(max_length=500)]
Tags = Annotated[dict[TagName, TagValue], Field(max_length=50)]


class HoldOut(Contract):
    """The rows that are held out of training to evaluate the model."""

    fraction: float = Field(0.2, gt=0, lt=1)
    """The fraction of the rows."""
    is_stratified: bool | None = None
    """Whether to preserve the class proportions. Default: for classifiers, where possible; a class with too few rows to
    split stays in training, and the version reports it. `true` rejects a dataset with such a class."""
    time_column: ColumnName | None = None
    """Hold out the latest rows by this column, a date or a number, instead of random rows."""
    group_column: ColumnName | None = None
    """Hold out whole groups: rows with the same value in this column, such as the rows of one customer, are never
    split. The column is not a feature unless `features` names it."""
    dataset: Name | None = None
    """Evaluate on this dataset and train on all rows of the training dataset; `fraction` is then ignored."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name in ("time_column", "group_column", "dataset") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"give only one of {' and '.join(ways)}")
        if self.is_stratified and ways:
            raise ValueError(f"is_stratified requires a random hold-out, without {' or '.join(ways)}")
        return self


class CrossValidation(Contract):
    """Cross-validation on the training rows, in addition to the hold-out."""

    folds: int = Field(5, ge=2, le=20)
    """The number of folds. Each fold is predicted by a fit on the others; with a time column, by a fit on the earlier
    folds. With a group column, folds consist of whole groups."""


class JobLimits(Contract):
    """The limits of one job, within the limits of the service."""

    time_s: float | None = Field(None, gt=0, allow_inf_nan=False)
    """The maximum run time of an attempt in seconds. Default and maximum: the service's limit."""
    memory_bytes: int | None = Field(None, ge=64 * 1024 * 1024, le=2**50)
    """The maximum memory in bytes that the job's process may allocate beyond its start. Default and maximum: the
    service's limit."""


class VersionChanges(Contract):
    """The fields of a version that can be changed."""

    tags: dict[TagName, TagValue | None] = Field({}, max_length=50)
    """The tags to set; null removes a tag. All other tags are kept."""
    note: str | None = Field(None, max_length=10_000)
    """The new note. Null or absent keeps the current note."""


class AliasChange(Contract):
    """The new version of an alias."""

    version: VersionNumber
    """The number of the version."""


class Training(CommandBase):
    """The options of a training, for `TrainModel` and `CheckTraining`."""

    model: Annotated[Name, free_name("validate")]
    """The name of the model; an existing model gets a new version."""
    dataset: Name
    """The dataset to train on."""
    target: ColumnName | None = None
    """The column to predict, for classification and regression only."""
    features: list[ColumnName] | None = Field(None, min_length=1)
    """The features. Default: all columns except the target, the sample weight, the group column and the columns in
    `exclude`."""
    exclude: list[ColumnName] | None = None
    """Columns that are not features, while all others are."""
    free_text: list[ColumnName] | None = None
    """Text columns to encode by their words as free text, in addition to the columns that the dataset's profile marks
    as `is_free_text`."""
    categorical: list[ColumnName] | None = None
    """Text columns to encode as categories, although the profile marks them as free text."""
    estimator: Annotated[str, Field(max_length=100)]
    """The name of an estimator, or `auto` to let the service choose one."""
    hyperparameters: Hyperparameters = {}
    """The hyperparameters of the estimator. Absent ones keep the estimator's defaults."""
    search: Search | None = None
    """A hyperparameter search. The given hyperparameters apply to all candidates."""
    auto: Auto | None = None
    """The options of the choice if the estimator is `auto`."""
    calibration: Calibration | None = None
    """Calibrates the probabilities of a classifier, or adds probabilities to one without them."""
    threshold: Threshold | None = None
    """Chooses the probability threshold of the second class in binary classification. Default: one half."""
    task: Task | None = None
    """The task. Default: the task of the estimator."""
    class_weight: Literal["balanced"] | Annotated[dict[Label, Weight], Field(max_length=1000)] | None = None
    """The weight of each class, by label, or `balanced` for weights inversely proportional to class frequencies. For
    estimators that support class weights or sample weights."""
    sample_weight: ColumnName | None = None
    """The column with the weight of each row in training, 0 or more. It is not a feature."""
    hold_out: HoldOut = HoldOut()
    """The rows to evaluate on."""
    cross_validation: CrossValidation | None = None
    """Evaluate by cross-validation too."""
    streaming: Streaming = "auto"
    """Whether to train one row group at a time, in memory that does not grow with the dataset. `auto` streams if the
    estimator supports it and the whole dataset would probably need more than half of the memory limit."""
    epochs: int = Field(5, ge=1, le=1000)
    """The number of passes over the training rows if they are streamed. Naive Bayes always uses one."""
    seed: int = Field(0, ge=0, le=2**32 - 1)
    """The seed for the split and the estimator; the same seed gives the same model."""
    promote: Promotion = "if_comparable"
    """When the alias `champion` moves to the new version: `if_comparable`, if both versions have the same target, task
    and classes; `if_better`, only if the new version is better on rows that neither version was trained on (never for
    outlier detection, which has no metric to compare by); `always`; `never`."""
    promote_metric: MetricName | None = None
    """The metric for `if_better`. Default: `balanced_accuracy`, `r2` or `silhouette`. Lower is better for errors and
    losses."""
    promote_margin: float = Field(0.0, ge=0, allow_inf_nan=False)
    """The margin by which the new version must be better, in units of the metric. A tie keeps the champion."""
    allow_target_change: bool = False
    """Whether a new version may have another target or task than the model."""
    limits: JobLimits = JobLimits()
    """The limits of the job."""
    tags: Tags = {}
    """Tags for the version, by name."""
    note: str = Field("", max_length=10_000)
    """A note about the version."""

    @model_validator(mode="after")
    def _columns_have_one_role(self) -> Self:
        features = self.features or []
        if self.target in features:
            raise ValueError(f"features must not include the target {self.target!r}")
        if len(set(features)) < len(features):
            twice = sorted(name for name, count in Counter(features).items() if count > 1)
            raise ValueError(f"features must not repeat a column: {', '.join(twice)}")
        if self.features is not None and self.exclude is not None:
            raise ValueError("give either features or exclude")
        if self.sample_weight is not None and self.sample_weight in (self.target, *features):
            raise ValueError(f"sample_weight must not be the target or a feature: {self.sample_weight!r}")
        if self.target is not None and self.hold_out.group_column == self.target:
            raise ValueError(f"hold_out.group_column must not be the target {self.target!r}")
        both = sorted(set(self.free_text or []) & set(self.categorical or []))
        if both:
            raise ValueError(f"free_text and categorical must not both name {', '.join(map(repr, both))}")
        if self.class_weight is not None and "class_weight" in self.hyperparameters:
            raise ValueError("class_weight is also given as a hyperparameter; give it once")
        return self

    @model_validator(mode="after")
    def _compares_by_something(self) -> Self:
        require_comparing(self.promote, self.promote_metric, self.promote_margin)
        return self

    @model_validator(mode="after")
    def _tunes_one_way(self) -> Self:
        if self.estimator == AUTO:
            given = [name for name in ("hyperparameters", "search") if getattr(self, name)]
            if given:
                raise ValueError(
                    f"estimator auto chooses {' and '.join(given)}; omit {'them' if len(given) > 1 else 'it'}"
                )
        elif self.auto is not None:
            raise ValueError('auto requires `"estimator": "auto"`')
        budget_s = self.tuning.time_budget_s if self.tuning is not None else None
        if budget_s is not None and self.limits.time_s is not None and budget_s >= self.limits.time_s:
            raise ValueError(
                f"time_budget_s ({budget_s:g}) must be less than limits.time_s, which includes the final fit"
            )
        return self

    @property
    def tuning(self) -> Search | Auto | None:
        """The search or choice to run; None if the command names everything."""
        return (self.auto or Auto()) if self.estimator == AUTO else self.search


class TrainModel(Training):
    """Train an estimator on a dataset and store the result as the next version of a model."""

    queue: ClassVar[str] = "train"

    command: Literal["TrainModel"] = "TrainModel"


class CheckTraining(Training):
    """Check whether a training is possible and estimate its cost, without fitting."""

    queue: ClassVar[str] = "check"
    retention_s: ClassVar[float | None] = HOUR_S

    command: Literal["CheckTraining"] = "CheckTraining"


class RetrainModel(CommandBase):
    """Train a model again like an earlier version, with the changes given here."""

    queue: ClassVar[str] = "train"

    command: Literal["RetrainModel"] = "RetrainModel"
    model: ModelReference
    """The version to repeat."""
    dataset: Name | None = None
    """The new dataset. Default: the dataset of the earlier version."""
    hyperparameters: Hyperparameters = {}
    """Hyperparameters to change; null restores the estimator's default."""
    tuning: Literal["repeat", "reuse"] = "repeat"
    """Whether to `repeat` the earlier search or choice of an estimator, or to `reuse` its result."""
    search: Search | None = None
    """A new search."""
    calibration: Calibration | None = None
    """A new calibration. Default: the calibration of the earlier version."""
    threshold: Threshold | None = None
    """A new threshold. Default: the threshold criterion of the earlier version."""
    seed: int | None = Field(None, ge=0, le=2**32 - 1)
    """A new seed. Default: the seed of the earlier version."""
    promote: Promotion = "if_better"
    """When the alias `champion` moves. `if_better` compares both versions on the rows of the new hold-out that neither
    was trained on."""
    promote_metric: MetricName | None = None
    """The metric for `if_better`. Default: the metric of the earlier training, or the default of the task."""
    promote_margin: float | None = Field(None, ge=0, allow_inf_nan=False)
    """The margin by which the new version must be better. Default: the margin of the earlier training, or 0."""
    allow_target_change: bool = False
    """Whether `auto` may choose another task than the earlier version because the new dataset's target requires it."""
    limits: JobLimits | None = None
    """The limits of the job. Default: the limits of the earlier training."""
    tags: Tags = {}
    """Tags for the new version, by name."""
    note: str = Field("", max_length=10_000)
    """A note about the new version."""

    @model_validator(mode="after")
    def _compares_by_something(self) -> Self:
        require_comparing(self.promote, self.promote_metric, self.promote_margin)
        return self

    @model_validator(mode="after")
    def _searches_or_not(self) -> Self:
        if self.tuning == "reuse" and self.search is not None:
            raise ValueError("tuning: reuse takes the result of the earlier search and cannot be combined with search")
        return self


def require_comparing(promote: Promotion, metric: str | None, margin: float | None) -> None:
    """Check that a metric and a margin are given only if versions are compared.

    Raises:
        ValueError: They are given, but nothing is compared.
    """
    given = [name for name, value in (("promote_metric", metric), ("promote_margin", margin)) if value]
    if given and promote != "if_better":
        raise ValueError(
            f"{' and '.join(given)} {agreeing(len(given), 'requires', 'require')} promote: if_better, not {promote}"
        )
