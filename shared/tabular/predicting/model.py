"""A fitted model: an encoder, an estimator and their signature. It predicts and never learns.

The prediction of a row does not depend on other rows of the same call, to the last bit (``batching.py``).
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
    "classification": "it predicts classes only; do not request probabilities, or train an estimator that has them",
    "regression": "it predicts numbers, not classes",
    "outlier_detection": "it separates outliers from inliers; request scores, which measure how far out a row is",
    "clustering": "it assigns each row to a single cluster",
}


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions of a model."""

    labels: list[Any]
    """One per row, in JSON form: the class in the target's Python type, `inlier` or `outlier`, the number of a cluster,
    or a float. None if the estimator's prediction is not finite."""
    probabilities: Floats | None
    """Shape (n_rows, n_classes), in the order of the signature's classes; None unless requested."""
    report: EncodingReport
    """The encoder's report on the rows."""
    scores: Floats | None = None
    """Decision scores: shape (n_rows,) for two classes (positive for the second), (n_rows, n_classes) for more, and
    (n_rows,) for outlier detection (negative for outliers). None unless requested."""


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A model that can predict."""

    encoder: TabularEncoder
    estimator: Any
    """A fitted estimator; classifiers are fitted on class codes (see ``labels.py``)."""
    signature: Signature

    @property
    def readings(self) -> dict[str, SignatureColumn]:
        """How the columns of any table are read, by name: features and target as in the training table."""
        target = self.signature.target_column
        return {column.name: column for column in [*self.signature.columns, *([target] if target else [])]}

    @property
    def has_probabilities(self) -> bool:
        """Whether the model can predict probabilities of classes."""
        if self.signature.task != "classification" or not hasattr(self.estimator, "predict_proba"):
            return False
        # GaussianProcessClassifier always has the method, which may raise an error
        is_one_vs_one = getattr(self.estimator, "multi_class", None) == "one_vs_one"
        return not (is_one_vs_one and len(self.signature.classes or []) > 2)

    @property
    def has_scores(self) -> bool:
        """Whether the model can compute decision scores."""
        # one-vs-one scores belong to pairs of classes
        is_of_pairs = getattr(self.estimator, "decision_function_shape", None) == "ovo"
        return hasattr(self.estimator, "decision_function") and not (
            is_of_pairs and len(self.signature.classes or []) > 2
        )

    def predict_rows(
        self, rows: Sequence[Mapping[str, Any]], has_probabilities: bool, *, has_scores: bool = False
    ) -> Predictions:
        """Predict the rows of a request; fast for few rows.

        Args:
            rows: A mapping from column to value each.
            has_probabilities: Whether to compute the probability of each class too.
            has_scores: Whether to compute decision scores too.

        Raises:
            SignatureMismatch: A column is missing or a value cannot be cast, with one detail for each.
            InvalidCommand: Probabilities or scores are requested, but the model has none.
            EstimatorRejected: The estimator rejected the rows.
        """
        self._require(has_probabilities=has_probabilities, has_scores=has_scores)
        return self._predict(*self.encoder.rows(rows), has_probabilities=has_probabilities, has_scores=has_scores)

    def predict_frame(self, frame: pd.DataFrame, has_probabilities: bool, *, has_scores: bool = False) -> Predictions:
        """Predict the rows of a table, with the same results as ``predict_rows``."""
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
        """Predict rows that the model's encoder has encoded, given its report; see ``predict_rows``.

        Raises:
            InvalidCommand: Probabilities or scores are requested, but the model has none.
            EstimatorRejected: The estimator rejected the rows.
        """
        self._require(has_probabilities=has_probabilities, has_scores=has_scores)
        report = report or EncodingReport(len(matrix))
        return self._predict(matrix, report, has_probabilities=has_probabilities, has_scores=has_scores)

    def answers(self, matrix: Floats, *, has_probabilities: bool) -> tuple[npt.NDArray[Any], Floats | None]:
        """The estimator's raw predictions for encoded rows.

        Args:
            matrix: Rows that the model's encoder has encoded, shape (n_rows, n_features), at least one.
            has_probabilities: Whether to compute the probability of each class too; the model must have them.

        Returns:
            Class codes, clusters, numbers, or -1 and 1 for outliers and inliers, shape (n_rows,), and probabilities,
            shape (n_rows, n_classes), or None.

        Raises:
            EstimatorRejected: The estimator rejected the rows.
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
                f"{name} has no decision scores{whose}; do not request them",
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
        return EstimatorRejected(f"{name} could not predict these rows: {words_of(error)}")

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
        """Extend probabilities to all classes of the signature: in cross-validation, a fold may have lacked some."""
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
    """The message of an exception on one line, at most ``_WORDS_LENGTH`` characters; never empty."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= _WORDS_LENGTH else f"{words[:_WORDS_LENGTH]}…"
