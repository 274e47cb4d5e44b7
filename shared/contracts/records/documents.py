"""The records: what the services write and the gateway answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract, CorrelationId, Task
from modelbus.shared.contracts.number_forms import NumberForm

JobStatus = Literal["queued", "running", "succeeded", "failed", "dead", "cancelled"]
TERMINAL_STATUSES: frozenset[JobStatus] = frozenset({"succeeded", "failed", "dead", "cancelled"})


class ErrorRecord(Contract):
    """Why something failed."""

    code: str
    """The stable name of the error."""
    message: str
    """A sentence for people."""
    details: list[dict[str, Any]] = []
    """One entry for each fault."""


CandidateState = Literal["measured", "discarded", "failed", "unfinished", "skipped", "stopped"]


class Candidate(Contract):
    """One candidate of a search, or of the choice of an estimator."""

    number: int = Field(ge=1)
    """In the order in which they were tried."""
    estimator: str
    hyperparameters: dict[str, Any]
    """As they can be given to a training."""
    rank: int | None = None
    """1 is the best. Of a search only those have one that were measured on all parts; of `auto` all that are in the
    running, in the order of what they showed on the parts that they share."""
    mean: float | None = None
    """Of the metric that is searched by, over the parts that it was measured on."""
    standard_deviation: float | None = None
    scores: list[float | None] = []
    """One a part that was measured."""
    fit_s: float = 0.0
    """Seconds that a fit took, on average."""
    row_count: int | None = None
    """Rows that a fit had, where rounds differ in that (`halving`), or where it was measured on a sample only
    (`auto`)."""
    state: CandidateState = "measured"
    """`discarded`: the first parts were so much worse than the best that the others were not measured. `unfinished`:
    the search ended before all parts were. `skipped`: it was not fitted any further, since that would not have ended in
    time. `stopped`: its fit took more than its share of the time and was ended."""
    error: str | None = None
    """Why it failed, or was skipped or stopped, in words."""


class TuningProgress(Contract):
    """How far a search, or the choice of an estimator, is."""

    scoring: str
    """The metric."""
    done: int
    """Candidates times parts that are done."""
    total: int | None = None
    """How many there are, where that is known."""
    best: float | None = None
    """The best mean so far."""
    left_s: float | None = None
    """Seconds that are likely left, where that can be told."""
    candidate_count: int
    """Candidates that were tried so far."""
    leaderboard: list[Candidate] = []
    """The best of them, 20 at most."""


class Progress(Contract):
    """How far a running job is."""

    fraction: float | None = Field(None, ge=0, le=1)
    """The share that is done, where it is known."""
    message: str = ""
    """What is being done."""
    tuning: TuningProgress | None = None
    """How far a search is, where there is one. In a job's record; events leave the leaderboard out."""


class BoundDataset(Contract):
    """A dataset that a job reads, as it was when the job was accepted, or replayed."""

    name: str
    sha256: str | None = None
    """Of its stored table: the job is done on no other. Null where there was none of that name: then the job takes the
    one that is there when it runs."""


class JobSummary(Contract):
    """One job, in short."""

    correlation_id: CorrelationId
    command: str
    status: JobStatus
    owner: str
    attempt: int
    max_attempts: int
    progress: Progress | None = None
    cancel_requested: bool = False
    error: ErrorRecord | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    updated_at: datetime
    expires_at: datetime | None = None


class JobRecord(JobSummary):
    """One job, as `GET /jobs/{correlation_id}` answers it."""

    spec: dict[str, Any]
    """The command as it was validated, complete with defaults."""
    datasets: list[BoundDataset] = []
    """The datasets that the job reads: those that the command names, and those of the version that it names."""
    result: dict[str, Any] | None = None
    """What the command's result is, once it succeeded."""
    history: list[dict[str, Any]] = []
    """What happened to the job, oldest first, 20 entries at most."""


ColumnType = Literal["integer", "real", "boolean", "datetime", "text", "empty"]


class WrittenColumn(Contract):
    """A column and how its cells were written in the file that it came from."""

    name: str
    type: ColumnType
    """`empty` is a column without a single value."""
    date_format: str | None = None
    """How a `datetime` column was written, as strptime has it, or `ISO8601`."""
    is_zoned: bool = False
    """Whether every date has a zone; they are kept in UTC."""
    number_form: NumberForm | None = None
    """How the numbers of an `integer` or `real` column were written, where that was no plain `1234.5`."""
    missing_marks: list[str] | None = None
    """Cells that mean "no value", beside the empty one; null where they are those that delimited text has by default,
    and an empty list where there are none, as in Parquet and JSON."""


class ColumnSchema(WrittenColumn):
    """One column of a dataset."""

    form: str | None = None
    """How all cells of the column were written, where the type does not tell: `plain` (whole numbers among reals have
    no point), `fixed:2` (two decimals), `TRUE/FALSE`, a format of dates. `kept`: in more than one way, and each cell's
    text is kept beside its value. Null: as the type has it."""
    has_values: bool = False
    """Whether its cells came as values and not as text: from Parquet, or as numbers and booleans of JSON."""
    missing: int = Field(ge=0)
    """Cells without a value."""
    distinct: int = Field(ge=0)
    """Different values, counted up to 10,000."""
    minimum: Any = None
    """Smallest value of a number or a date (ISO 8601)."""
    maximum: Any = None
    """Largest value of a number or a date (ISO 8601)."""
    top: list[dict[str, Any]] = []
    """The most frequent values of a text or boolean column: `value` and `count`, 10 at most. Of more than 10,000
    different ones, those that make up one five-thousandth of the cells at least."""
    mean: Any = None
    """Mean of the finite values of a number, or of a date (ISO 8601)."""
    standard_deviation: float | None = None
    """Of the finite values of a number (of the population); of a date in seconds."""
    quantiles: dict[str, Any] | None = None
    """Of a number or a date: value by share, `0.01`, `0.05`, `0.25`, `0.5`, `0.75`, `0.95` and `0.99`. Exact up to
    100,000 rows; beyond, of 100,000 rows taken at random."""
    histogram: dict[str, Any] | None = None
    """Of a number or a date: `edges` (n + 1 of them, equally far apart) and `counts` (n), all rows counted; a value on
    an edge counts above it, the last edge's below."""
    words: int | None = None
    """Of text: how many words the median cell has, of those that were looked at."""
    is_free_text: bool = False
    """Whether it is text of many words, which is learnt by its words and not as categories; a training can say
    otherwise (`free_text`, `categorical`)."""


class Alert(Contract):
    """Something about a column that matters to training."""

    code: Literal[
        "constant",
        "all_missing",
        "mostly_missing",
        "identifier_like",
        "date_like_text",
        "number_like_text",
        "boolean_like_text",
        "code_like_numbers",
        "blanks_at_ends",
        "free_text",
        "target_leak",
        "class_imbalance",
        "rare_classes",
        "missing_target",
        "padded_labels",
    ]
    """The stable name of what was found."""
    column: str
    """The column that it is about."""
    message: str
    """A sentence for people, with the figures and what to do."""


class DatasetSummary(Contract):
    """One dataset, without its columns."""

    name: str
    owner: str
    correlation_id: CorrelationId
    """The job that made it."""
    row_count: int = Field(ge=0)
    format: str
    """The format of the file it was made from."""
    encoding: str | None = None
    """The text encoding that was found, for text formats."""
    delimiter: str | None = None
    """The delimiter that was found, for delimited text."""
    size_bytes: int = Field(ge=0)
    """Size of the stored Parquet file."""
    source_size_bytes: int = Field(ge=0)
    """Size of the file it was made from."""
    sha256: str
    """Of the table: its columns' names and types, and its cells' values. The same table has the same digest whatever
    file it came from."""
    file_sha256: str | None = None
    """Of the stored Parquet file; absent in datasets of earlier releases."""
    warnings: list[str] = []
    """What was decided where the file could be read in more than one way."""
    alerts: list[Alert] = []
    """What was noticed in the columns that matters to training."""
    skipped_row_count: int = 0
    """Rows that could not be read and were left out, as `on_bad_rows: skip` asked."""
    skipped_rows: list[dict[str, Any]] = []
    """The first 100 of them: `where` (its line), `problem`, `expected`, and `column` where one is at fault."""
    options: dict[str, Any] = {}
    """The parse options that were given."""
    target: str | None = None
    """The column that the uploader said is to be predicted."""
    created_at: datetime


class DatasetRecord(DatasetSummary):
    """One dataset; immutable."""

    columns: list[ColumnSchema]


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
    left_out_row_count: int | None = None
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


class CandidatesRecord(Contract):
    """All candidates that a version was chosen from, as `GET /models/{name}/versions/{version}/candidates` answers."""

    model: str
    version: int
    scoring: str
    candidates: list[Candidate]
    """The best first, then those that were not measured on all parts."""


class ModelRecord(Contract):
    """One model: its versions' numbers and its aliases."""

    name: str
    owner: str
    latest_version: int
    versions: list[int]
    aliases: dict[str, int]
    created_at: datetime


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
    """For classification: `labels`, `counts` and `shares`, one row for each true label; absent for other tasks."""
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


class EstimatorRecord(Contract):
    """One estimator of the catalogue."""

    name: str
    task: Task
    description: str
    """First line of the estimator's own documentation."""
    module: str
    hyperparameters: dict[str, Any] = {}
    """JSON Schema of the hyperparameters: an object with a property for each."""
    can_stream: bool = False
    """Whether it can be fitted a row group at a time (`streaming`)."""
