"""What a plan needs before any row is read: an estimator that does its task, and columns that the dataset has."""

from collections.abc import Collection

from modelbus.shared.contracts import Task
from modelbus.shared.contracts.commands.tuning import AUTO
from modelbus.shared.errors import InvalidCommand
from modelbus.trainer.catalogue.entries import find_estimator
from modelbus.trainer.fitting.plan import FitPlan


def agreed_task(estimator_name: str, task: Task | None) -> Task:
    """What is learnt.

    Raises:
        UnknownEstimator: There is no estimator of that name.
        InvalidCommand: It does not do the task that was asked for.
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
    problem = "auto learns classes or numbers" + (f", and does no {task}" if task else ", and needs a target")
    raise InvalidCommand(problem, details=[{"where": "task" if task else "target", "problem": problem}])


def require_columns(plan: FitPlan, known: Collection[str]) -> None:
    """Check that there are features, and that the dataset has them and the target.

    Raises:
        InvalidCommand: Names what is wrong.
    """
    features = [column.name for column in plan.features]
    if not features:
        raise InvalidCommand("there is no column to predict from", details=[{"where": "features", "problem": "empty"}])
    if plan.target in features:
        raise InvalidCommand(
            f"the target {plan.target!r} is among the features",
            details=[{"where": "features", "problem": "has the target"}],
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
        raise InvalidCommand(f"the dataset has no column {', '.join(map(repr, absent))}", details=details)
