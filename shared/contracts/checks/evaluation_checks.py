"""Checks of evaluations against the records. The gateway runs them before it accepts a command and the worker before it
starts, so that both doors reject the same commands.
"""

from typing import Any

from modelbus.shared.contracts.base import UNSUPERVISED
from modelbus.shared.contracts.checks.command_checks import refused, require_columns
from modelbus.shared.contracts.commands.evaluation import EvaluateModel, EvaluatePredictions, Evaluation
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.documents.model_documents import SignatureDocument

_NUMBERS = ("integer", "real", "boolean")


def check_evaluation(command: Evaluation, dataset: DatasetDocument, signature: SignatureDocument | None) -> None:
    """Check that the columns of an evaluation exist and that its options apply to the task.

    Args:
        command: The command.
        dataset: The document of its dataset.
        signature: The signature of the evaluated version; None if predictions are evaluated.

    Raises:
        InvalidCommand: Names each missing column with the most similar ones, or each option that does not apply.
    """
    require_columns(_columns(command), command.dataset, dataset)
    details = [*_weight_faults(command, dataset), *_option_faults(command, signature)]
    if details:
        raise refused(details)


def _columns(command: Evaluation) -> list[tuple[str, str]]:
    """The place of each column in the command, and its name."""
    wanted = [] if command.weight is None else [("weight", command.weight)]
    wanted += [(f"slices.{position}", name) for position, name in enumerate(command.slices)]
    if isinstance(command, EvaluateModel) and command.truth is not None:
        wanted.append(("truth", command.truth))
    if isinstance(command, EvaluatePredictions):
        wanted += [("truth", command.truth), ("prediction", command.prediction)]
        wanted += [(f"probabilities.{label}", name) for label, name in (command.probabilities or {}).items()]
    return wanted


def _weight_faults(command: Evaluation, dataset: DatasetDocument) -> list[dict[str, Any]]:
    types = {column["name"]: column["type"] for column in dataset["columns"]}
    if command.weight is None or types[command.weight] in _NUMBERS:
        return []
    problem = f"column {command.weight!r} has type {types[command.weight]}; weights must be numbers"
    return [{"where": "weight", "problem": problem, "expected": "a numeric column"}]


def _task_of(command: Evaluation, signature: SignatureDocument | None) -> tuple[str, int | None]:
    """The task and, if known, the number of classes."""
    if isinstance(command, EvaluatePredictions):
        return command.task, None
    assert signature is not None  # a model has one
    return signature["task"], len(signature.get("classes") or [])


def _option_faults(command: Evaluation, signature: SignatureDocument | None) -> list[dict[str, Any]]:
    """Options that do not apply to the task."""
    task, class_count = _task_of(command, signature)
    is_binary = task == "classification" and class_count in (None, 2)
    has_outliers = task == "outlier_detection" and isinstance(command, EvaluateModel) and command.truth is not None
    details = []
    for name, given in (("best_threshold", command.best_threshold), ("positive_class", command.positive_class)):
        if given is not None and not (is_binary or has_outliers):
            problem = f"requires binary classification; this is {task}" + (
                f" with {class_count} classes" if class_count else ""
            )
            details.append({"where": name, "problem": problem})
    if command.intervals is not None and task in UNSUPERVISED and not has_outliers:
        details.append({"where": "intervals", "problem": f"intervals are not available for {task}"})
    if command.weight is not None and task in UNSUPERVISED:
        details.append({"where": "weight", "problem": f"metrics of {task} do not support weights"})
    return details
