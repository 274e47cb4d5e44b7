"""A fitted model: an encoder, an estimator and the signature that ties them. Predicts; learns nothing.

A row's answer does not depend on the rows that are asked with it, to the last bit (``batching.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts import Signature, SignatureColumn, Task
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from modelbus.shared.tabular.encoding.encoding_report import EncodingReport
from modelbus.shared.tabular.predicting.batching import Batching

Floats = npt.NDArray[np.float64]

_WORDS_LENGTH = 1000
_NO_PROBABILITIES: Final[Mapping[Task, str]] = {
    "classification": "it tells classes only; ask without probabilities, or train an estimator that has them",
    "regression": "it predicts numbers, not classes",
    "outlier_detection": "it tells outliers from inliers; ask for scores, which say how far out a row is",
    "clustering": "it tells each row's cluster and no other",
}


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model answers."""

    labels: list[Any]
    """One a row, ready for JSON: the class in the target's own Python type, `inlier` or `outlier`, a cluster's number,
    or a float. None where the estimator has no finite answer."""
    probabilities: Floats | None
    """Shape (n_rows, n_classes), in the order of the signature's classes; None unless they were asked for."""
    report: EncodingReport
    """What had to be done to the rows."""
    scores: Floats | None = None
    """Decision scores, shape (n_rows,) for two classes (positive for the second) and (n_rows, n_classes) for more; of
    outlier detection shape (n_rows,), negative for an outlier. None unless they were asked for."""


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A model that can predict."""

    encoder: TabularEncoder
    estimator: Any
    """A fitted scikit-learn estimator; a classifier was fitted on class codes (see ``labels.py``)."""
    signature: Signature

    @property
    def readings(self) -> dict[str, SignatureColumn]:
        """How any table's columns are read, by their names: features and target as in the training table."""
        target = self.signature.target_column
        return {column.name: column for column in [*self.signature.columns, *([target] if target else [])]}

    @property
    def has_probabilities(self) -> bool:
        """Whether the model can tell the probability of each class."""
        if self.signature.task != "classification" or not hasattr(self.estimator, "predict_proba"):
            return False
        # GaussianProcessClassifier has the method in any case, and refuses at the call
        is_one_vs_one = getattr(self.estimator, "multi_class", None) == "one_vs_one"
        return not (is_one_vs_one and len(self.signature.classes or []) > 2)

    @property
    def has_scores(self) -> bool:
        """Whether the model can tell decision scores."""
        # one-vs-one scores are of pairs of classes, and not of classes
        is_of_pairs = getattr(self.estimator, "decision_function_shape", None) == "ovo"
        return hasattr(self.estimator, "decision_function") and not (
            is_of_pairs and len(self.signature.classes or []) > 2
        )

    def predict_rows(
        self, rows: Sequence[Mapping[str, Any]], has_probabilities: bool, *, has_scores: bool = False
    ) -> Predictions:
        """Predict for rows as a request holds them; the fast path for few of them.

        Args:
            rows: A mapping from column to value each.
            has_probabilities: Also answer the probability of each class.
            has_scores: Also answer the decision scores.

        Raises:
            SignatureMismatch: A column is missing or a value cannot be cast; one detail for each.
            InvalidCommand: Probabilities or scores are asked of a model that has none.
            EstimatorRejected: The estimator refused the rows.
        """
        self._require(has_probabilities=has_probabilities, has_scores=has_scores)
        return self._predict(*self.encoder.rows(rows), has_probabilities=has_probabilities, has_scores=has_scores)

    def predict_frame(self, frame: pd.DataFrame, has_probabilities: bool, *, has_scores: bool = False) -> Predictions:
        """Predict for a table; see ``predict_rows``, which gives the same for the same values."""
        self._require(has_probabilities=has_probabilities, has_scores=has_scores)
        return self._predict(*self.encoder.transform(frame), has_probabilities=has_probabilities, has_scores=has_scores)

    def predict_encoded(
        self,
        matrix: Floats,
        report: EncodingReport | None = None,
        *,
        has_probabilities: bool = False,
        has_scores: bool = False,
    ) -> Predictions:
        """Predict for rows that the model's own encoder encoded, with what it reported; see ``predict_rows``.

        Raises:
            InvalidCommand: Probabilities or scores are asked of a model that has none.
            EstimatorRejected: The estimator refused the rows.
        """
        self._require(has_probabilities=has_probabilities, has_scores=has_scores)
        report = report or EncodingReport(len(matrix))
        return self._predict(matrix, report, has_probabilities=has_probabilities, has_scores=has_scores)

    def answers(self, matrix: Floats, *, has_probabilities: bool) -> tuple[npt.NDArray[Any], Floats | None]:
        """What the estimator answers for encoded rows, before it is put into words.

        Args:
            matrix: The rows as the model's own encoder encoded them, shape (n_rows, n_features), one row at least.
            has_probabilities: Also answer the probability of each class; the model must have them.

        Returns:
            Class codes, clusters, numbers, or -1 and 1 for outliers and inliers, shape (n_rows,), and probabilities,
            shape (n_rows, n_classes), or None.

        Raises:
            EstimatorRejected: The estimator refused the rows.
        """
        try:
            found, probabilities = self._ask(matrix, has_probabilities=has_probabilities)
        except MemoryError:
            raise
        except Exception as error:
            raise self._could_not_predict(error) from error
        return found, self._of_all_classes(probabilities)

    def _require(self, *, has_probabilities: bool, has_scores: bool) -> None:
        self._require_probabilities(has_probabilities)
        if has_scores and not self.has_scores:
            name = type(self.estimator).__name__
            whose = "" if self.signature.task == "clustering" else " for each class"
            raise InvalidCommand(
                f"{name} has no decision scores{whose}; ask without them",
                details=[{"where": "has_scores", "problem": f"{name} has no decision scores", "expected": False}],
            )

    def _require_probabilities(self, has_probabilities: bool) -> None:
        if not has_probabilities or self.has_probabilities:
            return
        name = type(self.estimator).__name__
        raise InvalidCommand(
            f"{name} has no probabilities: {_NO_PROBABILITIES[self.signature.task]}",
            details=[{"where": "has_probabilities", "problem": f"{name} has no probabilities", "expected": False}],
        )

    def _predict(
        self, matrix: Floats, report: EncodingReport, *, has_probabilities: bool, has_scores: bool
    ) -> Predictions:
        if not len(matrix):
            empty = np.empty((0, len(self.signature.classes or [])))
            return Predictions([], empty if has_probabilities else None, report, empty if has_scores else None)
        answers, probabilities = self.answers(matrix, has_probabilities=has_probabilities)
        try:
            scores = self._batching.scores(matrix) if has_scores else None
        except MemoryError:
            raise
        except Exception as error:
            raise self._could_not_predict(error) from error
        return Predictions(self._labels(answers), probabilities, report, scores)

    def _could_not_predict(self, error: Exception) -> EstimatorRejected:
        name = type(self.estimator).__name__
        return EstimatorRejected(f"{name} could not predict for these rows: {words_of(error)}")

    def _ask(self, matrix: Floats, *, has_probabilities: bool) -> tuple[npt.NDArray[Any], Floats | None]:
        threshold = self.signature.threshold
        if threshold is not None:
            probabilities = self._batching.probabilities(matrix)
            codes = (probabilities[:, 1] >= threshold).astype(np.int64)
            return codes, probabilities if has_probabilities else None
        if has_probabilities:
            return self._batching.codes_and_probabilities(matrix)
        return self._batching.answers(matrix), None

    @cached_property
    def _batching(self) -> Batching:
        return Batching(self.estimator)

    def _of_all_classes(self, probabilities: Floats | None) -> Floats | None:
        """Probabilities of the signature's classes: in cross-validation a part of the rows may have lacked some."""
        classes = self.signature.classes or []
        if probabilities is None or probabilities.shape[1] == len(classes):
            return probabilities
        spread = np.zeros((len(probabilities), len(classes)))
        spread[:, np.asarray(self.estimator.classes_, dtype=np.int64)] = probabilities
        return spread

    def _labels(self, answers: npt.NDArray[Any]) -> list[Any]:
        task, classes = self.signature.task, self.signature.classes
        if task == "clustering":
            return list(answers.astype(np.int64).tolist())
        if task == "outlier_detection":
            answers = answers < 0
        if classes is not None:
            return [classes[code] for code in answers.astype(np.int64).tolist()]
        numbers = answers.astype(np.float64)
        return [
            number if is_finite else None
            for number, is_finite in zip(numbers.tolist(), np.isfinite(numbers).tolist(), strict=True)
        ]


def words_of(error: BaseException) -> str:
    """An estimator's own words on what went wrong, on one line, at most ``_WORDS_LENGTH`` characters; never empty."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= _WORDS_LENGTH else f"{words[:_WORDS_LENGTH]}…"
