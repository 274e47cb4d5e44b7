"""Reads predictions and truth from the columns of a dataset to measure them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.evaluator.measuring.measured_rows import CollectedRows, Groups, Numbers
from modelbus.evaluator.measuring.row_filter import RowFilter
from modelbus.shared.contracts import ColumnSchema, EvaluatePredictions, SignatureColumn
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.plural import agreeing, counted
from modelbus.shared.tabular.metrics.classification import Labelled
from modelbus.shared.tabular.targets.labels import Label
from modelbus.shared.tabular.targets.reading_warnings import stranger_warnings
from modelbus.shared.tabular.targets.truth import LabelBook, label_reading, labels_in, true_numbers

Floats = npt.NDArray[np.float64]


def collect_predictions(
    command: EvaluatePredictions,
    columns: Mapping[str, ColumnSchema],
    frames: Iterable[pd.DataFrame],
    on_rows: Callable[[int], None] = lambda _: None,
) -> CollectedRows:
    """Read a dataset's truth and predictions.

    Args:
        command: The columns of truth, prediction, probabilities, weight and slices.
        columns: The dataset's columns.
        frames: Its row groups, with those columns.
        on_rows: Takes the number of rows done.

    Raises:
        InvalidCommand: A cell is not a number although it must be, or probabilities do not match the labels.
        EstimatorRejected: No row has both truth and prediction.
    """
    collecting = _Reading(command, columns)
    for frame in frames:
        collecting.take(frame)
        on_rows(collecting.row_filter.first)
    collecting.row_filter.require_rows(f"a value in both {command.truth!r} and {command.prediction!r}")
    return collecting.finish()


def columns_to_read(command: EvaluatePredictions) -> list[str]:
    """The columns that the command names, each once."""
    named = [command.truth, command.prediction, command.weight, *(command.probabilities or {}).values()]
    return list(dict.fromkeys(name for name in (*named, *command.slices) if name is not None))


def prediction_readings(
    command: EvaluatePredictions, columns: Mapping[str, ColumnSchema]
) -> dict[str, SignatureColumn]:
    """How truth and predictions are read: labels in the same way, regardless of the type of each column."""
    if command.task == "regression":
        return {}
    labels = _label_reading(command, columns)
    return (
        {command.truth: labels}
        if command.task == "clustering"
        else {
            command.truth: labels,
            command.prediction: labels,
        }
    )


def _label_reading(command: EvaluatePredictions, columns: Mapping[str, ColumnSchema]) -> SignatureColumn:
    """How the labels are read: by the common type of both columns, or else as text."""
    truth = label_reading(columns[command.truth])
    if command.task == "clustering":
        return truth
    prediction = label_reading(columns[command.prediction])
    if truth.type == prediction.type or "empty" in (columns[command.truth].type, columns[command.prediction].type):
        return truth
    if {truth.type, prediction.type} == {"integer", "real"}:
        return truth.model_copy(update={"type": "integer"})  # integers stay exact beyond 2**53
    return truth.model_copy(update={"type": "text"})


class _Reading:
    """Reads row groups and keeps arrays."""

    def __init__(self, command: EvaluatePredictions, columns: Mapping[str, ColumnSchema]) -> None:
        self._command = command
        self._labels_reading = _label_reading(command, columns)
        # clusters are unrelated to the names of the true groups
        own = label_reading(columns[command.prediction]) if command.task == "clustering" else None
        self._own = {} if own is None else {command.prediction: own}
        self._classes = self._classes_of(command.probabilities or {})
        self._book = LabelBook(self._classes)
        # clusters are unrelated to the names of the true groups
        self._clusters = LabelBook() if command.task == "clustering" else self._book
        self._true: list[Any] = []
        self._predicted: list[Any] = []
        self._probabilities: list[Floats] = []
        self.row_filter = RowFilter(command, columns)

    def take(self, frame: pd.DataFrame) -> None:
        """Add a row group."""
        true: npt.NDArray[Any]
        predicted: npt.NDArray[Any]
        if self._command.task == "regression":
            true, predicted = (self._numbers(frame, name) for name in (self._command.truth, self._command.prediction))
            lacking = {"truth": ~np.isfinite(true), "prediction": ~np.isfinite(predicted)}
        else:
            true = self._book.codes(self._labels(frame, self._command.truth))
            predicted = self._clusters.codes(self._labels(frame, self._command.prediction))
            lacking = {"truth": true < 0, "prediction": predicted < 0}
        probabilities = self._read_probabilities(frame)
        kept = self.row_filter.sift(frame, lacking)
        self._true.append(true[kept])
        self._predicted.append(predicted[kept])
        if probabilities is not None:
            self._probabilities.append(probabilities[kept])

    def finish(self) -> CollectedRows:
        """The collected rows."""
        true, predicted = np.concatenate(self._true), np.concatenate(self._predicted)
        rows: Any
        if self._command.task == "regression":
            rows = Numbers(true, predicted)
        elif self._command.task == "clustering":
            rows = Groups(predicted, true, None)
        else:
            rows = self._labelled(true, predicted)
        return CollectedRows(
            task=self._command.task,
            rows=rows,
            row_count=self.row_filter.row_count,
            weights=self.row_filter.weights,
            dropped=self.row_filter.dropped,
            slices=self.row_filter.slices,
            warnings=self._warnings(),
        )

    def _warnings(self) -> list[str]:
        count = self.row_filter.dropped.get("prediction", 0)
        rows = f"{counted(count, 'row')} without a prediction in {self._command.prediction!r}"
        missing = f"{rows} {agreeing(count, 'was', 'were')} excluded"
        return [*([missing] if count else []), *self._strangers()]

    def _strangers(self) -> list[str]:
        """Warnings about predicted labels that do not occur in the truth."""
        if self._command.task != "classification":
            return []
        labels, indices = self._book.sorted_labels()
        true, predicted = (indices[np.concatenate(some)] for some in (self._true, self._predicted))
        known = set(true.tolist())
        counts = Counter(code for code in predicted.tolist() if code not in known)
        unknown = [(labels[code], counts[code]) for code in sorted(counts)]
        classes = [labels[code] for code in sorted(known)]
        return stranger_warnings(self._command.prediction, unknown, len(predicted), classes, "absent from the truth")

    def _labelled(self, true: Any, predicted: Any) -> Labelled:
        labels, indices = self._book.sorted_labels()
        probabilities = np.concatenate(self._probabilities) if self._probabilities else None
        if len(self._classes) != 1:
            class_count = len(self._classes) or len(labels)
            return Labelled(labels, class_count, indices[true], indices[predicted], probabilities)
        if len(labels) > 2:
            named = ", ".join(map(str, labels[:20]))
            problem = f"a single column of probabilities needs exactly two classes; the labels are {named}"
            raise InvalidCommand(f"probabilities: {problem}", details=[{"where": "probabilities", "problem": problem}])
        if len(labels) == 1:
            return Labelled(labels, 1, indices[true], indices[predicted], None)
        # the class with the given probability becomes the positive, second class
        assert probabilities is not None  # each class has a column
        both = np.hstack([1 - probabilities, probabilities])
        return Labelled(labels[::-1], 2, 1 - indices[true], 1 - indices[predicted], both)

    def _labels(self, frame: pd.DataFrame, name: str) -> list[Label | None]:
        own = self._own.get(name)
        return labels_in(frame[name], own if own is not None else self._labels_reading)

    def _numbers(self, frame: pd.DataFrame, name: str) -> Floats:
        role = "truth" if name == self._command.truth else "prediction"
        return true_numbers(
            frame[name], name, role=role, reason=", as regression requires", first=self.row_filter.first
        )

    def _read_probabilities(self, frame: pd.DataFrame) -> Floats | None:
        named = self._command.probabilities
        if not named:
            return None
        by_label = dict(zip(self._labels_of_names(named), named.values(), strict=True))
        return np.column_stack(
            [
                true_numbers(frame[column], column, role="probability", reason="", first=self.row_filter.first)
                for column in (by_label[label] for label in self._classes)
            ]
        )

    def _classes_of(self, named: Mapping[str, str]) -> list[Label]:
        """The classes that have probabilities, in sorted order."""
        book = LabelBook()
        labels = self._labels_of_names(named)
        if len(set(labels)) < len(labels):
            problem = f"two names refer to the same class of {self._command.truth!r}: {', '.join(named)}"
            raise InvalidCommand(f"probabilities: {problem}", details=[{"where": "probabilities", "problem": problem}])
        book.codes(labels)
        return book.sorted_labels()[0]

    def _labels_of_names(self, named: Iterable[str]) -> list[Label | None]:
        """Translate names of classes, as written in JSON, to labels of the truth's column."""
        names = pd.Series(list(named), dtype="str")
        return labels_in(names, self._labels_reading)
