"""The target in a form that an estimator can learn, or an error that says why it cannot."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts import SignatureColumn, Task
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.plural import agreeing, counted
from modelbus.shared.tabular.targets.labels import Label, codes_of, labels_of, read_target
from modelbus.trainer.rows.number_like import numbers_among_classes, numbers_in_text, though_numbers
from modelbus.trainer.rows.splitting import RowIndices

REAL_CLASS_LIMIT = 20
"""Real numbers with more distinct values are a quantity, not classes."""

_CLASS_FRACTION = 0.5
_EXACT_LIMIT = 2.0**53


@dataclass(frozen=True, eq=False)
class LearningTarget:
    """The rows that have a target, and their targets; all rows, for tasks without a target."""

    rows: RowIndices
    """Positions in the frame, shape (n_rows,)."""
    values: npt.NDArray[Any]
    """Class codes (int64) or numbers (float64), shape (n_rows,); all 0 without a target."""
    labels: list[Any]
    """For classification, the label of each row; else empty."""
    classes: list[Label]
    """For classification, the sorted labels; else empty."""
    notes: list[str]
    """Warnings about the target."""

    def within(self, train: RowIndices) -> "LearningTarget":
        """The same with only the classes of the training rows; any other label becomes ``UNKNOWN_CODE``.

        Raises:
            EstimatorRejected: The training rows have a single class.
        """
        if not self.classes:
            return self
        trained = {self.classes[code] for code in np.unique(self.values[train]).tolist()}
        classes, notes = learnt_classes(self.classes, trained)
        if not notes:
            return self
        return replace(self, values=codes_of(self.labels, classes), classes=classes, notes=[*self.notes, *notes])


def rows_without_target(row_count: int) -> LearningTarget:
    """All rows, for tasks without a target."""
    return LearningTarget(np.arange(row_count, dtype=np.int64), np.zeros(row_count), [], [], [])


def learn_target(series: "pd.Series[Any]", column: SignatureColumn, task: Task, estimator_name: str) -> LearningTarget:
    """Read the target.

    Raises:
        InvalidCommand: A column of this type cannot be the target of this task.
        EstimatorRejected: There are no values, there is a single class, or there are too many classes.
    """
    require_target_type(column, task, estimator_name, series)
    known = read_known(series, column, task)
    if not len(known.rows):
        raise no_target(column)
    if task == "regression":
        return known
    classes = sorted(set(known.labels))  # all of one type, so they can be sorted
    require_classes(column, classes, len(known.labels))
    return replace(known, values=codes_of(known.labels, classes), classes=classes)


def read_known(series: "pd.Series[Any]", column: SignatureColumn, task: Task) -> LearningTarget:
    """The rows of a table, or of a part of it, that have a target; without classes, which only the whole table has.

    Returns:
        For classification, ``values`` are the column's own values instead of codes.

    Raises:
        EstimatorRejected: A value does not have the column's type, or is not exact as a class.
    """
    reading = read_target(series, column)
    if reading.faults:
        fault = reading.faults[0]
        raise EstimatorRejected(
            f"every value of the target {column.name!r} must be {fault.expected}, not {str(fault.given)[:100]!r}"
        )
    missing = reading.missing
    rows = np.flatnonzero(~missing).astype(np.int64)
    notes = [missing_note(int(missing.sum()))] if missing.any() else []
    if task == "regression":
        return LearningTarget(rows, reading.values[rows].astype(np.float64), [], [], notes)
    if column.type == "integer" and np.abs(reading.values[rows]).max(initial=0) >= _EXACT_LIMIT:
        raise EstimatorRejected(
            f"the target {column.name!r} has integers beyond 2**53, which are not exact and cannot be classes"
        )
    labels = [label for label in labels_of(reading, column) if label is not None]
    return LearningTarget(rows, reading.values[rows], labels, [], notes)


def missing_note(row_count: int) -> str:
    """The warning about rows without a target."""
    return f"{counted(row_count, 'row')} without a target {agreeing(row_count, 'was', 'were')} excluded"


def no_target(column: SignatureColumn) -> EstimatorRejected:
    """The error if no row has a target."""
    return EstimatorRejected(f"the target {column.name!r} has no value in any row")


def learnt_classes(every: Sequence[Label], trained: Collection[Label]) -> tuple[list[Label], list[str]]:
    """The classes that can be learnt, in their order, and a warning about the others.

    Args:
        every: The sorted labels.
        trained: The labels that occur in the training rows.

    Raises:
        EstimatorRejected: The training rows have a single class.
    """
    classes = [label for label in every if label in trained]
    if len(classes) < 2:
        raise EstimatorRejected(f"all training rows have the class {classes[0]!r}; a classifier needs at least two")
    only_held_out = [str(label) for label in every if label not in trained]
    if not only_held_out:
        return classes, []
    noun = agreeing(len(only_held_out), "the class", "the classes")
    return classes, [f"{noun} {', '.join(only_held_out[:10])} cannot be predicted: no training row has it"]


def require_target_type(
    column: SignatureColumn, task: Task, estimator_name: str, series: "pd.Series[Any] | None" = None
) -> None:
    """Check that a column of this type can be the target.

    Args:
        column: The target.
        task: The task.
        estimator_name: The estimator, for the message.
        series: Some of its values, if available: the message then points out text that is mostly numbers.

    Raises:
        InvalidCommand: It cannot be the target of this task.
    """
    problem = None
    if column.type == "empty":
        problem = "it is empty in every row"
    elif column.type == "datetime":
        problem = "a date is neither a class nor a number"
    elif column.type == "text" and task == "regression":
        numbers = numbers_in_text(series) if series is not None else None
        problem = f"it is text, and {estimator_name} predicts numbers; use a classifier"
        if numbers is not None:
            problem = f"it {though_numbers(numbers)}"
    if problem:
        sentence = f"{column.name!r} cannot be the target: {problem}"
        raise InvalidCommand(sentence, details=[{"where": "target", "problem": problem, "given": column.type}])


def require_classes(column: SignatureColumn, classes: Sequence[Label], row_count: int) -> None:
    """Check that a target's values are plausible classes.

    Args:
        column: The target.
        classes: Its distinct labels.
        row_count: Rows that have a target.

    Raises:
        EstimatorRejected: There is a single class, or there are too many.
    """
    if len(classes) == 1:
        raise EstimatorRejected(
            f"the target {column.name!r} has a single class, {classes[0]!r}; a classifier needs at least two"
        )
    is_quantity = column.type == "real" and len(classes) > REAL_CLASS_LIMIT
    if is_quantity or (len(classes) > REAL_CLASS_LIMIT and len(classes) > _CLASS_FRACTION * row_count):
        numbers = numbers_among_classes(dict.fromkeys(classes, 1)) if column.type == "text" else None
        if numbers is not None:
            raise EstimatorRejected(f"the target {column.name!r} {though_numbers(numbers)}")
        raise EstimatorRejected(
            f"the target {column.name!r} has {len(classes):,} distinct values in {counted(row_count, 'row')}, too many "
            f"for classes; {'choose another target' if column.type == 'text' else 'use a regressor'}"
        )
