"""Fitting an encoder and an estimator on rows; an estimator's errors are passed on in its own words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import MethodType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import get_tags

from modelbus.shared.contracts import SignatureColumn, Task
from modelbus.shared.errors import EstimatorRejected, JobOutOfMemory, ModelbusError
from modelbus.shared.tabular.encoding.column_learning import Scaling, Target
from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from modelbus.shared.tabular.predicting.model import words_of
from modelbus.shared.tabular.predicting.threads import fit_threads
from modelbus.trainer.fitting.clusters import require_clusters
from modelbus.trainer.fitting.fit_progress import StepCallback
from modelbus.trainer.fitting.stepping import fit_in_steps
from modelbus.trainer.rows.weighting import Weights

_OF_THE_FIT: Final = ("_kmeans_single", "affinity_matrix_")


def fit_rows(
    estimator: Any,
    frame: pd.DataFrame,
    target: Target,
    columns: Sequence[SignatureColumn],
    *,
    task: Task,
    seed: int,
    weights: Weights | None,
    on_step: StepCallback,
) -> TabularEncoder:
    """Fit a fresh encoder and the estimator.

    Args:
        estimator: Unfitted; fitted in place.
        frame: The training rows.
        target: Class codes (int64) or numbers (float64), shape (n_rows,); None for tasks without one.
        columns: The features.
        task: The estimator's task.
        seed: Seed of the encoder.
        weights: The weight of each row, shape (n_rows,); None if all are equal.
        on_step: Called as the fit progresses, if the estimator reports it.

    Returns:
        The encoder.

    Raises:
        EstimatorRejected: No feature varies, there are no clusters or they cannot be stored, or the estimator rejected
            the rows.
        SignatureMismatch: A value is not of its column's type.
        JobOutOfMemory: The fit needs more memory than the job may use.
    """
    encoder = TabularEncoder()
    with translated_refusals(estimator):
        matrix = encoder.fit_transform(frame, target, columns, task, seed, scaling=scaling_of(estimator))
    fit_encoded(estimator, matrix, target, task=task, weights=weights, on_step=on_step)
    return encoder


def fit_encoded(
    estimator: Any,
    matrix: npt.NDArray[np.float64],
    target: Target,
    *,
    task: Task,
    weights: Weights | None,
    on_step: StepCallback,
) -> None:
    """Fit an estimator on encoded rows; see ``fit_rows``.

    Args:
        estimator: Unfitted; fitted in place.
        matrix: The encoded training rows, shape (n_rows, n_features).
        target: Class codes (int64) or numbers (float64), shape (n_rows,); None for tasks without one.
        task: The estimator's task.
        weights: The weight of each row, shape (n_rows,); None if all are equal.
        on_step: Called as the fit progresses, if the estimator reports it.

    Raises:
        EstimatorRejected, JobOutOfMemory: As ``fit_rows``.
    """
    with translated_refusals(estimator):
        require_varying(matrix)
        with fit_threads(estimator, matrix.size):
            fit_in_steps(estimator, matrix, target, weights, on_step)
        if task == "clustering":
            require_clusters(estimator)
    _forget_fitting(estimator)


def scaling_of(estimator: Any) -> Scaling:
    """How the features of an estimator are scaled: to [0, 1] if it accepts no negative values, else standardized."""
    return "unit" if get_tags(estimator).input_tags.positive_only else "standard"


def require_varying(matrix: npt.NDArray[np.float64]) -> None:
    """Check that the encoded training rows have at least one column.

    Raises:
        EstimatorRejected: No feature varies.
    """
    if not matrix.shape[1]:
        raise EstimatorRejected("each feature has a single value in the training rows, so there is nothing to learn")


@contextmanager
def translated_refusals(estimator: Any) -> Iterator[None]:
    """Translate exceptions of an estimator to errors that quote its own message.

    Raises:
        EstimatorRejected: The estimator rejected the data or the hyperparameters.
        JobOutOfMemory: More memory is needed than the job may use.
    """
    name = type(estimator).__name__
    try:
        yield
    except ModelbusError:
        raise
    except MemoryError as error:
        raise JobOutOfMemory(f"{name} needs more memory than the job may use: {error}") from error
    except Exception as error:
        raise EstimatorRejected(f"{name} rejected the data or the hyperparameters: {words_of(error)}") from error


def _forget_fitting(estimator: Any) -> None:
    """Remove attributes that prediction does not need from one of scikit-learn's estimators.

    HistGradientBoosting* keep a scorer that refers back to the estimator, and a circular reference cannot be stored.
    BisectingKMeans keeps a function, which an artifact cannot contain; AffinityPropagation keeps a square matrix of all
    training rows.
    """
    if not type(estimator).__module__.startswith("sklearn."):
        return
    attributes = vars(estimator)
    for name, value in list(attributes.items()):
        if isinstance(value, MethodType) and value.__self__ is estimator:
            del attributes[name]  # the class still has the method
    for name in _OF_THE_FIT:
        attributes.pop(name, None)
    if attributes.get("_scorer") is not None:
        attributes["_scorer"] = None
