"""Predicts a dataset's rows to measure them, one row group at a time; only arrays of truth and scores are kept."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.evaluator.measuring.measured_rows import CollectedRows, Groups, Numbers, Outliers, merged_report
from modelbus.evaluator.measuring.row_filter import RowFilter
from modelbus.shared.contracts import ColumnSchema, EvaluateModel, SignatureColumn
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.cells.readings import changed_types
from modelbus.shared.tabular.metrics.classification import Labelled
from modelbus.shared.tabular.predicting.model import FittedModel, Predictions
from modelbus.shared.tabular.scoring import is_ranked_by_scores
from modelbus.shared.tabular.targets.labels import OUTLIER_CLASSES, Label, spelling
from modelbus.shared.tabular.targets.reading_warnings import label_warnings
from modelbus.shared.tabular.targets.truth import LabelBook, label_reading, labels_in, target_reading, true_numbers

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_OUTLIER: Final = 1


def collect(
    model: FittedModel,
    command: EvaluateModel,
    columns: Mapping[str, ColumnSchema],
    frames: Iterable[pd.DataFrame],
    on_rows: Callable[[int], None] = lambda _: None,
) -> CollectedRows:
    """Predict a dataset's rows and combine the predictions with the truth.

    Args:
        model: The model.
        command: The columns of the truth, the weight and the slices.
        columns: The dataset's columns.
        frames: Its row groups.
        on_rows: Takes the number of rows done.

    Raises:
        InvalidCommand: There is no truth, it does not fit the task, or a weight is invalid.
        EstimatorRejected: No row can be measured, or the estimator rejected the rows.
        SignatureMismatch: The rows do not match the model's signature.
    """
    collecting = _COLLECTORS[model.signature.task](model, command, columns)
    for frame in frames:
        collecting.take(frame)
        on_rows(collecting.row_filter.first)
    return collecting.finish()


def readings_for(model: FittedModel, command: EvaluateModel) -> dict[str, SignatureColumn]:
    """How the dataset's columns are read: like the model's columns, and the truth like the model's target."""
    readings = dict(model.readings)
    target = model.signature.target_column
    if command.truth is not None and target is not None and command.truth not in readings:
        readings[command.truth] = target
    return readings


class _Collecting:
    """The base of the collectors of all tasks."""

    def __init__(self, model: FittedModel, command: EvaluateModel, columns: Mapping[str, ColumnSchema]) -> None:
        self._model, self._command = model, command
        self._truth = command.truth or model.signature.target
        self._columns = columns
        self._report: dict[str, dict[str, int]] = {}
        self.row_filter = RowFilter(command, columns)

    def _features(self, frame: pd.DataFrame, kept: Flags) -> pd.DataFrame:
        """The kept rows without columns that are not features, such as the target under another name."""
        names = {self._truth, self._model.signature.target, self._command.weight}
        features = {column.name for column in self._model.signature.columns}
        return frame[kept].drop(columns=[name for name in names if name in frame.columns and name not in features])

    def _answered(self, report: Any) -> None:
        self._report = merged_report(self._report, report.counts())

    def _collected(self, rows: Any, warnings: Sequence[str] = ()) -> CollectedRows:
        return CollectedRows(
            task=self._model.signature.task,
            rows=rows,
            row_count=self.row_filter.row_count,
            weights=self.row_filter.weights,
            dropped=self.row_filter.dropped,
            slices=self.row_filter.slices,
            report=self._report,
            warnings=[*self._type_warnings(), *warnings],
        )

    def _type_warnings(self) -> list[str]:
        return changed_types(self._columns.values(), self._model.signature.columns)

    def take(self, frame: pd.DataFrame) -> None:
        raise NotImplementedError

    def finish(self) -> CollectedRows:
        raise NotImplementedError


class _WithTarget(_Collecting):
    """Classification and regression, which need a truth."""

    @property
    def _target(self) -> str:
        assert self._truth is not None  # these tasks have a target
        if self._truth not in self._columns:
            raise InvalidCommand(
                f"the dataset has no column {self._truth!r}, the model's target; set `truth` to the column with the "
                "true values",
                details=[
                    {"where": "dataset", "problem": f"no column {self._truth!r}", "expected": self._truth},
                ],
            )
        return self._truth

    def _require_rows(self) -> None:
        self.row_filter.require_rows(f"a value in {self._target!r}")


class _Classes(_WithTarget):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._classes: list[Label] = list(self._model.signature.classes or [])
        self._book = LabelBook(self._classes)
        self._true: list[Any] = []
        self._predicted: list[Any] = []
        self._probabilities: list[Floats] = []
        self._scores: list[Floats] = []

    def take(self, frame: pd.DataFrame) -> None:
        true = self._book.codes(labels_in(frame[self._target], target_reading(self._model.signature), self._classes))
        kept = self.row_filter.sift(frame, {"truth": true < 0})
        if not kept.any():
            return
        answer = self._model.predict_frame(
            self._features(frame, kept), self._model.has_probabilities, has_scores=is_ranked_by_scores(self._model)
        )
        self._true.append(true[kept])
        self._predicted.append(self._book.codes(answer.labels))
        if answer.probabilities is not None:
            self._probabilities.append(answer.probabilities)
        if answer.scores is not None:
            self._scores.append(answer.scores)
        self._answered(answer.report)

    def finish(self) -> CollectedRows:
        self._require_rows()
        labels, indices = self._book.sorted_labels()
        true = indices[np.concatenate(self._true)]
        counts = np.bincount(true, minlength=len(labels))
        return self._collected(
            Labelled(
                labels,
                len(self._classes),
                true,
                indices[np.concatenate(self._predicted)],
                np.concatenate(self._probabilities) if self._probabilities else None,
                np.concatenate(self._scores) if self._scores else None,
            ),
            label_warnings(self._target, labels, counts, len(self._classes)),
        )


class _Numbers(_WithTarget):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._true: list[Floats] = []
        self._predicted: list[Floats] = []

    def take(self, frame: pd.DataFrame) -> None:
        reading = target_reading(self._model.signature)
        true = true_numbers(frame[self._target], self._target, column=reading, first=self.row_filter.first)
        kept = self.row_filter.sift(frame, {"truth": ~np.isfinite(true)})
        if not kept.any():
            return
        answer = self._model.predict_frame(self._features(frame, kept), has_probabilities=False)
        self._true.append(true[kept])
        self._predicted.append(np.asarray(answer.labels, dtype=np.float64))  # converts None to NaN
        self._answered(answer.report)

    def finish(self) -> CollectedRows:
        self._require_rows()
        return self._collected(Numbers(np.concatenate(self._true), np.concatenate(self._predicted)))


class _WithoutTarget(_Collecting):
    """Outlier detection and clustering, for which a truth is optional."""

    def _known(self, frame: pd.DataFrame) -> list[Label | None]:
        assert self._truth is not None  # checked by the caller
        return labels_in(frame[self._truth], label_reading(self._columns[self._truth]))

    def _encoded(self, frame: pd.DataFrame, kept: Flags) -> tuple[Floats, Any]:
        matrix, report = self._model.encoder.transform(self._features(frame, kept))
        self._answered(report)
        return matrix, report

    def _require_rows(self) -> None:
        self.row_filter.require_rows(None if self._truth is None else f"a value in {self._truth!r}")


class _Clusters(_WithoutTarget):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._book = LabelBook()
        self._true: list[Any] = []
        self._clusters: list[Any] = []
        self._matrices: list[Floats] = []

    def take(self, frame: pd.DataFrame) -> None:
        true = None if self._truth is None else self._book.codes(self._known(frame))
        kept = self.row_filter.sift(frame, {} if true is None else {"truth": true < 0})
        if not kept.any():
            return
        matrix, report = self._encoded(frame, kept)
        self._clusters.append(np.asarray(self._model.predict_encoded(matrix, report).labels, np.int64))
        self._matrices.append(matrix)
        if true is not None:
            self._true.append(true[kept])

    def finish(self) -> CollectedRows:
        self._require_rows()
        true = np.concatenate(self._true) if self._true else None
        return self._collected(Groups(np.concatenate(self._clusters), true, np.concatenate(self._matrices)))


class _Outliers(_WithoutTarget):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._true: list[Any] = []
        self._answers: list[Predictions] = []

    def take(self, frame: pd.DataFrame) -> None:
        known = None if self._truth is None else self._known(frame)
        kept = self.row_filter.sift(
            frame, {} if known is None else {"truth": np.array([label is None for label in known], np.bool_)}
        )
        if not kept.any():
            return
        answer = self._model.predict_frame(
            self._features(frame, kept), has_probabilities=False, has_scores=self._model.has_scores
        )
        self._answers.append(answer)
        self._answered(answer.report)
        if known is not None:
            self._true += [self._is_outlier(label) for label, is_kept in zip(known, kept, strict=True) if is_kept]

    def finish(self) -> CollectedRows:
        self._require_rows()
        labels = [label for answer in self._answers for label in answer.labels]
        known = None if self._truth is None else self._beside_truth(labels)
        return self._collected(Outliers(labels, known), self._doubts())

    def _doubts(self) -> list[str]:
        """A warning if it is ambiguous which number means an outlier."""
        if self._truth is None or self._command.positive_class is not None:
            return []
        column = self._columns[self._truth]
        if column.type not in ("integer", "real") or column.minimum != 1 or column.maximum != 1:
            return []
        doubt = (
            f"every value of column {self._truth!r} is 1, which is read as outlier; in scikit-learn's notation, 1 is "
            "an inlier and -1 an outlier: set `positive_class` to the value of outliers"
        )
        return [doubt]

    def _beside_truth(self, labels: list[str]) -> Labelled:
        scores = [answer.scores for answer in self._answers if answer.scores is not None]
        return Labelled(
            OUTLIER_CLASSES,
            len(OUTLIER_CLASSES),
            np.array(self._true, np.int64),
            np.array([OUTLIER_CLASSES.index(label) for label in labels], np.int64),
            # a detector's scores are low for outliers
            scores=-np.concatenate(scores) if scores else None,
            positive=_OUTLIER,
        )

    def _is_outlier(self, label: Label | None) -> bool:
        """Whether a true label means an outlier: the command's positive class, or else ``outlier``, true, -1 or 1."""
        wanted = self._command.positive_class
        if wanted is not None and label is not None:
            return spelling(label) == spelling(wanted)
        if isinstance(label, bool):
            return label
        if isinstance(label, (int, float)):
            return label == (-1 if self._columns[str(self._truth)].minimum == -1 else 1)
        if label not in OUTLIER_CLASSES:
            raise InvalidCommand(
                f"{str(label)[:100]!r} in column {self._truth!r} is neither inlier nor outlier: set `positive_class` "
                "to the value of outliers",
                details=[{"where": "positive_class", "problem": "is missing", "expected": "the value of outliers"}],
            )
        return label == OUTLIER_CLASSES[_OUTLIER]


_COLLECTORS: Final[dict[str, type[_Collecting]]] = {
    "classification": _Classes,
    "regression": _Numbers,
    "clustering": _Clusters,
    "outlier_detection": _Outliers,
}
