"""The command that asks whether rows are still like those that a model was trained on."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from modelbus.shared.contracts.base import CommandBase, Contract, ModelReference, Name
from modelbus.shared.contracts.commands.explanation import Seed, Share
from modelbus.shared.contracts.commands.training import JobLimits

Threshold = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _moment(value: Any) -> Any:
    problem = "a time is text in ISO 8601 with its zone, such as 2026-11-24T18:30:00Z"
    if isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(problem) from None
    if moment.tzinfo is None:
        raise ValueError(problem)
    return moment


Moment = Annotated[datetime, BeforeValidator(_moment)]


class DriftThresholds(Contract):
    """From which value on a statistic means drift; null leaves it out. Below what chance alone gives, none does."""

    psi: Threshold | None = 0.2
    """Population stability index; by custom, 0.1 is worth a look and 0.2 is drift."""
    kolmogorov_smirnov: Share | None = None
    """The largest distance between two distributions of numbers or dates."""
    jensen_shannon: Share | None = None
    """The distance between two distributions of categories."""
    missing_rate: Share | None = None
    """How much more, or less, of a column is missing."""
    unseen_rate: Share | None = None
    """The share of rows with a category that the training table has not."""


class ReportDrift(CommandBase):
    """Compare the rows of a dataset, or those that were predicted since a time, with a version's training table."""

    queue: ClassVar[str] = "evaluate"

    command: Literal["ReportDrift"] = "ReportDrift"
    model: ModelReference
    """The version whose training table is compared with."""
    dataset: Name | None = None
    """The rows to compare: a dataset's."""
    since: Moment | None = None
    """The rows to compare: those that this version predicted since then, as far as their jobs are kept."""
    thresholds: DriftThresholds = DriftThresholds()
    """From which values on there is drift."""
    row_limit: int = Field(50_000, ge=100, le=200_000)
    """Rows at most on either side: of a dataset so many are taken at random, of predicted rows the newest."""
    seed: Seed = 0
    """Seeds the choice of rows."""
    has_plots: bool = True
    """Whether to draw plots."""
    limits: JobLimits = JobLimits()
    """What the job may take."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.dataset is None) == (self.since is None):
            raise ValueError("give dataset, or since for the rows that were predicted, one of them")
        return self
