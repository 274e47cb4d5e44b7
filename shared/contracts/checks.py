"""What a valid command needs of the records: checked by the gateway before it accepts, and by the worker before it
begins, so that both doors refuse alike.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from shared.contracts.commands import Predict, TrainModel
from shared.contracts.datasets import ReadRows
from shared.errors import InvalidCommand, LimitExceeded, UnknownEstimator

_DETAIL_LIMIT: Final = 100
_HINT_LIMIT: Final = 10
"""Faults of an error that are told with what was likely meant."""


def check_training_columns(command: TrainModel, dataset: Mapping[str, Any]) -> None:
    """Check that target and features are columns of the dataset.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant.
    """
    wanted = [("target", command.target)]
    wanted += [(f"features.{position}", name) for position, name in enumerate(command.features or [])]
    _require_columns(wanted, command.dataset, dataset)
    if len(dataset["columns"]) < 2:
        raise InvalidCommand(f"dataset {command.dataset!r} has no column besides the target to learn from")


def check_columns(command: ReadRows, dataset: Mapping[str, Any]) -> None:
    """Check that the columns to read are columns of the dataset, each named once.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant, or that is named twice.
    """
    wanted = [(f"columns.{position}", name) for position, name in enumerate(command.columns or [])]
    _require_columns(wanted, command.dataset, dataset)
    names = [name for _, name in wanted]
    details = [
        {"where": where, "problem": f"column {name!r} is named twice"}
        for position, (where, name) in enumerate(wanted)
        if name in names[:position]
    ]
    if details:
        raise _refused(details)


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


def _require_columns(wanted: Iterable[tuple[str, str]], dataset: str, document: Mapping[str, Any]) -> None:
    """Check that columns are there.

    Args:
        wanted: Where in the command each is named, and its name.
        dataset: The dataset's name.
        document: The dataset's document.
    """
    known = [column["name"] for column in document["columns"]]
    there = set(known)
    missing = [(where, name) for where, name in wanted if name not in there][:_DETAIL_LIMIT]
    details: list[dict[str, Any]] = [
        {"where": where, "problem": f"no column {name!r} in dataset {dataset!r}"} for where, name in missing
    ]
    # Likeness costs time that grows with both tables' widths.
    for detail, (_, name) in zip(details[:_HINT_LIMIT], missing, strict=False):
        detail.update(_likely(name, known))
    if details:
        raise _refused(details)


def _refused(details: list[dict[str, Any]]) -> InvalidCommand:
    """The error for faulty fields; its sentence names the first three."""
    named = "; ".join(f"{detail['where']}: {detail['problem']}{_asked(detail)}" for detail in details[:3])
    return InvalidCommand(named, details=details[:_DETAIL_LIMIT])


def _likely(name: str, known: list[str]) -> dict[str, Any]:
    close = get_close_matches(name, known, n=3)
    return {"expected": close or known[:20]}


def _asked(detail: Mapping[str, Any]) -> str:
    expected = detail.get("expected", [])
    return f" (is it {expected[0]!r}?)" if len(expected) == 1 else ""
