"""Evaluations side by side: metric by metric, with the best one, and what makes the comparison doubtful."""

from collections.abc import Sequence
from typing import Any, Final

from modelbus.shared.contracts.metric_names import is_higher_better

_SHOWN: Final = (
    "id",
    "model",
    "version",
    "dataset",
    "task",
    "row_count",
    "dropped_row_count",
    "positive_class",
    "created_at",
)
_ALIKE: Final = (
    ("task", "they measure different tasks"),
    ("dataset", "they are on different datasets"),
    ("dataset_sha256", "their datasets have different contents"),
    ("row_count", "they are on different numbers of rows"),
    ("positive_class", "they are about different positive classes"),
)
Record = dict[str, Any]


def compare(records: Sequence[Record]) -> Record:
    """Put evaluations beside each other.

    Args:
        records: Two or more, filled; the differences are to the first.

    Returns:
        ``evaluations``, what each is of; ``metrics``, for each that one of them has ``metric``,
        ``is_higher_better`` (null where neither is), ``values``, ``differences`` and ``best``, the ids of the best; and
        ``warnings``.
    """
    names = list(dict.fromkeys(name for record in records for name in record["metrics"]))
    return {
        "evaluations": [{name: record[name] for name in _SHOWN} for record in records],
        "metrics": [_compared(name, records) for name in names],
        "warnings": _warnings(records),
    }


def _compared(name: str, records: Sequence[Record]) -> Record:
    values = [record["metrics"].get(name) for record in records]
    first = values[0]
    return {
        "metric": name,
        "is_higher_better": is_higher_better(name),
        "values": values,
        "differences": [None if first is None or value is None else value - first for value in values],
        "best": _best(name, values, records),
    }


def _best(name: str, values: Sequence[float | None], records: Sequence[Record]) -> list[str]:
    is_better = is_higher_better(name)
    defined = [value for value in values if value is not None]
    if is_better is None or len(defined) < 2:
        return []
    best = max(defined) if is_better else min(defined)
    return [record["id"] for record, value in zip(records, values, strict=True) if value == best]


def _warnings(records: Sequence[Record]) -> list[str]:
    found = [f"{sentence}: {_told(field, records)}" for field, sentence in _ALIKE if _differ(field, records)]
    weights = {record["options"].get("weight") for record in records}
    if len(weights) > 1:
        named = ", ".join("none" if weight is None else repr(weight) for weight in sorted(weights, key=str))
        found.append(f"their rows are weighted differently: {named}")
    return found


def _differ(field: str, records: Sequence[Record]) -> bool:
    values = {repr(record[field]) for record in records}
    if field == "dataset_sha256":
        # of another dataset it is told already, and evaluations of earlier releases do not have it
        return len(values - {"None"}) > 1 and not _differ("dataset", records)
    return len(values) > 1


def _told(field: str, records: Sequence[Record]) -> str:
    return ", ".join(f"{record['id']} {str(record[field])[:100]}" for record in records)
