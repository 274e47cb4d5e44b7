"""Alerts about a table's columns that matter to training: each has a code and a message. Pure: no bus, no store.

These are the alerts that both the evaluator (for an upload) and the trainer (for the training rows) need; ``leaks.py``
has the measures behind them.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from modelbus.shared.contracts.records.dataset_records import Alert, ColumnType
from modelbus.shared.tabular.leaks import (
    MISSING_CODE,
    RECODED_FRACTION,
    Codes,
    Floats,
    find_correlation,
    recoded_fraction,
)
from modelbus.shared.tabular.targets.labels import Label

SAMPLE_LIMIT: Final = 100_000
"""Rows that are sampled."""
CLASS_LIMIT: Final = 20
"""Numbers with more distinct values are a quantity, not classes."""
FEW_ROWS: Final = 40
"""In a table of this many rows or fewer, distinct values are nothing unusual."""

_CLASS_FRACTION = 0.5
_RAREST_FRACTION = 0.05
_LARGEST_FRACTION = 0.95
_CLASS_ROWS = 5
_REPEATED_FRACTION = 0.05
_GAPS_FRACTION = 0.05
"""Fraction of a range of ids that may be absent."""
_NAMED = 3
_SHOWN_LENGTH = 50


def is_class_like(kind: ColumnType, distinct: int, row_count: int) -> bool:
    """Whether a target holds classes, by its type, its number of distinct values and its rows with a value."""
    if kind in ("integer", "real"):
        return 0 < distinct <= CLASS_LIMIT
    if kind not in ("text", "boolean"):
        return False
    return distinct > 0 and (distinct <= CLASS_LIMIT or distinct <= _CLASS_FRACTION * row_count)


def class_alerts(target: str, counts: Mapping[Label, int]) -> list[Alert]:
    """Alerts about the classes of a target.

    Args:
        target: The target's name.
        counts: Rows of each class, at least one class.
    """
    found = [_imbalance(target, counts), _rare_classes(target, counts), _padded_labels(target, counts)]
    return [alert for alert in found if alert is not None]


def _imbalance(target: str, counts: Mapping[Label, int]) -> Alert | None:
    rows = sum(counts.values())
    rarest, largest = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if len(counts) == 1:
        message = f"the target {target!r} has a single class, {_shown(largest)}; a classifier needs at least two"
        return Alert(code="class_imbalance", column=target, message=message)
    # thirty classes of equal size have 3 % each, which is no imbalance
    low = min(_RAREST_FRACTION, 0.5 / len(counts))
    if counts[rarest] >= low * rows and counts[largest] <= _LARGEST_FRACTION * rows:
        return None
    return Alert(
        code="class_imbalance",
        column=target,
        message=(
            f"the {len(counts)} classes of the target {target!r} are imbalanced: {_shown(rarest)} has "
            f"{_of(counts[rarest], rows)}, {_shown(largest)} has {_of(counts[largest], rows)}; prefer "
            "balanced_accuracy to accuracy, and set class_weight to balanced if the estimator supports it"
        ),
    )


def _rare_classes(target: str, counts: Mapping[Label, int]) -> Alert | None:
    rare = sorted((label for label, count in counts.items() if count < _CLASS_ROWS), key=lambda label: counts[label])
    if not rare or len(counts) == 1:
        return None
    named = ", ".join(f"{_shown(label)} ({counts[label]})" for label in rare[:_NAMED])
    more = f" and {len(rare) - _NAMED} more" if len(rare) > _NAMED else ""
    return Alert(
        code="rare_classes",
        column=target,
        message=(
            f"{len(rare)} of {len(counts)} classes of the target {target!r} have fewer than {_CLASS_ROWS} rows: "
            f"{named}{more}; merge them, exclude them, or collect more rows"
        ),
    )


def _padded_labels(target: str, counts: Mapping[Label, int]) -> Alert | None:
    """The alert about labels with leading or trailing spaces, which look like other labels but differ from them."""
    labels = [label for label in counts if isinstance(label, str)]
    padded = [label for label in labels if label != label.strip()]
    if not padded:
        return None
    named = ", ".join(f"{_shown(label)} ({counts[label]})" for label in padded[:_NAMED])
    more = f" and {len(padded) - _NAMED} more" if len(padded) > _NAMED else ""
    alike = Counter(label.strip() for label in labels)
    twin = next((label for label in padded if alike[label.strip()] > 1), None)
    if twin is None:
        what = "the same label without them would be a different class"
    else:
        what = f"labels that differ only in spaces, such as {_shown(twin)}, count as different classes"
    message = (
        f"labels of the target {target!r} have leading or trailing spaces: {named}{more}; {what}; remove the spaces"
    )
    return Alert(code="whitespace_in_labels", column=target, message=message)


def class_leak(column: str, codes: Codes, target: str, target_codes: Codes) -> Alert | None:
    """The alert about a column whose values correspond one to one to the classes of the target, if they do."""
    fraction = recoded_fraction(codes, target_codes)
    if fraction < RECODED_FRACTION:
        return None
    return _leak(column, target, f"determines the class in {_percent(fraction)} of rows")


def number_leak(column: str, numbers: Floats, target: str, target_numbers: Floats) -> Alert | None:
    """The alert about a numeric column that correlates almost perfectly with a numeric target, if it does."""
    found = find_correlation(numbers, target_numbers)
    if found is None:
        return None
    value = max(-1.0, min(1.0, found.value))
    return _leak(column, target, f"correlates with the target ({found.coefficient} {value:.4f})")


def _leak(column: str, target: str, how: str) -> Alert:
    message = (
        f"column {column!r} leaks the target {target!r}: it {how}; exclude it unless its value is known before the "
        "target's"
    )
    return Alert(code="target_leak", column=column, message=message)


def repeated_fraction(codes: Codes, population: int) -> float:
    """The fraction of rows whose value occurs in another row too, estimated from a sample.

    If a value occurs twice in the population, a sample rarely contains both rows: a pair in the sample represents more
    pairs than a row represents rows. Values that occur three times in the sample are frequent and counted as they are.

    Args:
        codes: The sample, shape (n_rows,); missing values are ignored.
        population: The number of rows with a value in the population.

    Returns:
        Between 0 and 1; 0 if no row has a value.
    """
    present = codes[codes != MISSING_CODE]
    if not len(present):
        return 0.0
    counts = np.bincount(present)
    in_pairs = 2 * int((counts == 2).sum()) * max(1.0, population / len(present))
    return min(1.0, float(in_pairs + counts[counts > 2].sum()) / len(present))


def text_identifier(column: str, repeated: float, row_count: int) -> Alert | None:
    """The alert about text that is unique in (nearly) every row, like an id, and does not help to predict new rows.

    Args:
        column: The column's name.
        repeated: The fraction of rows whose value occurs in another row too.
        row_count: Rows with a value.
    """
    if row_count <= FEW_ROWS or repeated > _REPEATED_FRACTION:
        return None
    where = "in every row" if not repeated else f"in {_percent(1 - repeated)} of rows"
    message = f"column {column!r} is unique {where}, like an id; exclude it"
    return Alert(code="identifier_like", column=column, message=message)


_FIRST_NUMBERS = (0, 1)
"""First numbers of ids; a column that starts elsewhere may be a quantity that the table is sorted by."""


def row_numbers(
    column: str,
    present: int,
    minimum: int,
    maximum: int,
    *,
    has_constant_step: bool,
    has_repeated: Callable[[], bool],
) -> Alert | None:
    """The alert about integers that number the rows: in a sorted table, they leak the target.

    Args:
        column: The column's name.
        present: Rows with a value.
        minimum: The minimum value.
        maximum: The maximum value.
        has_constant_step: Whether the step from row to row is constant.
        has_repeated: Whether a value occurs twice; called only if needed, because it is expensive.
    """
    if present <= FEW_ROWS:
        return None
    width = maximum - minimum + 1
    is_dense = present <= width <= present * (1 + _GAPS_FRACTION)
    if not (has_constant_step or (is_dense and not has_repeated())):
        return None
    unless = "" if minimum in _FIRST_NUMBERS else ", unless it is a year, a time or a scale"
    message = (
        f"column {column!r} looks like row numbers ({present} distinct whole numbers from {minimum} to {maximum})"
        f"{unless}; consider excluding it"
    )
    return Alert(code="identifier_like", column=column, message=message)


def free_text(column: str, words: int) -> Alert:
    """The alert about a column of free text.

    Args:
        column: Its name.
        words: The median number of words per cell.
    """
    message = (
        f"column {column!r} is free text (median {words} words) and becomes features of its words and word pairs; list "
        "it in `categorical` of the training to use it as categories, or exclude it"
    )
    return Alert(code="free_text", column=column, message=message)


def text_as_categories(column: str, words: int) -> Alert:
    """The alert about free text that is learnt as categories, by the command or because of an old profile.

    Args:
        column: Its name.
        words: The median number of words per cell.
    """
    message = (
        f"column {column!r} looks like free text (median {words} words) and was learnt as categories, "
        "which say nothing about new texts: list it in `free_text` of the training to learn from its words"
    )
    return Alert(code="free_text", column=column, message=message)


def _percent(fraction: float) -> str:
    """A percentage for people; only 0 and 1 are shown as 0 % and 100 %."""
    if fraction in (0, 1):
        return f"{fraction:.0%}".replace("%", " %")
    return f"{min(max(100 * fraction, 0.1), 99.9):.1f} %"


def _of(count: int, rows: int) -> str:
    return f"{_percent(count / rows)} of the rows ({count:,} of {rows:,})"


def _shown(label: Label) -> str:
    return repr(label[:_SHOWN_LENGTH]) if isinstance(label, str) else str(label)
