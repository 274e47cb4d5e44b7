"""Checks of a plan before any row is read: the estimator fits the task, and the dataset has the columns."""

from collections.abc import Collection

from modelbus.shared.contracts import Task
from modelbus.shared.contracts.commands.tuning import AUTO
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.plural import agreeing
from modelbus.trainer.catalogue.entries import find_estimator
from modelbus.trainer.fitting.plan import FitPlan


def agreed_task(estimator_name: str, task: Task | None) -> Task:
    """Return the task, after checking that the estimator can do it.

    Raises:
        UnknownEstimator: There is no estimator of that name.
        InvalidCommand: The estimator does another task.
    """
    if estimator_name == AUTO:
        return _task_of_auto(task)
    does: Task = find_estimator(estimator_name).record.task
    if task is not None and task != does:
        raise InvalidCommand(
            f"{estimator_name} does {does}, not {task}",
            details=[{"where": "task", "problem": f"{estimator_name} does {does}", "expected": does, "given": task}],
        )
    return does


def _task_of_auto(task: Task | None) -> Task:
    if task in ("classification", "regression"):
        return task
    problem = "estimator 'auto' supports classification and regression"
    problem += f", not {task}" if task else ", which need a target"
    raise InvalidCommand(problem, details=[{"where": "task" if task else "target", "problem": problem}])


def require_columns(plan: FitPlan, known: Collection[str]) -> None:
    """Check that there are features, and that the dataset has the features and the target.

    Raises:
        InvalidCommand: There are none, or columns are missing, with one detail for each.
    """
    features = [column.name for column in plan.features]
    if not features:
        raise InvalidCommand("no feature is left to predict from", details=[{"where": "features", "problem": "empty"}])
    if plan.target in features:
        raise InvalidCommand(
            f"the target {plan.target!r} is among the features",
            details=[{"where": "features", "problem": "includes the target"}],
        )
    needed = features if plan.target is None else [plan.target, *features]
    absent = [name for name in needed if name not in known]
    if absent:
        details = [
            {
                "where": "target" if name == plan.target else f"features.{name}",
                "problem": "the dataset has no such column",
            }
            for name in absent
        ]
        noun = agreeing(len(absent), "column", "columns")
        raise InvalidCommand(f"the dataset has no {noun} {', '.join(map(repr, absent))}", details=details)
