"""The keyword arguments that become fields of a command, with their types, for editors and type checkers.

One class for each command; the contracts in ``shared/contracts/commands`` are the source, which
``tests/unit/client/test_client_options.py`` compares with these. Nothing is imported for them at run time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from modelbus.shared.contracts import Task
    from modelbus.shared.contracts.commands.datasets import ColumnOptions, TextEncoding
    from modelbus.shared.contracts.commands.drift import DriftThresholds
    from modelbus.shared.contracts.commands.evaluation import BestThreshold, Intervals
    from modelbus.shared.contracts.commands.explanation import ExplanationKind
    from modelbus.shared.contracts.commands.training import CrossValidation, HoldOut, JobLimits, Promotion, Streaming
    from modelbus.shared.contracts.commands.tuning import Auto, Calibration, Search, Threshold
    from modelbus.shared.contracts.metric_names import ImportanceMetric
    from modelbus.shared.contracts.number_forms import DecimalMark, Grouping, Percent, ThousandsMark

Fields = Mapping[str, Any]
"""The fields of a nested object, such as ``{"folds": 5}``; the gateway checks them."""
ByLabel = Mapping[str, float] | Mapping[int, float] | Mapping[bool, float]
"""A number for each class, by its label."""


class JobOptions(TypedDict, total=False):
    """Options of every job."""

    correlation_id: str | None
    """The job's id, a UUID: a request sent again with the same id is the same job. A new one by default."""


class TrainingOptions(JobOptions, total=False):
    """Options of a training, in addition to model, dataset, target, estimator and hyperparameters."""

    features: Sequence[str] | None
    exclude: Sequence[str] | None
    free_text: Sequence[str] | None
    categorical: Sequence[str] | None
    search: Search | Fields | None
    auto: Auto | Fields | None
    calibration: Calibration | Fields | None
    threshold: Threshold | Fields | None
    task: Task | None
    class_weight: Literal["balanced"] | ByLabel | None
    sample_weight: str | None
    hold_out: HoldOut | Fields
    cross_validation: CrossValidation | Fields | None
    streaming: Streaming
    epochs: int
    seed: int
    promote: Promotion
    promote_metric: str | None
    promote_margin: float
    allow_target_change: bool
    limits: JobLimits | Fields
    tags: Mapping[str, str]
    note: str


class RetrainingOptions(JobOptions, total=False):
    """Options of a retraining: what changes compared with the version."""

    dataset: str | None
    hyperparameters: Fields
    tuning: Literal["repeat", "reuse"]
    search: Search | Fields | None
    calibration: Calibration | Fields | None
    threshold: Threshold | Fields | None
    seed: int | None
    promote: Promotion
    promote_metric: str | None
    promote_margin: float | None
    allow_target_change: bool
    limits: JobLimits | Fields | None
    tags: Mapping[str, str]
    note: str


class _EvaluationOptions(JobOptions, total=False):
    evaluation: str | None
    weight: str | None
    slices: Sequence[str]
    intervals: Intervals | Fields | None
    best_threshold: BestThreshold | Fields | None
    positive_class: str | float | bool | None
    has_plots: bool


class EvaluationOptions(_EvaluationOptions, total=False):
    """Options of an evaluation of a model, in addition to model and dataset."""

    truth: str | None


class PredictionsEvaluationOptions(_EvaluationOptions, total=False):
    """Options of an evaluation of predictions, in addition to dataset, truth, prediction and task."""

    probabilities: Mapping[str, str] | None


class ExplanationOptions(JobOptions, total=False):
    """Options of an explanation of a model."""

    dataset: str | None
    kinds: Sequence[ExplanationKind]
    columns: Sequence[str] | None
    column_limit: int
    point_limit: int
    metric: ImportanceMetric | None
    row_limit: int
    repeats: int
    seed: int
    has_plots: bool
    limits: JobLimits | Fields


class PredictionExplanationOptions(JobOptions, total=False):
    """Options of an explanation of predictions, in addition to model, rows and dataset."""

    outputs: Literal["predicted", "all"]
    background_row_count: int
    method: Literal["auto", "exact", "sampled"]
    permutations: int
    seed: int
    limits: JobLimits | Fields


class LearningOptions(JobOptions, total=False):
    """Options of a learning curve."""

    fractions: Sequence[float]
    has_plots: bool
    limits: JobLimits | Fields


class DriftOptions(JobOptions, total=False):
    """Options of a drift report, in addition to model, dataset and since."""

    thresholds: DriftThresholds | Fields
    row_limit: int
    seed: int
    has_plots: bool
    limits: JobLimits | Fields


class ReadingOptions(TypedDict, total=False):
    """How a file is read, where that should not be detected (docs/datasets.md)."""

    delimiter: str | None
    encoding: TextEncoding | None
    decimal_mark: DecimalMark | None
    missing_marks: Sequence[str] | None
    has_header: bool
    columns: Mapping[str, ColumnOptions | Fields]
    on_bad_rows: Literal["refuse", "skip"]
    thousands_mark: ThousandsMark | None
    grouping: Grouping
    percent: Percent | None
    units: Sequence[str]
    has_accounting_signs: bool
    skip_lines: int | None
    comment: str | None
    skip_below_header: int | None
    repeated_header: Literal["keep", "skip"] | None
    skip_initial_space: bool | None
    strip_text: bool
    has_quotes: bool
    sheet: str | None
