"""Models and their versions: signature, lineage, and comparison with the champion."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract, CorrelationId, Task
from modelbus.shared.contracts.records.dataset_records import WrittenColumn


class SignatureColumn(WrittenColumn):
    """A column that a model requires, with the notation of the training data, in which the model reads the cells."""

    is_free_text: bool = False
    """Whether the text is encoded by its words instead of as categories."""


class Signature(Contract):
    """The inputs and outputs of a model."""

    columns: list[SignatureColumn]
    target: str | None = None
    """The target; absent for outlier detection and clustering."""
    target_column: SignatureColumn | None = None
    """The notation of the target; absent without a target and in versions of earlier releases."""
    task: Task
    classes: list[Any] | None = None
    """The classes, in the order of the probabilities; for outlier detection `inlier` and `outlier`; absent for
    regression and for clustering, whose clusters are numbered from 0."""
    threshold: float | None = None
    """The probability from which the second of two classes is predicted; absent if the more probable class is
    predicted."""


class Comparison(Contract):
    """The comparison of a new version with the champion, and its consequence."""

    metric: str | None = None
    """The metric of the comparison; null if nothing was measured or the task has no such metric."""
    champion_version: int
    """The champion at the time of the comparison."""
    own: float | None = None
    champion: float | None = None
    margin: float = 0.0
    """The required margin."""
    row_count: int | None = None
    """The number of rows used: the rows of the new version's hold-out that neither version was trained on."""
    excluded_row_count: int | None = None
    """The number of rows of the hold-out left out, because one of the versions was, or may have been, trained on
    them."""
    warnings: list[str] = []
    """Doubts about the comparison, in which case the champion stays."""
    is_better: bool = False
    """Whether the new version replaces the champion."""
    reason: str | None = None
    """The reason why the champion stays."""


class HeldOutRows(Contract):
    """The hold-out of a version."""

    method: Literal["stratified", "partly_stratified", "random", "by_time", "by_group", "dataset"]
    """`stratified`: all class proportions are preserved; `partly_stratified`: most of them are; `dataset`: the rows
    belong to another dataset."""
    row_count: int
    """The number of rows held out, or of the other dataset."""
    unmeasured_classes: list[Any] = []
    """The classes in training without a held-out row, at most 100; for `partly_stratified`, those with too few rows to
    split."""
    unmeasured_class_count: int = 0
    """The number of such classes."""
    group_count: int | None = None
    """The number of groups held out."""


class FreeTextSummary(Contract):
    """A column that a version encodes as free text."""

    column: str
    """The name of the column."""
    feature_count: int
    """The number of features made of it."""
    term_count: int
    """The number of known terms: words and pairs of words."""


class VersionRecord(Contract):
    """An immutable version of a model, with its lineage."""

    model: str
    version: int = Field(ge=1)
    owner: str
    correlation_id: CorrelationId
    """The job that created the version."""
    estimator: str
    hyperparameters: dict[str, Any]
    """The given or found hyperparameters. Absent ones have the estimator's defaults."""
    tuning: dict[str, Any] | None = None
    """The search or the choice of an estimator: `method`, `scoring`, `candidate_count`, `failed_count`,
    `measured_count` (candidates with a score), the number of the `best` candidate and its `mean`, `elapsed_s` and, if
    it applies, `stopped_early`."""
    calibration: dict[str, Any] | None = None
    """The calibration of the probabilities, if any."""
    threshold: dict[str, Any] | None = None
    """The choice of the threshold: the criterion, the `value`, and the criterion at this value and at one half, on rows
    that the fits have not seen."""
    dataset: str
    dataset_sha256: str
    signature: Signature
    hold_out: dict[str, Any]
    """The hold-out options of the command."""
    hold_out_sha256: str | None = None
    """The digest of the hold-out dataset, if there is one."""
    held_out: HeldOutRows | None = None
    """The hold-out; absent in versions of the first releases."""
    seed: int
    specification: dict[str, Any] | None = None
    """The training command as executed, for retraining; absent in versions of the first releases."""
    metrics: dict[str, float | None]
    """The metrics on the hold-out."""
    cross_validation: dict[str, Any] | None = None
    """The cross-validation: `folds`, and for each metric the `mean`, the `standard_deviation`, the `values` of the
    folds (null if undefined) and the `count` of values in the mean. `unmeasured` lists each `fold` (from 1) without
    some metrics, with the `reason` and the missing `metrics`."""
    row_count: int
    """The number of training rows."""
    streamed: bool = False
    """Whether the estimator was trained one row group at a time."""
    free_text: list[FreeTextSummary] = []
    """The columns that are encoded by their words instead of as categories."""
    fit_s: float
    """The time of the fit in seconds."""
    warnings: list[str] = []
    """Warnings of the fit and notes about the training data."""
    comparison: Comparison | None = None
    """The comparison with the champion when the version was created; absent if nothing was compared."""
    tags: dict[str, str] = {}
    """The tags of the version, by name; can be changed."""
    note: str = ""
    """The note about the version; can be changed."""
    libraries: dict[str, str]
    """The versions of the libraries that the artifact depends on."""
    artifact_sha256: str
    artifact_size_bytes: int
    created_at: datetime


class ModelRecord(Contract):
    """A model: the numbers of its versions, and its aliases."""

    name: str
    owner: str
    latest_version: int
    versions: list[int]
    aliases: dict[str, int]
    created_at: datetime
