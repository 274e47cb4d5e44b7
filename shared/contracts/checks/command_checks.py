"""Checks of commands against the records. The gateway runs them before it accepts a command and the worker before it
starts, so that both doors reject the same commands.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from modelbus.shared.contracts.base import UNSUPERVISED, Task
from modelbus.shared.contracts.commands.datasets import ReadRows
from modelbus.shared.contracts.commands.prediction import Predict, PredictDataset
from modelbus.shared.contracts.commands.training import Training
from modelbus.shared.contracts.commands.tuning import auto_task
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.near_names import near_names
from modelbus.shared.errors import InvalidCommand, LimitExceeded, UnknownEstimator

_DETAIL_LIMIT: Final = 100
_HINT_LIMIT: Final = 10
"""The maximum number of faults with a suggestion."""
_SHOWN_LIMIT: Final = 20
"""The maximum number of columns listed if none is similar."""


def check_training_columns(command: Training, dataset: DatasetDocument) -> None:
    """Check that the dataset has all columns that the command names.

    Raises:
        InvalidCommand: Names each missing column and the most similar ones.
    """
    wanted = [] if command.target is None else [("target", command.target)]
    wanted += [(f"features.{position}", name) for position, name in enumerate(command.features or [])]
    wanted += [(f"exclude.{position}", name) for position, name in enumerate(command.exclude or [])]
    single = {
        "sample_weight": command.sample_weight,
        "hold_out.time_column": command.hold_out.time_column,
        "hold_out.group_column": command.hold_out.group_column,
    }
    for field in ("free_text", "categorical"):
        wanted += [(f"{field}.{position}", name) for position, name in enumerate(getattr(command, field) or [])]
    wanted += [(where, name) for where, name in single.items() if name is not None]
    require_columns(wanted, command.dataset, dataset)
    _check_text_columns(command, dataset)
    if not training_features(command, [column["name"] for column in dataset["columns"]]):
        raise InvalidCommand(
            f"dataset {command.dataset!r} has no column{' besides the target' if command.target else ''} to train on",
            details=[{"where": "features", "problem": "no columns left", "expected": "at least one column"}],
        )


def _check_text_columns(command: Training, dataset: DatasetDocument) -> None:
    """Check that the columns of ``free_text`` and ``categorical`` are text and features.

    Raises:
        InvalidCommand: Names each column that fails the check.
    """
    columns = {column["name"]: column for column in dataset["columns"]}
    features = set(training_features(command, list(columns)))
    details = []
    for field in ("free_text", "categorical"):
        for position, name in enumerate(getattr(command, field) or []):
            problem, kind = None, columns[name].get("type")
            if name not in features:
                problem = f"column {name!r} is not a feature of this training"
            elif kind not in ("text", "empty"):
                problem = f"column {name!r} has type {kind}; only text can be free text or categorical"
            if problem:
                details.append(
                    {"where": f"{field}.{position}", "problem": problem, "expected": "a feature of type text"}
                )
    if details:
        raise refused(details)


def check_training_task(command: Training, task: Task) -> None:
    """Check that the command has what the task of its estimator requires, and no option of other tasks.

    Args:
        command: The command.
        task: The task of its estimator.

    Raises:
        InvalidCommand: The target is missing, or an option does not apply to the task.
    """
    does = f"{command.estimator} performs {task}"
    if task not in UNSUPERVISED:
        if command.target is None:
            problem = f"{does}, which requires a target"
            raise refused([{"where": "target", "problem": problem, "expected": "the name of the column to predict"}])
        _check_of_classes(command, task)
        return
    of_other_tasks = (
        ("target", command.target, "has no target; use `exclude` to leave a column out"),
        ("class_weight", command.class_weight, "has no classes to weight"),
        ("hold_out.is_stratified", command.hold_out.is_stratified or None, "has no classes to stratify by"),
        ("cross_validation", command.cross_validation, "has no target to validate against"),
        ("calibration", command.calibration, "has no probabilities"),
        ("threshold", command.threshold, "has no probabilities"),
    )
    details = [
        {"where": where, "problem": f"{does}, which {why}"} for where, given, why in of_other_tasks if given is not None
    ]
    if details:
        raise refused(details)


def _check_of_classes(command: Training, task: Task) -> None:
    if task == "classification":
        return
    does = f"{command.estimator} performs {task}, which has no class probabilities"
    given = [name for name in ("calibration", "threshold") if getattr(command, name) is not None]
    if given:
        raise refused([{"where": name, "problem": does} for name in given])


def auto_training_task(command: Training, dataset: DatasetDocument) -> Task:
    """The task of a training whose estimator is `auto`.

    Args:
        command: The command.
        dataset: The dataset's record with the target.

    Raises:
        InvalidCommand: The target is missing, or the task has no target.
    """
    if command.task in UNSUPERVISED:
        problem = f"auto supports classification and regression, not {command.task}; name an estimator"
        raise refused([{"where": "task", "problem": problem, "expected": ["classification", "regression"]}])
    target = next((column for column in dataset["columns"] if column["name"] == command.target), None)
    if target is None:
        problem = "auto requires a target"
        raise refused([{"where": "target", "problem": problem, "expected": "the name of the column to predict"}])
    return command.task or auto_task(target)


def check_columns(command: ReadRows, dataset: DatasetDocument) -> None:
    """Check that the dataset has the columns to read, and that each is named once.

    Raises:
        InvalidCommand: Names each missing column with the most similar ones, and each duplicate.
    """
    wanted = [(f"columns.{position}", name) for position, name in enumerate(command.columns or [])]
    require_columns(wanted, command.dataset, dataset)
    _require_once(wanted)


def check_kept_columns(command: PredictDataset, dataset: DatasetDocument) -> None:
    """Check that the columns to keep are columns of the dataset, each named once.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant, or that is named twice.
    """
    wanted = _kept(command)
    require_columns(wanted, command.dataset, dataset)
    _require_once(wanted)


def check_kept_in_rows(command: Predict) -> None:
    """Check that each column to keep is in one of the rows at least, and named once.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant, or that is named twice.
    """
    wanted = _kept(command)
    if not wanted:
        return
    known = list(dict.fromkeys(name for row in command.rows for name in row))
    details = missing_columns(wanted, known, lambda name: f"no column {name!r} in the rows")
    if details:
        raise refused(details)
    _require_once(wanted)


def _kept(command: Predict | PredictDataset) -> list[tuple[str, str]]:
    return [(f"keep.{position}", name) for position, name in enumerate(command.keep or [])]


def _require_once(wanted: Iterable[tuple[str, str]]) -> None:
    first: dict[str, str] = {}
    details = [
        {"where": where, "problem": f"column {name!r} is named twice"}
        for where, name in wanted
        if first.setdefault(name, where) != where
    ]
    if details:
        raise refused(details)


def training_features(command: Training, known: Sequence[str]) -> list[str]:
    """The features: the named ones, or all other columns except the excluded ones.

    Args:
        command: The command.
        known: The columns of the dataset.
    """
    if command.features is not None:
        return list(command.features)
    others = {command.target, command.sample_weight, command.hold_out.group_column, *(command.exclude or [])}
    return [name for name in known if name not in others]


def check_same_columns(command: Training, hold_out: DatasetDocument, names: Sequence[str]) -> None:
    """Check that the hold-out dataset has the target, if any, and all features.

    Raises:
        InvalidCommand: Names each missing column and the most similar ones.
    """
    require_columns([("hold_out.dataset", name) for name in names], str(command.hold_out.dataset), hold_out)


def check_target_column(target: str, known: Sequence[str]) -> None:
    """Check that a file has the target column.

    Args:
        target: The target of the command.
        known: The columns of the file.

    Raises:
        InvalidCommand: Names the most similar columns.
    """
    details = missing_columns([("target", target)], known, lambda name: f"the file has no column {name!r}")
    if details:
        raise refused(details)


def missing_columns(
    wanted: Iterable[tuple[str, str]], known: Sequence[str], problem_of: Callable[[str], str]
) -> list[dict[str, Any]]:
    """A detail for each named column that does not exist, at most 100; the first ten have the most similar columns.

    Args:
        wanted: The place of each column in the command, and its name.
        known: The existing columns.
        problem_of: Makes the sentence for a missing name.
    """
    there = set(known)
    missing = [(where, name) for where, name in wanted if name not in there][:_DETAIL_LIMIT]
    details: list[dict[str, Any]] = [{"where": where, "problem": problem_of(name)} for where, name in missing]
    # The time to find similar names grows with the widths of both tables.
    for detail, (_, name) in zip(details[:_HINT_LIMIT], missing, strict=False):
        detail["expected"] = near_names(name, known, 3) or list(known[:_SHOWN_LIMIT])
    return details


def unknown_estimator(name: str, offered: Iterable[str], left_out: Mapping[str, str]) -> UnknownEstimator:
    """The error for an estimator that is not available: the reason, or the most similar names.

    Args:
        name: The requested name.
        offered: The names in the catalogue.
        left_out: Estimators that are left out on purpose, with the reason.
    """
    if name in left_out:
        return UnknownEstimator(
            f"estimator {name} is not available: {left_out[name]}", details=[{"where": "estimator"}]
        )
    close = near_names(name, offered, 3)
    suggestion = f"; did you mean {' or '.join(close)}?" if close else "; see the list of estimators"
    detail = {"where": "estimator", "problem": "unknown estimator", **({"expected": close} if close else {})}
    return UnknownEstimator(f"unknown estimator {name[:100]!r}{suggestion}", details=[detail])


def check_row_count(command: Predict, limit: int) -> None:
    """Check that a prediction does not have too many rows for an immediate answer.

    Raises:
        LimitExceeded: Names the alternatives.
    """
    if len(command.rows) > limit:
        raise LimitExceeded(
            f"{len(command.rows):,} rows exceed the limit of {limit:,}; upload them as a dataset and use "
            "PredictDataset, or raise MODELBUS_PREDICT_ROWS_LIMIT"
        )


def require_columns(wanted: Iterable[tuple[str, str]], dataset: str, document: DatasetDocument) -> None:
    """Check that a dataset has some columns.

    Args:
        wanted: The place of each column in the command, and its name.
        dataset: The dataset's name.
        document: The document of the dataset.
    """
    known = [column["name"] for column in document["columns"]]
    details = missing_columns(wanted, known, lambda name: f"dataset {dataset!r} has no column {name!r}")
    if details:
        raise refused(details)


def refused(details: list[dict[str, Any]]) -> InvalidCommand:
    """The error for faulty fields; its message names the first three."""
    named = "; ".join(f"{detail['where']}: {detail['problem']}{_suggestion(detail)}" for detail in details[:3])
    return InvalidCommand(named, details=details[:_DETAIL_LIMIT])


def _suggestion(detail: Mapping[str, Any]) -> str:
    expected = detail.get("expected", [])
    return f" (did you mean {expected[0]!r}?)" if len(expected) == 1 and "given" not in detail else ""
