"""Learning of a column's encoding from the training rows, with scikit-learn's transformers; not used for serving."""

from collections import Counter
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler, TargetEncoder

from modelbus.shared.contracts import SignatureColumn, Task
from modelbus.shared.tabular.cells.columns import Reading
from modelbus.shared.tabular.encoding.free_text.free_text_learning import learn_free_text, numeric_targets
from modelbus.shared.tabular.encoding.looked_up import LookedUpColumn
from modelbus.shared.tabular.encoding.scaled import LIMIT, EncodedColumn, Floats, ScaledColumn, canonical_parts

ONE_HOT_LIMIT = 40
"""Text with more categories is encoded by target means, or by frequency without a target, so that the matrix stays
narrow."""

Target = npt.NDArray[Any] | None
"""Class codes (int64) or numbers (float64), shape (n_rows,); None for tasks without a target."""
Scaling = Literal["standard", "unit"]
"""``standard``: mean 0, variance 1. ``unit``: within 0..1, for estimators that accept no negative features."""

_FOLDS = 5


def learn_column(
    column: SignatureColumn, reading: Reading, target: Target, *, task: Task, scaling: Scaling, seed: int
) -> tuple[EncodedColumn, Floats]:
    """Learn the encoding of a column.

    Args:
        column: Its name and type.
        reading: Its training values.
        target: The training rows' targets.
        task: The task of the model.
        scaling: The range of the outputs.
        seed: Seed for shuffling the folds of the cross-fitting.

    Returns:
        The learnt column, and its outputs for the training rows, shape (n_rows, n_outputs). For target means and scores
        of free text, these differ from ``encode``: each row is encoded with the other folds only, so that its own
        target does not leak into its features.
    """
    if column.type in ("integer", "real", "boolean", "datetime"):
        scaled = _learn_scaled(column, reading, scaling)
        return scaled, scaled.encode(reading)[0]
    if column.is_free_text:
        return _learn_free_text(column, reading, target, task=task, scaling=scaling, seed=seed)
    categories = sorted({text for text in reading.values if text is not None})
    if len(categories) <= ONE_HOT_LIMIT:
        looked_up = _learn_one_hot(column, reading, categories)
    elif target is None:
        looked_up = _learn_fractions(column, reading, categories, scaling)
    else:
        return _learn_target_means(column, reading, categories, target, task=task, scaling=scaling, seed=seed)
    return looked_up, looked_up.encode(reading)[0]


def _learn_free_text(
    column: SignatureColumn, reading: Reading, target: Target, *, task: Task, scaling: Scaling, seed: int
) -> tuple[EncodedColumn, Floats]:
    is_classification = task == "classification"
    targets = None
    if target is not None:
        targets = numeric_targets(target, is_classification=is_classification, seed=seed)

    def splits(rows: npt.NDArray[np.int64]) -> list[Any]:
        assert target is not None  # scores need a target
        return list(_splitter(target[rows], task, seed).split(rows, target[rows]))

    return learn_free_text(column, reading, targets, splits, is_unit=scaling == "unit", seed=seed)


def _learn_scaled(column: SignatureColumn, reading: Reading, scaling: Scaling) -> ScaledColumn:
    parts, missing = canonical_parts(column, reading), reading.missing
    part_count = parts.shape[1]
    if missing.all():
        nothing = np.zeros(part_count)
        return ScaledColumn(column, nothing, nothing, nothing + 1, nothing.astype(np.bool_), -LIMIT, LIMIT, False)
    present = parts[~missing]
    is_boolean = column.type == "boolean"
    imputer = SimpleImputer(strategy="most_frequent" if is_boolean else "median").fit(present)
    fill = np.asarray(imputer.statistics_, dtype=np.float64)
    center, scale = _center_and_scale(np.where(missing[:, None], fill, parts), scaling)
    if is_boolean:
        center, scale = np.zeros(1), np.ones(1)
    low, high = _bounds(scaling)
    return ScaledColumn(
        column,
        fill,
        center,
        scale,
        is_kept=present.min(axis=0) != present.max(axis=0),
        low=low,
        high=high,
        has_indicator=bool(missing.any()),
    )


def _center_and_scale(outputs: Floats, scaling: Scaling) -> tuple[Floats, Floats]:
    with np.errstate(over="ignore", invalid="ignore"):
        if scaling == "unit":
            unit = MinMaxScaler().fit(outputs)
            center, scale = unit.data_min_, unit.data_range_
        else:
            standard = StandardScaler().fit(outputs)
            center, scale = standard.mean_, standard.scale_
    # squares of numbers beyond 1e154 overflow, so they are scaled by their magnitude only
    is_finite = np.isfinite(center) & np.isfinite(scale)
    center = np.where(is_finite, center, 0.0)
    scale = np.where(is_finite, scale, np.abs(outputs).max(axis=0))
    return center, np.where(scale == 0, 1.0, scale)


def _bounds(scaling: Scaling) -> tuple[float, float]:
    """The limits to which outputs are clipped."""
    return (0.0, 1.0) if scaling == "unit" else (-LIMIT, LIMIT)


def _learn_one_hot(column: SignatureColumn, reading: Reading, categories: list[str]) -> LookedUpColumn:
    has_missing = bool(reading.missing.any())
    if not categories or (len(categories) == 1 and not has_missing):
        return LookedUpColumn(column, categories, np.zeros((len(categories) + 2, 0)), "one-hot")
    # one output is enough for two categories; missing values are a third case, for which all outputs are zero
    encoder = OneHotEncoder(drop=None if has_missing else "if_binary", sparse_output=False)
    rows = encoder.fit_transform(np.array(categories, dtype=object).reshape(-1, 1))
    neither = np.full((2, rows.shape[1]), 0.5 if rows.shape[1] < len(categories) else 0.0)
    return LookedUpColumn(column, categories, np.vstack([rows, neither]), "one-hot")


def _learn_fractions(
    column: SignatureColumn, reading: Reading, categories: list[str], scaling: Scaling
) -> LookedUpColumn:
    """Frequency encoding: each category's fraction of the training rows; missing and unseen have the fraction 0."""
    counts = Counter(text for text in reading.values if text is not None)
    fractions = np.array([*(counts[category] for category in categories), 0, 0], dtype=np.float64) / len(reading.values)
    table = fractions.reshape(-1, 1)
    learnt = LookedUpColumn(column, categories, table, "share").encode(reading)[0]
    if learnt.min() == learnt.max():  # equally frequent categories, as in a column of names, cannot be distinguished
        return LookedUpColumn(column, categories, table[:, :0], "share")
    center, scale = _center_and_scale(learnt, scaling)
    low, high = _bounds(scaling)
    return LookedUpColumn(column, categories, np.clip((table - center) / scale, low, high), "share")


def _learn_target_means(
    column: SignatureColumn,
    reading: Reading,
    categories: list[str],
    target: npt.NDArray[Any],
    *,
    task: Task,
    scaling: Scaling,
    seed: int,
) -> tuple[LookedUpColumn, Floats]:
    index_of = {category: index for index, category in enumerate(categories)}
    missing_index = len(categories)
    indices = np.array([index_of.get(text, missing_index) for text in reading.values]).reshape(-1, 1)
    encoder = TargetEncoder(target_type=_target_type(target, task), cv=_splitter(target, task, seed))
    crossed = np.asarray(encoder.fit_transform(indices, target), dtype=np.float64)
    # a missing value that never occurred counts as unseen and gets the overall mean
    table = np.asarray(encoder.transform(np.arange(missing_index + 2).reshape(-1, 1)), dtype=np.float64)
    center, scale = _center_and_scale(crossed, scaling)
    low, high = _bounds(scaling)
    table, crossed = (np.clip((outputs - center) / scale, low, high) for outputs in (table, crossed))
    return LookedUpColumn(column, categories, table, "target mean"), crossed


def _target_type(target: npt.NDArray[Any], task: Task) -> str:
    if task == "regression":
        return "continuous"
    return "binary" if len(np.unique(target)) == 2 else "multiclass"


def _splitter(target: npt.NDArray[Any], task: Task, seed: int) -> Any:
    if task == "classification" and np.unique(target, return_counts=True)[1].min() >= _FOLDS:
        return StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    return KFold(_FOLDS, shuffle=True, random_state=seed)
