"""Encoder and estimator fitted on rows; what an estimator says when it refuses them is told in its own words."""

from collections.abc import Sequence
from types import MethodType
from typing import Any, Final

import pandas as pd
from sklearn.utils import get_tags

from shared.contracts import SignatureColumn, Task
from shared.errors import EstimatorRejected, JobOutOfMemory, ModelbusError
from shared.tabular.encoder import TabularEncoder
from shared.tabular.learning import Scaling, Target
from shared.tabular.model import words_of
from shared.tabular.threads import fit_threads
from trainer.clusters import require_clusters
from trainer.reporting import StepCallback
from trainer.stepping import fit_in_steps
from trainer.weighting import Weights

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
    name, encoder = type(estimator).__name__, TabularEncoder()
    scaling: Scaling = "unit" if get_tags(estimator).input_tags.positive_only else "standard"
    try:
        matrix = encoder.fit_transform(frame, target, columns, task, seed, scaling=scaling)
        if not matrix.shape[1]:
            raise EstimatorRejected("no feature varies among the training rows, so there is nothing to learn from")
        with fit_threads(estimator):
            fit_in_steps(estimator, matrix, target, weights, on_step)
        if task == "clustering":
            require_clusters(estimator)
    except ModelbusError:
        raise
    except MemoryError as error:
        raise JobOutOfMemory(f"{name} needs more memory than the job may use: {error}") from error
    except Exception as error:
        raise EstimatorRejected(f"{name} rejected the data or the hyperparameters: {words_of(error)}") from error
    _forget_fitting(estimator)
    return encoder


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
