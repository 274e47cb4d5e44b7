"""What the gateway answers beside the records and results of the contracts: lists, links, its own state."""

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
    """One fault."""

    model_config = ConfigDict(extra="allow")

    where: str | None = None
    """The field, line, row or parameter at fault."""
    problem: str | None = None
    """What is wrong with it."""
    expected: Any = None
    """What would be right, or what was likely meant."""
    given: Any = None
    """What was given."""


class Problem(Contract):
    """An error, as RFC 9457 has it."""

    type: str
    """`urn:modelbus:error:` and the code."""
    title: str
    """The code in words."""
    status: int
    """The HTTP status."""
    detail: str
    """A sentence for people: what was wrong, where, what would be right."""
    code: str
    """The stable name of the error; docs/errors.md lists them."""
    correlation_id: str | None
    """By which the logs are searched."""
    errors: list[ProblemDetail] = []
    """One entry for each fault."""


class JobLinks(Contract):
    """Where a job can be looked at."""

    self: str


class JobSummaryView(JobSummary):
    """A job in short, with its links."""

    links: JobLinks


class JobView(JobRecord):
    """A job with its links."""

    links: JobLinks
    queue_position: int | None = Field(None, ge=1)
    """While it is queued: 1 for the job that is next in its queue."""
    estimated_start_s: float | None = Field(None, ge=0)
    """While it is queued: seconds until it is likely to start, by how long such jobs took lately; null if none did."""


class JobList(Contract):
    """A page of jobs, newest first."""

    jobs: list[JobSummaryView]
    next: str | None
    """The cursor of the following page; null after the last one."""


class DatasetList(Contract):
    """A page of datasets, by name."""

    datasets: list[DatasetSummary]
    next: str | None
    """The cursor of the following page; null after the last one."""


class EstimatorSummary(Contract):
    """One estimator, in short."""

    name: str
    task: Task
    description: str


class EstimatorList(Contract):
    """What can be trained."""

    estimators: list[EstimatorSummary]


class EstimatorView(EstimatorRecord):
    """One estimator with its hyperparameters."""

    model_config = ConfigDict(extra="allow")


class ModelList(Contract):
    """A page of models, by name."""

    models: list[ModelRecord]
    next: str | None
    """The cursor of the following page; null after the last one."""


class Usage(Contract):
    """How a version was used."""

    model: str
    version: int
    requests: int
    rows: int
    report: Incidents
    updated_at: datetime | None


class PredictionView(PredictionResult):
    """Predictions of rows, with the job's id."""

    correlation_id: str


class DatasetPredictionView(Contract):
    """A dataset's predictions, with where to download them."""

    correlation_id: str
    model: str
    version: int
    dataset: str
    row_count: int
    report: Incidents
    links: dict[str, str]
    """By format."""


class ModelExplanationView(ModelExplanationResult):
    """A model's explanation, with the job's id."""

    correlation_id: str


class PredictionExplanationView(PredictionExplanationResult):
    """The explanation of predictions, with the job's id."""

    correlation_id: str


class LearningView(LearningResult):
    """A learning curve, with the job's id."""

    correlation_id: str


class DriftView(DriftResult):
    """A drift report, with the job's id."""

    correlation_id: str


class EvaluationList(Contract):
    """A page of evaluations, newest first; those that are not filled yet come first."""

    evaluations: list[EvaluationRecord]
    next: str | None
    """The cursor of the following page; null after the last one."""


class ComparedMetric(Contract):
    """One metric of all that are compared."""

    metric: str
    is_higher_better: bool | None
    """Null where neither more nor less is better."""
    values: list[float | None]
    """In the order of the evaluations."""
    differences: list[float | None]
    """To the first one's."""
    best: list[str]
    """The ids of the best."""


class ComparisonView(Contract):
    """Evaluations side by side."""

    evaluations: list[dict[str, Any]]
    metrics: list[ComparedMetric]
    warnings: list[str]
    """What makes the comparison doubtful."""


class PlotPlaces(Contract):
    """Where a plot is."""

    name: str
    svg: str
    json_: str = Field(alias="json")


class PlotList(Contract):
    """The plots of an evaluation."""

    evaluation: str
    plots: list[PlotPlaces]


class JobPlotList(Contract):
    """The plots of what a job found out."""

    correlation_id: str
    plots: list[PlotPlaces]


class EvaluationAccepted(EvaluationRecord):
    """An evaluation that is not filled yet."""

    links: JobLinks


class ServiceView(Contract):
    """One process of a service."""

    model_config = ConfigDict(extra="allow")

    service: str
    is_alive: bool
    heartbeat_age_s: float
    """Seconds since it was last heard of."""
    jobs_running: int


class ServiceList(Contract):
    """Who is there, and what waits."""

    version: str
    services: list[ServiceView]
    queues: dict[str, int | None]
    """Messages in each queue and its poison; null where the broker does not answer."""
    dead_letters: list[dict[str, Any]]
    """How many there are: `kind`, `queue` and `count`."""


class LogLine(Contract):
    """One log line: an action, and its facts."""

    model_config = ConfigDict(extra="allow")

    id: str
    timestamp: str
    level: str
    service: str
    event: str
    """The action, such as `job.finished`."""
    correlation_id: str | None = None
    """The job that it is about."""


class LogList(Contract):
    """Log lines, oldest first."""

    lines: list[LogLine]
    next: str | None
    """The cursor of the lines before these; null if there are none."""


class DeadLetterSummary(Contract):
    """What a list shows of a dead letter."""

    model_config = ConfigDict(extra="allow")

    id: str
    kind: str
    """`job`, whose attempts are exhausted, or `message`, which could not be read."""
    queue: str
    at: datetime
    """Since when it is dead."""
    is_edited: bool
    correlation_id: str | None
    code: str | None
    reason: str | None


class DeadLetterView(DeadLetterSummary):
    """All that is known of a dead letter: what was sent, what came of it, its last log lines."""

    history: list[dict[str, Any]]
    links: dict[str, str]
    lines: list[LogLine]


class DeadLetterList(Contract):
    """A page of dead letters, newest first."""

    dead_letters: list[DeadLetterSummary]
    next: str | None
    """The cursor of the following page; null after the last one."""


class LetterChange(Contract):
    """What the replay of a dead letter is to take; one of the two."""

    spec: dict[str, Any] | None = None
    """Of a job: the whole command."""
    body: Any = None
    """Of a message: a command, or an array of commands."""


class ReplayedJobs(Contract):
    """The jobs that a replay queued."""

    jobs: list[JobView]


class Purged(Contract):
    """What a purge did."""

    purged: int
    """How many dead letters were removed."""


class MadeApiKey(ApiKeyRecord):
    """A key that was just made."""

    key: str
    """Its text, told once and kept nowhere."""


class ApiKeyList(Contract):
    """All API keys, without their texts."""

    keys: list[ApiKeyRecord]


class GatewayIndex(Contract):
    """What this is."""

    service: str
    version: str
    routes: list[str]


class Liveness(Contract):
    """Whether the process runs."""

    status: str


class Readiness(Contract):
    """Whether requests can be answered."""

    status: str
    checks: dict[str, bool]
