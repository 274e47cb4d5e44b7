"""What a valid command needs of the records: checked by the gateway before it accepts, and by the worker before it
begins, so that both doors refuse alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from shared.contracts.prediction import Predict
from shared.contracts.training import Training
from shared.errors import InvalidCommand, LimitExceeded, UnknownEstimator


def check_training_columns(command: Training, dataset: Mapping[str, Any]) -> None:
    """Check that all columns that the command names are columns of the dataset.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant.
    """
    known = [column["name"] for column in dataset["columns"]]
    wanted = [("target", command.target)]
    wanted += [(f"features.{position}", name) for position, name in enumerate(command.features or [])]
    wanted += [(f"excluded.{position}", name) for position, name in enumerate(command.excluded or [])]
    single = {"sample_weight": command.sample_weight, "hold_out.time_column": command.hold_out.time_column}
    wanted += [(where, name) for where, name in single.items() if name is not None]
    details = [
        {"where": where, "problem": f"no column {name!r} in dataset {command.dataset!r}", **_likely(name, known)}
        for where, name in wanted
        if name not in known
    ]
    if details:
        raise InvalidCommand(
            "; ".join(f"{d['where']}: {d['problem']}{_asked(d)}" for d in details[:3]), details=details
        )
    if not training_features(command, known):
        raise InvalidCommand(
            f"dataset {command.dataset!r} has no column besides the target to learn from",
            details=[{"where": "features", "problem": "no column is left", "expected": "one column at least"}],
        )


def training_features(command: Training, known: Sequence[str]) -> list[str]:
    """The columns to predict from: those that are named, or all others less those that are excluded.

    Args:
        command: The command.
        known: The dataset's columns.
    """
    if command.features is not None:
        return list(command.features)
    others = {command.target, command.sample_weight, *(command.excluded or [])}
    return [name for name in known if name not in others]


def check_same_columns(command: Training, hold_out: Mapping[str, Any], names: Sequence[str]) -> None:
    """Check that the dataset to measure on has the target and all columns to predict from.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant.
    """
    known = [column["name"] for column in hold_out["columns"]]
    details = [
        {
            "where": "hold_out.dataset",
            "problem": f"no column {name!r} in dataset {command.hold_out.dataset!r}",
            **_likely(name, known),
        }
        for name in names
        if name not in known
    ]
    if details:
        raise InvalidCommand("; ".join(str(detail["problem"]) for detail in details[:3]), details=details)


def check_target_column(target: str, known: Sequence[str]) -> None:
    """Check that the target is a column of a file.

    Args:
        target: What the command names.
        known: The file's columns.

    Raises:
        InvalidCommand: Names the likeliest columns meant.
    """
    if target not in known:
        detail = {"where": "target", "problem": f"no column {target!r} in the file", **_likely(target, list(known))}
        raise InvalidCommand(f"target: {detail['problem']}{_asked(detail)}", details=[detail])


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
            f"{len(command.rows)} rows, the limit is {limit}: upload them with POST /datasets and predict the dataset"
        )


def _likely(name: str, known: list[str]) -> dict[str, Any]:
    close = get_close_matches(name, known, n=3)
    return {"expected": close or known[:20]}


def _asked(detail: Mapping[str, Any]) -> str:
    return f" (is it {detail['expected'][0]!r}?)" if len(detail["expected"]) == 1 else ""
