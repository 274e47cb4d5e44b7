"""Evaluations of a version, or of predictions in a dataset."""

from datetime import datetime
from typing import Any

from modelbus.shared.contracts.base import Contract, CorrelationId
from modelbus.shared.contracts.records.job_records import ErrorRecord, JobStatus


class EvaluationRecord(Contract):
    """An evaluation of a model version on a dataset, or of predictions in a dataset."""

    id: str
    status: JobStatus
    owner: str
    correlation_id: CorrelationId
    """The job of the evaluation."""
    model: str | None = None
    """The evaluated model; absent if predictions were evaluated."""
    version: int | None = None
    artifact_sha256: str | None = None
    """The digest of the evaluated version's artifact."""
    dataset: str
    dataset_sha256: str | None = None
    task: str | None = None
    options: dict[str, Any] = {}
    """The options of the command, except model and dataset: columns, weight, slices, intervals and so on."""
    row_count: int | None = None
    """The number of evaluated rows."""
    dropped_row_count: int | None = None
    """The number of rows left out because they have no true value, no prediction or no weight."""
    dropped: dict[str, int] = {}
    """The number of rows left out by reason: no `truth`, no `prediction`, or a `weight` of 0 or none."""
    weight_sum: float | None = None
    """The total weight of the evaluated rows, if weighted."""
    metrics: dict[str, float | None] | None = None
    """The metrics; absent until the job has succeeded. Null for a metric that is undefined for these rows."""
    undefined: dict[str, str] = {}
    """The reason for each metric that is null."""
    intervals: dict[str, dict[str, Any]] | None = None
    """The confidence interval of each metric: `low`, `high`, and the number of `rounds` in which the metric was
    defined."""
    classes: list[Any] | None = None
    """The classes, in the order of the probabilities."""
    positive_class: Any = None
    """The positive class in binary classification, for thresholds, gains and metrics without an average."""
    per_class: list[dict[str, Any]] | None = None
    """The metrics of each class: `support`, precision, recall, F scores, `error`, `roc_auc`, `average_precision`."""
    confusion: dict[str, Any] | None = None
    """The confusion matrix, for classification: `labels`, `counts` and `fractions`, with one row for each true
    class."""
    hit_ratios: list[dict[str, Any]] | None = None
    """For more than two classes: the fraction of rows whose class is among the `k` most probable."""
    thresholds: list[dict[str, Any]] | None = None
    """For two classes: the metrics at each threshold, for at most 200 thresholds."""
    maximum_metrics: dict[str, dict[str, float]] | None = None
    """For two classes: the highest value of each metric, and its threshold."""
    best_threshold: dict[str, Any] | None = None
    """The best threshold by the requested criterion."""
    gains: list[dict[str, Any]] | None = None
    """For two classes: gains and lift, by groups of 5 % of the rows."""
    residuals: dict[str, float | None] | None = None
    """For regression: the distribution of the residuals (true minus predicted)."""
    slices: list[dict[str, Any]] | None = None
    """The slices of each column with their rows and metrics."""
    plots: list[str] = []
    """The names of the plots."""
    report: dict[str, dict[str, int]] | None = None
    """The adjustments to the rows: the number of rows with coerced, unseen, missing and extra values, by column."""
    warnings: list[str] = []
    error: ErrorRecord | None = None
    created_at: datetime
