"""Warnings about tables that differ from the one that a model has learnt from, so that nothing happens silently.

Warnings name columns, labels and counts. They are part of answers and of records.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.plural import agreeing, counted
from modelbus.shared.tabular.targets.labels import Label, spelling
from modelbus.shared.tabular.targets.truth import LabelBook

UNSEEN_FRACTION: Final = 0.1
"""The minimum fraction of rows with unseen values for a warning, unless a setting overrides it."""
_SHOWN: Final = 5
_SHOWN_LENGTH: Final = 50


def unseen_warnings(unseen: Mapping[str, int], row_count: int, fraction: float) -> list[str]:
    """A warning for each column in which many rows hold values unseen in training.

    Args:
        unseen: The number of such rows by column.
        row_count: All rows.
        fraction: The minimum fraction of them for a warning, 0 to 1.
    """
    return [
        f"column {name!r}: {count:,} of {counted(row_count, 'row')} "
        f"{agreeing(count, 'holds a value', 'hold values')} unseen in training ({100 * count / row_count:.0f} %)"
        for name, count in unseen.items()
        if count and count >= fraction * row_count
    ]


def truth_warnings(target: str, truth: Sequence[Label], classes: Sequence[Label]) -> list[str]:
    """Like ``label_warnings``, from the labels of rows.

    Args:
        target: The column of the truth.
        truth: The true label of each row.
        classes: The model's classes.
    """
    book = LabelBook(classes)
    codes = book.codes(truth)
    labels, indices = book.sorted_labels()
    return label_warnings(target, labels, np.bincount(indices[codes], minlength=len(labels)), len(classes))


def label_warnings(target: str, labels: Sequence[Label], counts: npt.NDArray[np.int64], class_count: int) -> list[str]:
    """Warnings about true labels that the model cannot predict, and about classes that no row has.

    Args:
        target: The column of the truth.
        labels: The model's classes, then other labels.
        counts: The number of rows with each label, shape (n_labels,).
        class_count: The number of classes among the labels.
    """
    if not counts.sum():
        return []
    classes = list(labels[:class_count])
    unknown = [(label, int(count)) for label, count in zip(labels[class_count:], counts[class_count:], strict=True)]
    found = stranger_warnings(target, [one for one in unknown if one[1]], int(counts.sum()), classes)
    absent = [label for label, count in zip(classes, counts[:class_count], strict=True) if not count]
    if absent:
        named = ", ".join(map(_shown, absent[:_SHOWN]))
        more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
        found.append(f"column {target!r}: no row has the {agreeing(len(absent), 'class', 'classes')} {named}{more}")
    return found


def stranger_warnings(
    column: str,
    unknown: Sequence[tuple[Label, int]],
    row_count: int,
    classes: Sequence[Label],
    where: str = "unknown to the model",
) -> list[str]:
    """A warning that names labels which are not classes, if there are any.

    Args:
        column: The column of the labels.
        unknown: The labels, with their numbers of rows.
        row_count: All rows.
        classes: The classes.
        where: What the labels are unknown to, for the message.
    """
    if not unknown:
        return []
    total = sum(count for _, count in unknown)
    named = ", ".join(f"{_shown(label)} ({count:,})" for label, count in unknown[:_SHOWN])
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    near = _nearest([label for label, _ in unknown], classes)
    have = agreeing(total, "has a label", "have labels")
    sentence = f"column {column!r}: {total:,} of {counted(row_count, 'row')} {have} {where}"
    return [f"{sentence}: {named}{more}{near}"]


def _nearest(unknown: Sequence[Label], classes: Sequence[Label]) -> str:
    """The classes that are probably meant, if labels differ from them only in spaces or case; else the classes."""
    folded = {_folded(label): label for label in classes}
    meant = [(label, folded[_folded(label)]) for label in unknown if _folded(label) in folded]
    if not meant:
        return f"; the classes are {', '.join(map(_shown, classes[:_SHOWN]))}"
    return "; " + ", ".join(f"{_shown(label)} looks like {_shown(known)}" for label, known in meant[:_SHOWN])


def _folded(label: Label) -> str:
    return " ".join(spelling(label).split()).casefold()


def _shown(label: Any) -> str:
    text = repr(label) if isinstance(label, str) else spelling(label)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"
