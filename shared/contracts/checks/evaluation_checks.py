"""What a valid evaluation needs of the records: checked by the gateway before it accepts, and by the worker before it
begins, so that both doors refuse alike.
"""

from typing import Any

from modelbus.shared.contracts.base import UNSUPERVISED
from modelbus.shared.contracts.checks.command_checks import refused, require_columns
from modelbus.shared.contracts.commands.evaluation import EvaluateModel, EvaluatePredictions, Evaluation
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.documents.model_documents import SignatureDocument

_NUMBERS = ("integer", "real", "boolean")


def check_evaluation(command: Evaluation, dataset: DatasetDocument, signature: SignatureDocument | None) -> None:
    """Check that an evaluation's columns are there and its options fit what is measured.

    Args:
        command: The command.
        dataset: The document of its dataset.
        signature: That of the model version that it measures; None where it measures predictions.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant, or each option that does not
            fit.
    """
    require_columns(_columns(command), command.dataset, dataset)
    details = [*_weight_faults(command, dataset), *_option_faults(command, signature)]
    if details:
        raise refused(details)


def _columns(command: Evaluation) -> list[tuple[str, str]]:
    """Where each column is named, and its name."""
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
    problem = f"column {command.weight!r} is {types[command.weight]}, so it cannot say how much a row counts"
    return [{"where": "weight", "problem": problem, "expected": "a column of numbers"}]


def _task_of(command: Evaluation, signature: SignatureDocument | None) -> tuple[str, int | None]:
    """The task, and how many classes it has where that is known."""
    if isinstance(command, EvaluatePredictions):
        return command.task, None
    assert signature is not None  # a model has one
    return signature["task"], len(signature.get("classes") or [])


def _option_faults(command: Evaluation, signature: SignatureDocument | None) -> list[dict[str, Any]]:
    """Options that do not fit the task."""
    task, class_count = _task_of(command, signature)
    is_binary = task == "classification" and class_count in (None, 2)
    has_outliers = task == "outlier_detection" and isinstance(command, EvaluateModel) and command.truth is not None
    details = []
    for name, given in (("best_threshold", command.best_threshold), ("positive_class", command.positive_class)):
        if given is not None and not (is_binary or has_outliers):
            problem = f"it is about two classes; this is {task}" + (f" of {class_count}" if class_count else "")
            details.append({"where": name, "problem": problem})
    if command.intervals is not None and task in UNSUPERVISED and not has_outliers:
        details.append({"where": "intervals", "problem": f"{task} has no intervals without known outliers"})
    if command.weight is not None and task in UNSUPERVISED:
        details.append({"where": "weight", "problem": f"metrics of {task} know no weights"})
    return details
