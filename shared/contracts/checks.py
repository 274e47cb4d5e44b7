"""What a valid command needs of the records: checked by the gateway before it accepts, and by the worker before it
begins, so that both doors refuse alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from shared.contracts.commands import Predict, TrainModel
from shared.errors import InvalidCommand, LimitExceeded, UnknownEstimator


def check_training_columns(command: TrainModel, dataset: Mapping[str, Any]) -> None:
    """Check that target and features are columns of the dataset.

    Raises:
        InvalidCommand: Names each column that is missing, and the likeliest ones meant.
    """
    known = [column["name"] for column in dataset["columns"]]
    wanted = [("target", command.target)]
    wanted += [(f"features.{position}", name) for position, name in enumerate(command.features or [])]
    details = [
        {"where": where, "problem": f"no column {name!r} in dataset {command.dataset!r}", **_likely(name, known)}
        for where, name in wanted
        if name not in known
    ]
    if details:
        raise InvalidCommand(
            "; ".join(f"{d['where']}: {d['problem']}{_asked(d)}" for d in details[:3]), details=details
        )
    if len(known) < 2:
        raise InvalidCommand(f"dataset {command.dataset!r} has no column besides the target to learn from")


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
