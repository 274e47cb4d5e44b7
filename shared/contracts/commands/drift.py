"""The command that compares current rows with the training data of a model."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from modelbus.shared.contracts.base import CommandBase, Contract, ModelReference, Name
from modelbus.shared.contracts.commands.explanation import Seed, Share
from modelbus.shared.contracts.commands.training import JobLimits

Threshold = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _moment(value: Any) -> Any:
    problem = "must be a time in ISO 8601 with a time zone, such as 2026-11-24T18:30:00Z"
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
    """The values from which a statistic indicates drift; null disables a statistic. Values that chance explains are
    never drift.
    """

    psi: Threshold | None = 0.2
    """The population stability index. By convention, 0.1 deserves attention and 0.2 is drift."""
    kolmogorov_smirnov: Share | None = None
    """The largest distance between two distributions of numbers or dates (Kolmogorov-Smirnov)."""
    jensen_shannon: Share | None = None
    """The distance between two distributions of categories (Jensen-Shannon)."""
    missing_rate: Share | None = None
    """The change in the fraction of missing values."""
    unseen_rate: Share | None = None
    """The fraction of rows with a category that does not occur in the training data."""


class ReportDrift(CommandBase):
    """Compare a dataset, or the rows predicted since some time, with the training data of a version."""

    queue: ClassVar[str] = "evaluate"

    command: Literal["ReportDrift"] = "ReportDrift"
    model: ModelReference
    """The version whose training data is the reference."""
    dataset: Name | None = None
    """The dataset to compare."""
    since: Moment | None = None
    """Compare the rows that this version has predicted since this time, as long as their jobs are kept."""
    thresholds: DriftThresholds = DriftThresholds()
    """The thresholds of the statistics."""
    row_limit: int = Field(50_000, ge=100, le=200_000)
    """The maximum number of rows on each side: a random sample of a dataset, or the newest predicted rows."""
    seed: Seed = 0
    """The seed for sampling rows."""
    has_plots: bool = True
    """Whether to create plots."""
    limits: JobLimits = JobLimits()
    """The limits of the job."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.dataset is None) == (self.since is None):
            raise ValueError("give either dataset, or since to compare predicted rows")
        return self
