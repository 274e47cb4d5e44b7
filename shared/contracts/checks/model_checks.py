"""Checks of trainings against the existing model and the task. The gateway runs them before it accepts a command and
the worker before it starts, so that both doors reject the same commands.
"""

from modelbus.shared.contracts.base import Task
from modelbus.shared.contracts.checks.command_checks import refused
from modelbus.shared.contracts.commands.training import RetrainModel, Training
from modelbus.shared.contracts.commands.tuning import AUTO, auto_task
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.documents.model_documents import ModelDocument, VersionDocument
from modelbus.shared.contracts.metric_names import is_higher_better, metrics_of_kind
from modelbus.shared.contracts.near_names import near_names


def check_promotion(metric: str | None, task: Task) -> None:
    """Check that a metric can compare versions of a task.

    Args:
        metric: The metric of the command, or None.
        task: The task of the training.

    Raises:
        InvalidCommand: The task has no such metric, or the metric has no direction.
    """
    measured = metrics_of_kind(task)
    known = [name for name in measured if is_higher_better(name) is not None]
    if metric is None or metric in known:
        return
    if not known:
        problem = f"{task} has no metric for comparing versions"
        raise refused([{"where": "promote_metric", "problem": problem}])
    if metric in measured:
        problem = f"{metric} cannot rank versions: neither higher nor lower is better"
    else:
        problem = f"{task} has no metric {metric!r}"
    close = near_names(metric, known, 3) or sorted(known)
    raise refused([{"where": "promote_metric", "problem": problem, "expected": close}])


def standing_version(model: ModelDocument) -> int | None:
    """The number of the version that defines what a model predicts: its champion, else its newest; None without
    versions.
    """
    number = model.get("aliases", {}).get("champion") or max(model.get("versions", []), default=None)
    return None if number is None else int(number)


def check_same_target(command: Training, task: Task, standing: VersionDocument | None) -> None:
    """Check that a new version of a model has the model's target and task, unless the command allows another target.

    Args:
        command: The training.
        task: The task of the training.
        standing: The document of the version that defines what the model predicts; None for a new model.

    Raises:
        InvalidCommand: The target or the task differs; names both.
    """
    if standing is None or command.allow_target_change:
        return
    _require_same(standing, command.target, task, command.estimator)


def check_retrained_task(command: RetrainModel, earlier: VersionDocument, dataset: DatasetDocument) -> None:
    """Check that retraining a version keeps its task, if `auto` derives the task from the dataset.

    Args:
        command: The training.
        earlier: The document of the version to retrain.
        dataset: The record of the training dataset.

    Raises:
        InvalidCommand: The task would differ.
    """
    said = earlier.get("specification") or {}
    is_chosen = said.get("estimator") == AUTO and said.get("task") is None and command.tuning == "repeat"
    if not is_chosen or command.allow_target_change:
        return
    target = next((column for column in dataset["columns"] if column["name"] == said["target"]), None)
    if target is not None:  # the job reports a missing target
        _require_same(earlier, said["target"], auto_task(target), AUTO)


def _require_same(standing: VersionDocument, target: str | None, task: Task, estimator: str) -> None:
    signature, name = standing["signature"], f"version {standing['version']} of model {standing['model']!r}"
    theirs, ours = _question(signature.get("target"), signature["task"]), _question(target, task)
    if theirs == ours:
        return
    is_other_target = signature.get("target") != target
    where = "target" if is_other_target else "task" if estimator == AUTO else "estimator"
    problem = f"this training {ours}, but {name} {theirs}; use another model name, or set allow_target_change"
    expected, given = (signature.get("target"), target) if is_other_target else (signature["task"], task)
    raise refused([{"where": where, "problem": problem, "given": given, "expected": expected}])


def _question(target: str | None, task: str) -> str:
    return f"performs {task}" if target is None else f"predicts {target!r} ({task})"
