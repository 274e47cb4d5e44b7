"""What a training needs of the model that it makes a further version of, and of the task that it does: checked by the
gateway before it accepts and by the worker before it begins, so that both doors refuse alike.
"""

from difflib import get_close_matches

from modelbus.shared.contracts.base import Task
from modelbus.shared.contracts.checks.command_checks import refused
from modelbus.shared.contracts.commands.training import RetrainModel, Training
from modelbus.shared.contracts.commands.tuning import AUTO, auto_task
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.documents.model_documents import ModelDocument, VersionDocument
from modelbus.shared.contracts.metric_names import is_higher_better, metrics_of_kind


def check_promotion(metric: str | None, task: Task) -> None:
    """Check that versions of a task can be compared by a metric.

    Args:
        metric: What the command names; None where it names none.
        task: What is learnt.

    Raises:
        InvalidCommand: The task has no such metric, or neither more nor less of it is better.
    """
    measured = metrics_of_kind(task)
    known = [name for name in measured if is_higher_better(name) is not None]
    if metric is None or metric in known:
        return
    if not known:
        problem = f"{task} has no metric that says which version is better"
        raise refused([{"where": "promote_metric", "problem": problem}])
    if metric in measured:
        problem = f"neither more nor less of {metric} is better"
    else:
        problem = f"{task} has no metric {metric!r}"
    close = get_close_matches(metric, known, n=3) or sorted(known)
    raise refused([{"where": "promote_metric", "problem": problem, "expected": close}])


def standing_version(model: ModelDocument) -> int | None:
    """The number of the version that says what a model predicts: its champion, else its newest; None if it has none."""
    number = model.get("aliases", {}).get("champion") or max(model.get("versions", []), default=None)
    return None if number is None else int(number)


def check_same_target(command: Training, task: Task, standing: VersionDocument | None) -> None:
    """Check that a further version of a model predicts what the model does, or that the command allows another target.

    Args:
        command: The training.
        task: What it learns.
        standing: The version that says what the model predicts: its document; None of a new model.

    Raises:
        InvalidCommand: It predicts another target, or does another task; names both.
    """
    if standing is None or command.allow_target_change:
        return
    _require_same(standing, command.target, task, command.estimator)


def check_retrained_task(command: RetrainModel, earlier: VersionDocument, dataset: DatasetDocument) -> None:
    """Check that training a version again does its task, where `auto` takes the task from the dataset.

    Args:
        command: The training.
        earlier: The version to start from: its document.
        dataset: The dataset to train on: its record.

    Raises:
        InvalidCommand: It would do another task.
    """
    said = earlier.get("specification") or {}
    is_chosen = said.get("estimator") == AUTO and said.get("task") is None and command.tuning == "repeat"
    if not is_chosen or command.allow_target_change:
        return
    target = next((column for column in dataset["columns"] if column["name"] == said["target"]), None)
    if target is not None:  # that it is missing is told by the job
        _require_same(earlier, said["target"], auto_task(target), AUTO)


def _require_same(standing: VersionDocument, target: str | None, task: Task, estimator: str) -> None:
    signature, name = standing["signature"], f"version {standing['version']} of model {standing['model']!r}"
    theirs, ours = _question(signature.get("target"), signature["task"]), _question(target, task)
    if theirs == ours:
        return
    is_other_target = signature.get("target") != target
    where = "target" if is_other_target else "task" if estimator == AUTO else "estimator"
    problem = (
        f"this training {ours}, and {name} {theirs}; train it as another model, or allow it with allow_target_change"
    )
    expected, given = (signature.get("target"), target) if is_other_target else (signature["task"], task)
    raise refused([{"where": where, "problem": problem, "given": given, "expected": expected}])


def _question(target: str | None, task: str) -> str:
    return f"does {task}" if target is None else f"predicts {target!r} ({task})"
