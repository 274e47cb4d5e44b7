"""The comparison of evaluations: the metrics, the best evaluation of each, and doubts about the comparison."""

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
    ("task", "the tasks differ"),
    ("dataset", "the datasets differ"),
    ("dataset_sha256", "the datasets have different contents"),
    ("row_count", "the numbers of rows differ"),
    ("positive_class", "the positive classes differ"),
)
Record = dict[str, Any]


def compare(records: Sequence[Record]) -> Record:
    """Compare evaluations.

    Args:
        records: Two or more completed evaluations; differences refer to the first.

    Returns:
        ``evaluations`` with their subjects; ``metrics`` with ``metric``, ``is_higher_better`` (null if neither is),
        ``values``, ``differences`` and ``best`` (the ids of the best evaluations); and ``warnings``.
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
    found = [f"{sentence}: {_listed(field, records)}" for field, sentence in _ALIKE if _differ(field, records)]
    weights = {record["options"].get("weight") for record in records}
    if len(weights) > 1:
        named = ", ".join("none" if weight is None else repr(weight) for weight in sorted(weights, key=str))
        found.append(f"the weights of the rows differ: {named}")
    return found


def _differ(field: str, records: Sequence[Record]) -> bool:
    values = {repr(record[field]) for record in records}
    if field == "dataset_sha256":
        # a different dataset is reported already, and evaluations of earlier releases lack this field
        return len(values - {"None"}) > 1 and not _differ("dataset", records)
    return len(values) > 1


def _listed(field: str, records: Sequence[Record]) -> str:
    return ", ".join(f"{record['id']} {str(record[field])[:100]}" for record in records)
