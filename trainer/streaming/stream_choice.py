"""Decides whether a training is streamed: by the command, the estimator, and the expected memory."""

from typing import Final, NamedTuple

from modelbus.shared.contracts.commands.tuning import AUTO
from modelbus.shared.errors import InvalidCommand
from modelbus.trainer.catalogue.entries import find_estimator
from modelbus.trainer.catalogue.making import make_estimator
from modelbus.trainer.catalogue.streamable import streaming_fault, takes
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.rows.memory_estimates import MemoryEstimate

MEMORY_FRACTION: Final = 0.5
"""If a fit on the whole table is expected to take more than this fraction of the memory limit, it is streamed."""


class Obstacle(NamedTuple):
    """Why a training cannot be streamed."""

    where: str
    """The field of the command."""
    problem: str


def is_streamed(plan: FitPlan, whole: MemoryEstimate, streamed: MemoryEstimate, limit_bytes: int) -> bool:
    """Decide whether a training is streamed.

    Args:
        plan: The plan of the fit.
        whole: The memory of a fit on the whole table.
        streamed: The memory of a streamed fit; not smaller for a small table.
        limit_bytes: The memory limit of the job.

    Raises:
        UnknownEstimator: There is no estimator of that name.
        InvalidCommand: Streaming is required but impossible, or the hyperparameters are invalid.
    """
    if plan.streaming == "never":
        return False
    obstacle = find_obstacle(plan)
    if obstacle is None:
        is_too_much = whole.expected_bytes > MEMORY_FRACTION * limit_bytes
        return plan.streaming == "always" or (is_too_much and streamed.expected_bytes < whole.expected_bytes)
    if plan.streaming == "always":
        raise InvalidCommand(obstacle.problem, details=[{"where": obstacle.where, "problem": obstacle.problem}])
    return False


def find_obstacle(plan: FitPlan) -> Obstacle | None:
    """The first reason why a training cannot be streamed; None if it can.

    Raises:
        UnknownEstimator, InvalidCommand: See ``make_estimator``.
    """
    return _obstacle_of_tuning(plan) or _obstacle_of_estimator(plan) or _obstacle_of_measuring(plan)


def _obstacle_of_tuning(plan: FitPlan) -> Obstacle | None:
    if plan.estimator_name == AUTO:
        return Obstacle("streaming", "estimator 'auto' cannot be streamed: name an estimator that can be")
    for name, given in (("search", plan.tuning), ("calibration", plan.calibration), ("threshold", plan.threshold)):
        if given is not None:
            return Obstacle(name, f"{name} needs the whole table in memory, and streamed rows are not")
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
        problem = f"{name} cannot be streamed with early_stopping, which holds out rows of its own: set epochs instead"
        return Obstacle("hyperparameters.early_stopping", problem)
    if plan.sample_weight is not None and not takes(estimator, "sample_weight"):
        return Obstacle("sample_weight", f"{name} does not accept sample weights for streamed rows")
    return None


def _obstacle_of_measuring(plan: FitPlan) -> Obstacle | None:
    if plan.cross_validation is not None:
        return Obstacle("cross_validation", "streamed rows cannot be cross-validated: measure on the hold-out")
    if plan.hold_out.time_column is not None:
        problem = "streamed rows cannot be held out by time: upload the latest rows as a hold-out dataset"
        return Obstacle("hold_out.time_column", problem)
    if plan.group_column is not None:
        problem = "streamed rows cannot be held out by group: upload some groups as a hold-out dataset"
        return Obstacle("hold_out.group_column", problem)
    if plan.hold_out.is_stratified:
        problem = "streamed rows are held out at random in each row group and cannot be stratified"
        return Obstacle("hold_out.is_stratified", problem)
    return None
