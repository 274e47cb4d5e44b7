"""What a valid command needs of the records: checked by the gateway before it accepts, and by the worker before it
begins, so that both doors refuse alike.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from modelbus.shared.contracts.base import UNSUPERVISED, Task
from modelbus.shared.contracts.commands.datasets import ReadRows
from modelbus.shared.contracts.commands.prediction import Predict, PredictDataset
from modelbus.shared.contracts.commands.training import Training
from modelbus.shared.contracts.commands.tuning import auto_task
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.errors import InvalidCommand, LimitExceeded, UnknownEstimator

_DETAIL_LIMIT: Final = 100
_HINT_LIMIT: Final = 10
"""Faults of an error that are told with what was likely meant."""
_SHOWN_LIMIT: Final = 20
"""Columns that are shown where none is alike."""


def check_training_columns(command: Training, dataset: DatasetDocument) -> None:
    """Check that all columns that the command names are columns of the dataset.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant.
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
            f"dataset {command.dataset!r} has no column{' besides the target' if command.target else ''} to learn from",
            details=[{"where": "features", "problem": "no column is left", "expected": "one column at least"}],
        )


def _check_text_columns(command: Training, dataset: DatasetDocument) -> None:
    """Check that what is to be read as free text, or as categories, is text and a feature.

    Raises:
        InvalidCommand: Names each column that is not.
    """
    columns = {column["name"]: column for column in dataset["columns"]}
    features = set(training_features(command, list(columns)))
    details = []
    for field in ("free_text", "categorical"):
        for position, name in enumerate(getattr(command, field) or []):
            problem, kind = None, columns[name].get("type")
            if name not in features:
                problem = f"column {name!r} is no feature of this training"
            elif kind not in ("text", "empty"):
                problem = f"column {name!r} is {kind}: only text is read as free text or as categories"
            if problem:
                details.append({"where": f"{field}.{position}", "problem": problem, "expected": "a feature of text"})
    if details:
        raise refused(details)


def check_training_task(command: Training, task: Task) -> None:
    """Check that the command says what its estimator's task needs, and nothing that only other tasks have.

    Args:
        command: The command.
        task: What its estimator does.

    Raises:
        InvalidCommand: There is no target to learn, or there is one, classes to weigh or a truth to compare with,
            where nothing is predicted.
    """
    does = f"{command.estimator} does {task}"
    if task not in UNSUPERVISED:
        if command.target is None:
            problem = f"{does}, which needs the column to predict"
            raise refused([{"where": "target", "problem": problem, "expected": "a column's name"}])
        _check_of_classes(command, task)
        return
    of_other_tasks = (
        ("target", command.target, "learns without a target; leave the column out by `exclude`"),
        ("class_weight", command.class_weight, "has no classes to weigh"),
        ("hold_out.is_stratified", command.hold_out.is_stratified or None, "has no classes whose shares could be kept"),
        ("cross_validation", command.cross_validation, "has no truth to validate against"),
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
    does = f"{command.estimator} does {task}, which has no probabilities of classes"
    given = [name for name in ("calibration", "threshold") if getattr(command, name) is not None]
    if given:
        raise refused([{"where": name, "problem": does} for name in given])


def auto_training_task(command: Training, dataset: DatasetDocument) -> Task:
    """What a training learns whose estimator is `auto`.

    Args:
        command: The command.
        dataset: The dataset's record, which has the target.

    Raises:
        InvalidCommand: There is no target, or the task is one without.
    """
    if command.task in UNSUPERVISED:
        problem = f"auto learns classes or numbers, and does no {command.task}: name the estimator"
        raise refused([{"where": "task", "problem": problem, "expected": ["classification", "regression"]}])
    target = next((column for column in dataset["columns"] if column["name"] == command.target), None)
    if target is None:
        problem = "auto needs the column to predict"
        raise refused([{"where": "target", "problem": problem, "expected": "a column's name"}])
    return command.task or auto_task(target)


def check_columns(command: ReadRows, dataset: DatasetDocument) -> None:
    """Check that the columns to read are columns of the dataset, each named once.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant, or that is named twice.
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
    """The columns to predict from: those that are named, or all others less those that are exclude.

    Args:
        command: The command.
        known: The dataset's columns.
    """
    if command.features is not None:
        return list(command.features)
    others = {command.target, command.sample_weight, command.hold_out.group_column, *(command.exclude or [])}
    return [name for name in known if name not in others]


def check_same_columns(command: Training, hold_out: DatasetDocument, names: Sequence[str]) -> None:
    """Check that the dataset to measure on has the target, if there is one, and all columns to predict from.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant.
    """
    require_columns([("hold_out.dataset", name) for name in names], str(command.hold_out.dataset), hold_out)


def check_target_column(target: str, known: Sequence[str]) -> None:
    """Check that the target is a column of a file.

    Args:
        target: What the command names.
        known: The file's columns.

    Raises:
        InvalidCommand: Names the likeliest columns meant.
    """
    details = missing_columns([("target", target)], known, lambda name: f"no column {name!r} in the file")
    if details:
        raise refused(details)


def missing_columns(
    wanted: Iterable[tuple[str, str]], known: Sequence[str], problem_of: Callable[[str], str]
) -> list[dict[str, Any]]:
    """A detail for each column that is named and not there, 100 at most; the first ten with the likeliest ones meant.

    Args:
        wanted: Where in the command each is named, and its name.
        known: The columns that are there.
        problem_of: Says of a name that it is not there.
    """
    there = set(known)
    missing = [(where, name) for where, name in wanted if name not in there][:_DETAIL_LIMIT]
    details: list[dict[str, Any]] = [{"where": where, "problem": problem_of(name)} for where, name in missing]
    # Likeness costs time that grows with both tables' widths.
    for detail, (_, name) in zip(details[:_HINT_LIMIT], missing, strict=False):
        detail["expected"] = get_close_matches(name, known, n=3) or list(known[:_SHOWN_LIMIT])
    return details


def unknown_estimator(name: str, offered: Iterable[str], left_out: Mapping[str, str]) -> UnknownEstimator:
    """The error for an estimator that is not offered: why it is left out, or which ones are likely meant.

    Args:
        name: What was asked for.
        offered: The names of the catalogue.
        left_out: Estimators that are not offered on purpose, with the reason.
    """
    if name in left_out:
        return UnknownEstimator(f"{name} is not offered: {left_out[name]}", details=[{"where": "estimator"}])
    by_folded = {each.casefold(): each for each in offered}
    close = [by_folded[each] for each in get_close_matches(name.casefold(), by_folded, n=3)]
    hint = f"did you mean {' or '.join(close)}?" if close else "GET /estimators lists them"
    return UnknownEstimator(f"there is no estimator {name[:100]!r}; {hint}", details=[{"where": "estimator"}])


def check_row_count(command: Predict, limit: int) -> None:
    """Check that a prediction's rows are not too many to be answered at once.

    Raises:
        LimitExceeded: Says what to do instead.
    """
    if len(command.rows) > limit:
        raise LimitExceeded(
            f"{len(command.rows)} rows, the limit is {limit}: upload them with POST /datasets and predict the dataset, "
            "or raise MODELBUS_PREDICT_ROWS_LIMIT"
        )


def require_columns(wanted: Iterable[tuple[str, str]], dataset: str, document: DatasetDocument) -> None:
    """Check that columns are there.

    Args:
        wanted: Where in the command each is named, and its name.
        dataset: The dataset's name.
        document: The dataset's document.
    """
    known = [column["name"] for column in document["columns"]]
    details = missing_columns(wanted, known, lambda name: f"no column {name!r} in dataset {dataset!r}")
    if details:
        raise refused(details)


def refused(details: list[dict[str, Any]]) -> InvalidCommand:
    """The error for faulty fields; its sentence names the first three."""
    named = "; ".join(f"{detail['where']}: {detail['problem']}{_asked(detail)}" for detail in details[:3])
    return InvalidCommand(named, details=details[:_DETAIL_LIMIT])


def _asked(detail: Mapping[str, Any]) -> str:
    expected = detail.get("expected", [])
    return f" (is it {expected[0]!r}?)" if len(expected) == 1 else ""
