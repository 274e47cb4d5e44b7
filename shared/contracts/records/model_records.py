"""Models and their versions: signature, lineage, and how a version did beside the champion."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract, CorrelationId, Task
from modelbus.shared.contracts.records.dataset_records import WrittenColumn


class SignatureColumn(WrittenColumn):
    """One column that a model needs, and how it reads the column's cells: as its training table was written."""

    is_free_text: bool = False
    """Whether its text is read by its words and not as categories."""


class Signature(Contract):
    """What a model takes and what it answers."""

    columns: list[SignatureColumn]
    target: str | None = None
    """Absent for outlier detection and clustering."""
    target_column: SignatureColumn | None = None
    """How the target's cells are read; absent without a target, and in versions of earlier releases."""
    task: Task
    classes: list[Any] | None = None
    """The labels, in the order of the probabilities; of outlier detection `inlier` and `outlier`; absent for regression
    and for clustering, whose clusters are numbers from 0 on."""
    threshold: float | None = None
    """From which probability on the second of two classes is answered; absent where the likelier one is."""


class Comparison(Contract):
    """How a new version did beside the champion, and what came of it."""

    metric: str | None = None
    """What was compared; null where nothing was measured, or no metric says what is better."""
    champion_version: int
    """The champion when they were compared."""
    own: float | None = None
    champion: float | None = None
    margin: float = 0.0
    """By how much the new version had to be better."""
    row_count: int | None = None
    """Rows that both were measured on: those of the new version's hold-out that neither was trained on."""
    excluded_row_count: int | None = None
    """Rows of the hold-out that were left out, because one of them was, or may have been, trained on them."""
    warnings: list[str] = []
    """What makes the comparison doubtful; then the champion stays."""
    is_better: bool = False
    """Whether the new version is to replace the champion by this."""
    reason: str | None = None
    """Why the champion stays, in a sentence."""


class HeldOutRows(Contract):
    """How the rows to measure on were held out."""

    method: Literal["stratified", "partly_stratified", "random", "by_time", "by_group", "dataset"]
    """`stratified`: each class keeps its share; `partly_stratified`: all but some do; `dataset`: they are another
    dataset's."""
    row_count: int
    """Rows that were held out, or that the other dataset has."""
    unmeasured_classes: list[Any] = []
    """Classes that are trained on and have no held-out row, 100 at most; of `partly_stratified` those with too few rows
    to be in both parts."""
    unmeasured_class_count: int = 0
    """How many there are."""
    group_count: int | None = None
    """Groups that were held out."""


class FreeTextSummary(Contract):
    """A column that a version reads as free text."""

    column: str
    """Its name."""
    feature_count: int
    """How many features it became."""
    term_count: int
    """Words, and pairs of words, that are known."""


class VersionRecord(Contract):
    """One immutable version of a model, with its whole lineage."""

    model: str
    version: int = Field(ge=1)
    owner: str
    correlation_id: CorrelationId
    """The job that made it."""
    estimator: str
    hyperparameters: dict[str, Any]
    """As they were given, or found; what is absent had the estimator's default."""
    tuning: dict[str, Any] | None = None
    """Of a search, or the choice of an estimator: `method`, `scoring`, `candidate_count`, `failed_count`,
    `measured_count` (those with a score), the `best` candidate's number and its `mean`, `elapsed_s`, and
    `stopped_early` if it did. `GET .../candidates` has them all."""
    calibration: dict[str, Any] | None = None
    """How its probabilities are calibrated, if they are."""
    threshold: dict[str, Any] | None = None
    """How the signature's threshold was found: what it aims at, its `value`, and the aim there and at one half, on rows
    that the fits did not see."""
    dataset: str
    dataset_sha256: str
    signature: Signature
    hold_out: dict[str, Any]
    """What the command said of it."""
    hold_out_sha256: str | None = None
    """Of the dataset that it was measured on, where that is one of its own."""
    held_out: HeldOutRows | None = None
    """How the rows to measure on were held out; absent in versions of the first releases."""
    seed: int
    specification: dict[str, Any] | None = None
    """The training command as it was carried out, for retraining; absent in versions of the first releases."""
    metrics: dict[str, float | None]
    """On the hold-out rows."""
    cross_validation: dict[str, Any] | None = None
    """`folds`, and by metric the `mean`, the `standard_deviation`, the `values` of the folds, null where it is not
    defined, and the `count` of those in the mean. `unmeasured` has each `fold` (from 1 on) of which something could not
    be measured, with the `reason` and the `metrics` that are lacking."""
    row_count: int
    """Rows that the estimator was fitted on."""
    streamed: bool = False
    """Whether it was fitted a row group at a time."""
    free_text: list[FreeTextSummary] = []
    """The columns that are read by their words and not as categories."""
    fit_s: float
    """Seconds that the fit took."""
    warnings: list[str] = []
    """What the fit warned of, and what about the rows and columns that it was trained on should be known."""
    comparison: Comparison | None = None
    """How it did beside the champion when it was made; absent where nothing was to be compared."""
    tags: dict[str, str] = {}
    """What is to be remembered of it, by name; can be changed."""
    note: str = ""
    """What is to be remembered of it, in words; can be changed."""
    libraries: dict[str, str]
    """Versions of the libraries that the artifact depends on."""
    artifact_sha256: str
    artifact_size_bytes: int
    created_at: datetime


class ModelRecord(Contract):
    """One model: its versions' numbers and its aliases."""

    name: str
    owner: str
    latest_version: int
    versions: list[int]
    aliases: dict[str, int]
    created_at: datetime
