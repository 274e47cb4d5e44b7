"""Whether a training is streamed: by what was asked for, what the estimator can, and the memory that it would take."""

from typing import Final, NamedTuple

from modelbus.shared.contracts.commands.tuning import AUTO
from modelbus.shared.errors import InvalidCommand
from modelbus.trainer.catalogue.entries import find_estimator
from modelbus.trainer.catalogue.making import make_estimator
from modelbus.trainer.catalogue.streamable import streaming_fault, takes
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.rows.memory_estimates import MemoryEstimate

MEMORY_FRACTION: Final = 0.5
"""A whole table that is likely to take more than this fraction of the memory limit is streamed, where it can be."""


class Obstacle(NamedTuple):
    """Why a training cannot be streamed."""

    where: str
    """The field of the command."""
    problem: str


def is_streamed(plan: FitPlan, whole: MemoryEstimate, streamed: MemoryEstimate, limit_bytes: int) -> bool:
    """Decide whether a training is streamed.

    Args:
        plan: What is to be fitted, and how.
        whole: What fitting the whole table takes.
        streamed: What it takes where the rows are streamed: of a small table not less.
        limit_bytes: What the job may take.

    Raises:
        UnknownEstimator: There is no estimator of that name.
        InvalidCommand: The rows are to be streamed and cannot be, or the hyperparameters are wrong.
    """
    if plan.streaming == "never":
        return False
    obstacle = find_obstacle(plan)
    if obstacle is None:
        is_too_much = whole.likely_bytes > MEMORY_FRACTION * limit_bytes
        return plan.streaming == "always" or (is_too_much and streamed.likely_bytes < whole.likely_bytes)
    if plan.streaming == "always":
        raise InvalidCommand(obstacle.problem, details=[{"where": obstacle.where, "problem": obstacle.problem}])
    return False


def find_obstacle(plan: FitPlan) -> Obstacle | None:
    """The first thing that keeps a training from being streamed.

    Raises:
        UnknownEstimator, InvalidCommand: As ``make_estimator`` raises them.
    """
    return _obstacle_of_tuning(plan) or _obstacle_of_estimator(plan) or _obstacle_of_measuring(plan)


def _obstacle_of_tuning(plan: FitPlan) -> Obstacle | None:
    if plan.estimator_name == AUTO:
        return Obstacle(
            "streaming", "rows are not streamed where the estimator is chosen: name one that can be streamed"
        )
    for name, given in (("search", plan.tuning), ("calibration", plan.calibration), ("threshold", plan.threshold)):
        if given is not None:
            return Obstacle(name, f"rows that are streamed are seen once and not again, so {name} cannot be had")
    return None


def _obstacle_of_estimator(plan: FitPlan) -> Obstacle | None:
    entry, name = find_estimator(plan.estimator_name), plan.estimator_name
    fault = streaming_fault(name, entry.estimator_type, entry.record.task)
    if fault is not None:
        return Obstacle("streaming", f"{name} cannot be streamed: {fault}")
    estimator = make_estimator(name, plan.hyperparameters, plan.seed)
    if not hasattr(estimator, "partial_fit"):
        solver = plan.hyperparameters.get("solver")
        where = "hyperparameters" if solver is None else "hyperparameters.solver"
        return Obstacle(where, f"{name} cannot be streamed with these hyperparameters: solver is {solver!r}")
    if getattr(estimator, "early_stopping", False):
        problem = (
            f"{name} cannot be streamed with early_stopping, which keeps rows of its own apart: say epochs instead"
        )
        return Obstacle("hyperparameters.early_stopping", problem)
    if plan.sample_weight is not None and not takes(estimator, "sample_weight"):
        return Obstacle("sample_weight", f"{name} takes no sample weights where rows are streamed")
    return None


def _obstacle_of_measuring(plan: FitPlan) -> Obstacle | None:
    if plan.cross_validation is not None:
        return Obstacle("cross_validation", "rows that are streamed cannot be cross-validated: measure on the hold-out")
    if plan.hold_out.time_column is not None:
        problem = "rows that are streamed cannot be held out by time: hold out the latest as a dataset of their own"
        return Obstacle("hold_out.time_column", problem)
    if plan.group_column is not None:
        problem = "rows that are streamed cannot be held out by group: hold out some as a dataset of their own"
        return Obstacle("hold_out.group_column", problem)
    if plan.hold_out.is_stratified:
        problem = "rows that are streamed are held out at random in each row group, and cannot be stratified"
        return Obstacle("hold_out.is_stratified", problem)
    return None
