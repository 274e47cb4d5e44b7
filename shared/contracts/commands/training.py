"""The commands that make model versions, and what can be said of a training."""

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

Promotion = Literal["always", "if_better", "if_comparable", "never"]
Streaming = Literal["auto", "always", "never"]
Hyperparameters = JsonDocument
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
TagName = Annotated[str, StringConstraints(strict=True, pattern=TAG_PATTERN)]
TagValue = Annotated[str, Field(max_length=500)]
Tags = Annotated[dict[TagName, TagValue], Field(max_length=50)]


class HoldOut(Contract):
    """Which rows are kept out of training, to measure the model on."""

    fraction: float = Field(0.2, gt=0, lt=1)
    """The share of the rows."""
    is_stratified: bool | None = None
    """Keep the classes' shares. Default: for a classifier, as far as can be; a class that cannot be parted stays in
    training, and the version says so. `true` refuses a table with such a class."""
    time_column: ColumnName | None = None
    """Hold out the latest rows by this column, a date or a number, instead of random ones."""
    group_column: ColumnName | None = None
    """Hold out whole groups: rows of one value of this column, such as those of one customer, are never in both parts.
    It is no feature, unless it is named as one."""
    dataset: Name | None = None
    """Measure on the rows of this dataset, and train on all rows of the other; `fraction` then says nothing."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name in ("time_column", "group_column", "dataset") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"rows are held out in one way: give {' or '.join(ways)}, not both")
        if self.is_stratified and ways:
            raise ValueError("only rows that are held out at random can be stratified")
        return self


class CrossValidation(Contract):
    """Measure by cross-validation too: on the training rows, beside the hold-out."""

    folds: int = Field(5, ge=2, le=20)
    """How many folds; each is measured by a model of the others. With a time column, each by a model of the earlier
    ones; with a group column, each has whole groups."""


class JobLimits(Contract):
    """Limits of one job, within those of the service."""

    time_s: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Seconds that an attempt may run; default, and most: the service's."""
    memory_bytes: int | None = Field(None, ge=64 * 1024 * 1024, le=2**50)
    """Bytes that the job's process may add to what it starts with; default, and most: the service's."""


class VersionChanges(Contract):
    """What of a version can be changed: what is to be remembered of it."""

    tags: dict[TagName, TagValue | None] = Field({}, max_length=50)
    """Tags to set; null removes one. Those that are not named stay."""
    note: str | None = Field(None, max_length=10_000)
    """Another note; null or absent leaves the one that is there."""


class AliasChange(Contract):
    """Where an alias is to point."""

    version: VersionNumber
    """The number of a version."""


class Training(CommandBase):
    """What is said of a training, whether it is to be carried out or only to be checked."""

    model: Annotated[Name, free_name("validate")]
    """The model's name; a model of that name gets a further version."""
    dataset: Name
    """The dataset to train on."""
    target: ColumnName | None = None
    """The column to predict; for classification and regression, and for no other task."""
    features: list[ColumnName] | None = Field(None, min_length=1)
    """The columns to predict from, or to find outliers and clusters by; default: all but the target, the sample
    weight, what rows are grouped by, and those that are exclude."""
    exclude: list[ColumnName] | None = None
    """Columns not to predict from, where all others are wanted."""
    free_text: list[ColumnName] | None = None
    """Columns of text to read as free text, by their words, beside those that the dataset's profile found
    (`is_free_text`)."""
    categorical: list[ColumnName] | None = None
    """Columns of text to read as categories, though the profile found them to be free text."""
    estimator: Annotated[str, Field(max_length=100)]
    """A name from `GET /estimators`, or `auto`: the service chooses."""
    hyperparameters: Hyperparameters = {}
    """Constructor arguments of the estimator; what is absent keeps the estimator's default."""
    search: Search | None = None
    """Search for the best hyperparameters; those that are given hold for all candidates."""
    auto: Auto | None = None
    """How the estimator is chosen, where it is `auto`."""
    calibration: Calibration | None = None
    """Calibrate the probabilities of a classifier, or give some to one that has none."""
    threshold: Threshold | None = None
    """Answer the second of two classes from another probability on than one half."""
    task: Task | None = None
    """What to learn; default: what the estimator does."""
    class_weight: Literal["balanced"] | Annotated[dict[Label, Weight], Field(max_length=1000)] | None = None
    """How much the rows of each class count, by label, or `balanced`: inversely to how many there are. For estimators
    that take class weights or sample weights."""
    sample_weight: ColumnName | None = None
    """The column that says how much each row counts in training; numbers from 0 on. It is no feature."""
    hold_out: HoldOut = HoldOut()
    """The rows to measure on."""
    cross_validation: CrossValidation | None = None
    """Measure by cross-validation too."""
    streaming: Streaming = "auto"
    """Whether the rows go through the estimator a row group at a time, in memory that does not grow with the table:
    `auto` where the estimator can, and the whole table is likely to take more than half of the memory limit."""
    epochs: int = Field(5, ge=1, le=1000)
    """Passes over the training rows where they are streamed; naive Bayes needs one and takes one."""
    seed: int = Field(0, ge=0, le=2**32 - 1)
    """Seeds the split and the estimator: the same seed gives the same model."""
    promote: Promotion = "if_comparable"
    """Whether `champion` moves to the new version: `if_comparable`, unless the champion answers something else (another
    target, task or classes); `if_better`, only if the new version is better on rows that neither was trained on, which
    outlier detection never is, as it has no metric that says so; `always`; `never`."""
    promote_metric: MetricName | None = None
    """What `if_better` compares by; default: `balanced_accuracy`, `r2`, or `silhouette`. Of errors and losses less is
    better."""
    promote_margin: float = Field(0.0, ge=0, allow_inf_nan=False)
    """By how much the new version must be better, in units of the metric. As good as the champion is not better."""
    allow_target_change: bool = False
    """Whether a further version of a model may predict another target, or do another task, than the model does."""
    limits: JobLimits = JobLimits()
    """What the job may take."""
    tags: Tags = {}
    """What to remember of the version, by name."""
    note: str = Field("", max_length=10_000)
    """What to remember of the version, in words."""

    @model_validator(mode="after")
    def _columns_have_one_role(self) -> Self:
        features = self.features or []
        if self.target in features:
            raise ValueError(f"the target {self.target!r} is among the features")
        if len(set(features)) < len(features):
            twice = sorted(name for name, count in Counter(features).items() if count > 1)
            raise ValueError(f"features are named twice: {', '.join(twice)}")
        if self.features is not None and self.exclude is not None:
            raise ValueError("give features or exclude, not both")
        if self.sample_weight is not None and self.sample_weight in (self.target, *features):
            raise ValueError(f"the sample weight {self.sample_weight!r} is the target or a feature too")
        if self.target is not None and self.hold_out.group_column == self.target:
            raise ValueError(f"the target {self.target!r} cannot be what rows are grouped by")
        both = sorted(set(self.free_text or []) & set(self.categorical or []))
        if both:
            raise ValueError(f"free_text and categorical both name {', '.join(map(repr, both))}")
        if self.class_weight is not None and "class_weight" in self.hyperparameters:
            raise ValueError("class_weight is given twice, also as a hyperparameter")
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
                raise ValueError(f"where estimator is auto, {' and '.join(given)} are chosen by it: leave them out")
        elif self.auto is not None:
            raise ValueError('auto says how an estimator is chosen, so it goes with `"estimator": "auto"`')
        budget_s = self.tuning.time_budget_s if self.tuning is not None else None
        if budget_s is not None and self.limits.time_s is not None and budget_s >= self.limits.time_s:
            raise ValueError(
                f"the time budget, {budget_s:g} s, must be less than limits.time_s: the fit needs some too"
            )
        return self

    @property
    def tuning(self) -> Search | Auto | None:
        """What is tuned, and how; None where the command says all that is to be fitted."""
        return (self.auto or Auto()) if self.estimator == AUTO else self.search


class TrainModel(Training):
    """Fit an estimator on a dataset and store the result as the next version of a model."""

    queue: ClassVar[str] = "train"

    command: Literal["TrainModel"] = "TrainModel"


class CheckTraining(Training):
    """Say whether a training could be carried out, and what it would take, without fitting anything."""

    queue: ClassVar[str] = "check"
    retention_s: ClassVar[float | None] = HOUR_S

    command: Literal["CheckTraining"] = "CheckTraining"


class RetrainModel(CommandBase):
    """Train a model again as an earlier version was, with what is given here changed."""

    queue: ClassVar[str] = "train"

    command: Literal["RetrainModel"] = "RetrainModel"
    model: ModelReference
    """The version to start from."""
    dataset: Name | None = None
    """Another dataset."""
    hyperparameters: Hyperparameters = {}
    """Changed hyperparameters; null takes the estimator's default again."""
    tuning: Literal["repeat", "reuse"] = "repeat"
    """What becomes of the earlier one's search or choice of an estimator: done again, or its finding taken as it is."""
    search: Search | None = None
    """Another search, or one where there was none."""
    calibration: Calibration | None = None
    """Another calibration; absent keeps the earlier one's."""
    threshold: Threshold | None = None
    """Another aim of the threshold; absent keeps the earlier one's."""
    seed: int | None = Field(None, ge=0, le=2**32 - 1)
    """Another seed."""
    promote: Promotion = "if_better"
    """Whether `champion` moves; `if_better` compares both on rows of the new version's hold-out that neither was
    trained on."""
    promote_metric: MetricName | None = None
    """What `if_better` compares by; default: what the earlier training named, or that of the task."""
    promote_margin: float | None = Field(None, ge=0, allow_inf_nan=False)
    """By how much the new version must be better; default: what the earlier training said, or 0."""
    allow_target_change: bool = False
    """Whether `auto` may do another task than the earlier version, because the other dataset's target asks for it."""
    limits: JobLimits | None = None
    """What the job may take; default: what the earlier one might."""
    tags: Tags = {}
    """What to remember of the new version, by name."""
    note: str = Field("", max_length=10_000)
    """What to remember of the new version, in words."""

    @model_validator(mode="after")
    def _compares_by_something(self) -> Self:
        require_comparing(self.promote, self.promote_metric, self.promote_margin)
        return self

    @model_validator(mode="after")
    def _searches_or_not(self) -> Self:
        if self.tuning == "reuse" and self.search is not None:
            raise ValueError("tuning reuse takes what the earlier search found: give no other search")
        return self


def require_comparing(promote: Promotion, metric: str | None, margin: float | None) -> None:
    """Check that a metric and a margin are given only where versions are compared.

    Raises:
        ValueError: They are given, and nothing is compared.
    """
    given = [name for name, value in (("promote_metric", metric), ("promote_margin", margin)) if value]
    if given and promote != "if_better":
        raise ValueError(f"{' and '.join(given)} only count with promote if_better, and promote is {promote}")
