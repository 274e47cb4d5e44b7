"""Evaluations: a version, or predictions that a dataset holds, measured."""

from datetime import datetime
from typing import Any

from modelbus.shared.contracts.base import Contract, CorrelationId
from modelbus.shared.contracts.records.job_records import ErrorRecord, JobStatus


class EvaluationRecord(Contract):
    """One evaluation: a model version measured on a dataset, or predictions that a dataset holds."""

    id: str
    status: JobStatus
    owner: str
    correlation_id: CorrelationId
    """The job that computes it."""
    model: str | None = None
    """Absent where predictions were measured."""
    version: int | None = None
    artifact_sha256: str | None = None
    """Of the version that was measured."""
    dataset: str
    dataset_sha256: str | None = None
    task: str | None = None
    options: dict[str, Any] = {}
    """What was asked for, but for model and dataset: columns, weight, slices, intervals and so on."""
    row_count: int | None = None
    """Rows that were measured."""
    dropped_row_count: int | None = None
    """Rows that were left out because they have no truth, no prediction or no weight."""
    dropped: dict[str, int] = {}
    """Of them, how many lack the `truth`, the `prediction`, or have a `weight` of 0 or none."""
    weight_sum: float | None = None
    """What the measured rows count together, where they have weights."""
    metrics: dict[str, float | None] | None = None
    """Absent until the job succeeded; null where a metric is not defined for these rows."""
    undefined: dict[str, str] = {}
    """Why, for each metric that is null."""
    intervals: dict[str, dict[str, Any]] | None = None
    """By metric: `low`, `high`, and in how many `rounds` it was defined."""
    classes: list[Any] | None = None
    """The labels, in the order of the probabilities."""
    positive_class: Any = None
    """Of two classes, the one that thresholds, gains and metrics without an average are about."""
    per_class: list[dict[str, Any]] | None = None
    """For classification, by label: `support`, precision, recall, F scores, `error`, `roc_auc`, `average_precision`."""
    confusion: dict[str, Any] | None = None
    """For classification: `labels`, `counts` and `fractions`, one row for each true label; absent for other tasks."""
    hit_ratios: list[dict[str, Any]] | None = None
    """For more than two classes: the share of the rows whose class is among the `k` likeliest."""
    thresholds: list[dict[str, Any]] | None = None
    """Of two classes: what predicting positive from a threshold on gives, 200 thresholds at most."""
    maximum_metrics: dict[str, dict[str, float]] | None = None
    """Of two classes: by metric the highest value, and the threshold that gives it."""
    best_threshold: dict[str, Any] | None = None
    """The threshold that is best by what was asked for."""
    gains: list[dict[str, Any]] | None = None
    """Of two classes: gains and lift, by groups of a twentieth of the rows."""
    residuals: dict[str, float | None] | None = None
    """For regression: how true numbers less predicted ones are distributed."""
    slices: list[dict[str, Any]] | None = None
    """By column: its slices with their rows and metrics."""
    plots: list[str] = []
    """The names of the plots that were drawn."""
    report: dict[str, dict[str, int]] | None = None
    """What had to be done to the rows: coerced, unseen, missing and extra values, rows by column."""
    warnings: list[str] = []
    error: ErrorRecord | None = None
    created_at: datetime
