"""The responses of the gateway in addition to the contracts' records and results: lists, links, its own state."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from modelbus.shared.contracts import Contract, EstimatorRecord, EvaluationRecord, JobRecord, ModelRecord, Task
from modelbus.shared.contracts.records.api_key_records import ApiKeyRecord
from modelbus.shared.contracts.records.dataset_records import DatasetSummary
from modelbus.shared.contracts.records.explanation_results import (
    DriftResult,
    LearningResult,
    ModelExplanationResult,
    PredictionExplanationResult,
)
from modelbus.shared.contracts.records.job_records import JobSummary
from modelbus.shared.contracts.records.results import Incidents, PredictionResult


class ProblemDetail(Contract):
    """A fault."""

    model_config = ConfigDict(extra="allow")

    where: str | None = None
    """The faulty field, line, row or parameter."""
    problem: str | None = None
    """The problem."""
    expected: Any = None
    """The expected value, or the most similar valid one."""
    given: Any = None
    """The given value."""


class Problem(Contract):
    """An error as problem details (RFC 9457)."""

    type: str
    """The prefix `urn:modelbus:error:` and the code."""
    title: str
    """The code in words."""
    status: int
    """The HTTP status."""
    detail: str
    """The message for people: what is wrong, where, and what would be right."""
    code: str
    """The stable code of the error."""
    correlation_id: str | None
    """The id of the request or job, for searching the logs."""
    errors: list[ProblemDetail] = []
    """The faults, one entry each."""


class JobLinks(Contract):
    """The links of a job."""

    self: str


class JobSummaryView(JobSummary):
    """The summary of a job with its links."""

    links: JobLinks


class JobView(JobRecord):
    """A job with its links."""

    links: JobLinks
    queue_position: int | None = Field(None, ge=1)
    """The position of a queued job; 1 for the next job in its queue."""
    estimated_start_s: float | None = Field(None, ge=0)
    """The estimated number of seconds until a queued job starts, from the run times of recent jobs; null if there are
    none."""


class JobList(Contract):
    """A page of jobs, newest first."""

    jobs: list[JobSummaryView]
    next: str | None
    """The cursor of the next page; null on the last page."""


class DatasetList(Contract):
    """A page of datasets, by name."""

    datasets: list[DatasetSummary]
    next: str | None
    """The cursor of the next page; null on the last page."""


class EstimatorSummary(Contract):
    """The summary of an estimator."""

    name: str
    task: Task
    description: str


class EstimatorList(Contract):
    """The list of estimators."""

    estimators: list[EstimatorSummary]


class EstimatorView(EstimatorRecord):
    """An estimator with its hyperparameters."""

    model_config = ConfigDict(extra="allow")


class ModelList(Contract):
    """A page of models, by name."""

    models: list[ModelRecord]
    next: str | None
    """The cursor of the next page; null on the last page."""


class Usage(Contract):
    """The usage of a version."""

    model: str
    version: int
    requests: int
    rows: int
    report: Incidents
    updated_at: datetime | None


class PredictionView(PredictionResult):
    """The predictions of rows, with the id of the job."""

    correlation_id: str


class DatasetPredictionView(Contract):
    """The predictions of a dataset, with links for download."""

    correlation_id: str
    model: str
    version: int
    dataset: str
    row_count: int
    report: Incidents
    links: dict[str, str]
    """The links by format."""


class ModelExplanationView(ModelExplanationResult):
    """The explanation of a model, with the id of the job."""

    correlation_id: str


class PredictionExplanationView(PredictionExplanationResult):
    """The explanation of predictions, with the id of the job."""

    correlation_id: str


class LearningView(LearningResult):
    """A learning curve, with the id of the job."""

    correlation_id: str


class DriftView(DriftResult):
    """A drift report, with the id of the job."""

    correlation_id: str


class EvaluationList(Contract):
    """A page of evaluations, newest first. Evaluations in progress come first."""

    evaluations: list[EvaluationRecord]
    next: str | None
    """The cursor of the next page; null on the last page."""


class ComparedMetric(Contract):
    """A metric of all compared evaluations."""

    metric: str
    is_higher_better: bool | None
    """Whether higher values are better; null if neither is."""
    values: list[float | None]
    """The values, in the order of the evaluations."""
    differences: list[float | None]
    """The differences to the first evaluation."""
    best: list[str]
    """The ids of the best evaluations."""


class ComparisonView(Contract):
    """The comparison of evaluations."""

    evaluations: list[dict[str, Any]]
    metrics: list[ComparedMetric]
    warnings: list[str]
    """Doubts about the comparison."""


class PlotPlaces(Contract):
    """The links of a plot."""

    name: str
    svg: str
    json_: str = Field(alias="json")


class PlotList(Contract):
    """The plots of an evaluation."""

    evaluation: str
    plots: list[PlotPlaces]


class JobPlotList(Contract):
    """The plots of a job."""

    correlation_id: str
    plots: list[PlotPlaces]


class EvaluationAccepted(EvaluationRecord):
    """An evaluation in progress."""

    links: JobLinks


class ServiceView(Contract):
    """An instance of a service."""

    model_config = ConfigDict(extra="allow")

    service: str
    is_alive: bool
    heartbeat_age_s: float
    """The number of seconds since the last heartbeat."""
    jobs_running: int


class ServiceList(Contract):
    """The services, queues and dead letters."""

    version: str
    services: list[ServiceView]
    queues: dict[str, int | None]
    """The number of messages in each queue and its poison queue; null if the broker is not responding."""
    dead_letters: list[dict[str, Any]]
    """The number of dead letters: `kind`, `queue` and `count`."""


class LogLine(Contract):
    """A log line: an action with its facts."""

    model_config = ConfigDict(extra="allow")

    id: str
    timestamp: str
    level: str
    service: str
    event: str
    """The action, such as `job.finished`."""
    correlation_id: str | None = None
    """The job of the line."""


class LogList(Contract):
    """Log lines, oldest first."""

    lines: list[LogLine]
    next: str | None
    """The cursor of the previous lines; null if there are none."""


class DeadLetterSummary(Contract):
    """The summary of a dead letter."""

    model_config = ConfigDict(extra="allow")

    id: str
    kind: str
    """`job` for a job whose attempts are exhausted, `message` for an unreadable message."""
    queue: str
    at: datetime
    """The time since which the letter is dead."""
    is_edited: bool
    correlation_id: str | None
    code: str | None
    reason: str | None


class DeadLetterView(DeadLetterSummary):
    """A dead letter with the original command or message, its history and its last log lines."""

    history: list[dict[str, Any]]
    links: dict[str, str]
    lines: list[LogLine]


class DeadLetterList(Contract):
    """A page of dead letters, newest first."""

    dead_letters: list[DeadLetterSummary]
    next: str | None
    """The cursor of the next page; null on the last page."""


class LetterChange(Contract):
    """The edited command or message of a dead letter; give one of the two."""

    spec: dict[str, Any] | None = None
    """The complete command of a job."""
    body: Any = None
    """The command, or the array of commands, of a message."""


class ReplayedJobs(Contract):
    """The jobs queued by a replay."""

    jobs: list[JobView]


class Purged(Contract):
    """The result of a purge."""

    purged: int
    """The number of deleted dead letters."""


class MadeApiKey(ApiKeyRecord):
    """A new API key with its secret."""

    key: str
    """The secret, which is returned only once and not stored."""


class ApiKeyList(Contract):
    """All API keys, without their secrets."""

    keys: list[ApiKeyRecord]


class GatewayIndex(Contract):
    """The index of the gateway."""

    documentation: str
    """The path of the API reference."""
    service: str
    version: str
    routes: list[str]


class Liveness(Contract):
    """The liveness of the gateway."""

    status: str


class Readiness(Contract):
    """The readiness of the gateway."""

    status: str
    checks: dict[str, bool]
