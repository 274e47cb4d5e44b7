"""What should be known of answers about a table that differs from the one a model learnt from: nothing of it is silent.

Warnings name columns, labels and counts. They stand beside the answer and in the record.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.tabular.targets.labels import Label, spelling
from modelbus.shared.tabular.targets.truth import LabelBook

UNSEEN_FRACTION: Final = 0.1
"""From which fraction of the rows on unseen values are told, unless a setting says otherwise."""
_SHOWN: Final = 5
_SHOWN_LENGTH: Final = 50


def unseen_warnings(unseen: Mapping[str, int], row_count: int, fraction: float) -> list[str]:
    """A sentence for each column in which many rows hold a value that did not occur in training.

    Args:
        unseen: By column, how many rows do.
        row_count: Rows in all.
        fraction: From which fraction of them on it is told, 0 to 1.
    """
    return [
        f"column {name!r}: {_rows(count)} of {row_count} {_hold(count)} a value unseen in training "
        f"({count / row_count:.0%})"
        for name, count in unseen.items()
        if count and count >= fraction * row_count
    ]


def truth_warnings(target: str, truth: Sequence[Label], classes: Sequence[Label]) -> list[str]:
    """The same as ``label_warnings``, of the labels of rows.

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
    """What should be known of true labels that a model cannot answer with, and of classes that no row has.

    Args:
        target: The column of the truth.
        labels: The model's classes, and then the labels that are none of them.
        counts: How many rows have each label, shape (n_labels,).
        class_count: How many of the labels are classes.
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
        found.append(f"column {target!r}: no row has the {_classes(len(absent))} {named}{more}")
    return found


def stranger_warnings(
    column: str, unknown: Sequence[tuple[Label, int]], row_count: int, classes: Sequence[Label], of: str = "the model"
) -> list[str]:
    """A sentence that names labels which are no class, if there are any.

    Args:
        column: Where they stand.
        unknown: The labels, and how many rows have each.
        row_count: Rows in all.
        classes: The classes.
        of: What has the classes.
    """
    if not unknown:
        return []
    total = sum(count for _, count in unknown)
    named = ", ".join(f"{_shown(label)} ({count})" for label, count in unknown[:_SHOWN])
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    near = _nearest([label for label, _ in unknown], classes)
    sentence = f"column {column!r}: {_rows(total)} of {row_count} {_have(total)} a label that is no class of {of}"
    return [f"{sentence}: {named}{more}{near}"]


def _nearest(unknown: Sequence[Label], classes: Sequence[Label]) -> str:
    """Which classes are likely meant, if labels differ from them in spaces, case or spelling alone."""
    folded = {_folded(label): label for label in classes}
    meant = [(label, folded[_folded(label)]) for label in unknown if _folded(label) in folded]
    if not meant:
        return f"; its classes are {', '.join(map(_shown, classes[:_SHOWN]))}"
    return "; " + ", ".join(f"{_shown(label)} differs from {_shown(known)}" for label, known in meant[:_SHOWN])


def _folded(label: Label) -> str:
    return " ".join(spelling(label).split()).casefold()


def _shown(label: Any) -> str:
    text = repr(label) if isinstance(label, str) else spelling(label)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _hold(count: int) -> str:
    return "holds" if count == 1 else "hold"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _classes(count: int) -> str:
    return "class" if count == 1 else "classes"
