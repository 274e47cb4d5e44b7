"""Encoder and estimator fitted on rows; what an estimator says when it refuses them is told in its own words."""

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
        estimator: Unfitted; it is fitted then.
        frame: The training rows.
        target: Class codes (int64) or numbers (float64), shape (n_rows,); None for tasks without one.
        columns: The features.
        task: What the target is.
        seed: Seeds the encoder.
        weights: How much each row counts, shape (n_rows,); None where all count alike.
        on_step: Called as the fit goes on, where the estimator tells.

    Returns:
        The encoder.

    Raises:
        EstimatorRejected: No feature varies, the clusters are none that can be kept, or the estimator refused the rows,
            in its own words.
        SignatureMismatch: A value is not of its column's type.
        JobOutOfMemory: The fit needs more memory than there is.
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
    """Fit the estimator on rows that are encoded already; see ``fit_rows``.

    Args:
        estimator: Unfitted; it is fitted then.
        matrix: The encoded training rows, shape (n_rows, n_features).
        target: Class codes (int64) or numbers (float64), shape (n_rows,); None for tasks without one.
        task: What the target is.
        weights: How much each row counts, shape (n_rows,); None where all count alike.
        on_step: Called as the fit goes on, where the estimator tells.

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
    """The range of the features that an estimator takes."""
    return "unit" if get_tags(estimator).input_tags.positive_only else "standard"


def require_varying(matrix: npt.NDArray[np.float64]) -> None:
    """Check that the encoded training rows have a column.

    Raises:
        EstimatorRejected: They have none.
    """
    if not matrix.shape[1]:
        raise EstimatorRejected("no feature varies among the training rows, so there is nothing to learn from")


@contextmanager
def translated_refusals(estimator: Any) -> Iterator[None]:
    """Tell what goes wrong inside in the estimator's own words.

    Raises:
        EstimatorRejected: Something was refused.
        JobOutOfMemory: More memory is needed than there is.
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
    """Drop what only the fit uses: prediction needs none of it. What a plug-in keeps is its own affair.

    HistGradientBoosting* score themselves while they fit and keep what refers back to the estimator: a circle of
    references cannot be stored. BisectingKMeans keeps a function, which no artifact may hold, AffinityPropagation a
    matrix of all training rows by all training rows.
    """
    if not type(estimator).__module__.startswith("sklearn."):
        return
    attributes = vars(estimator)
    for name, value in list(attributes.items()):
        if isinstance(value, MethodType) and value.__self__ is estimator:
            del attributes[name]  # the class has the method all the same
    for name in _OF_THE_FIT:
        attributes.pop(name, None)
    if attributes.get("_scorer") is not None:
        attributes["_scorer"] = None
