"""Drift: whether rows still resemble those that a model was trained on. Pure: frames and a model in, findings out."""

import math
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from modelbus.evaluator.drift import distances as statistics
from modelbus.evaluator.drift.bins import DISCRETE_LIMIT, Bins, count_ranges, count_values
from modelbus.evaluator.drift.column_findings import Finding, Statistic
from modelbus.shared.contracts import DriftThresholds, SignatureColumn
from modelbus.shared.tabular.cells.columns import Reading, read_column
from modelbus.shared.tabular.predicting.model import FittedModel

PREDICTED_ROWS: Final = 10_000
"""Maximum rows of each side that are predicted, from all parts of the sample."""
_NUMBERS: Final = ("integer", "real", "datetime")


def compare_columns(
    model: FittedModel,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    thresholds: DriftThresholds,
    *,
    is_reference_whole: bool = True,
) -> list[Finding]:
    """Compare every column that a model needs.

    Args:
        model: The model.
        reference: Training rows, at least one.
        current: The rows to compare, at least one.
        thresholds: The thresholds for drift.
        is_reference_whole: Whether the reference is the whole training table. If not, values that the model has learnt
            do not count as unseen.
    """
    findings = []
    for column in model.encoder.columns:
        sides = [model.encoder.as_meant(column.name, _read(frame, column)) for frame in (reference, current)]
        if column.is_free_text:
            findings.append(_compare_readings(*_counting_words(column, sides), thresholds, set()))
            continue
        known = set() if is_reference_whole else _learnt(model, column, sides[1])
        findings.append(_compare_readings(column, sides[0], sides[1], thresholds, known))
    return findings


def compare_predictions(
    model: FittedModel, reference: pd.DataFrame, current: pd.DataFrame, thresholds: DriftThresholds
) -> Finding | None:
    """Compare a model's predictions for two tables; None if no row of one table can be predicted.

    Raises:
        SignatureMismatch: A table lacks columns.
        EstimatorRejected: The estimator rejected the rows.
    """
    answers = [_predict(model, frame) for frame in (reference, current)]
    if not all(answers):
        return None
    present = [[answer for answer in side if answer is not None] for side in answers]
    rows = len(answers[0]), len(answers[1])
    missing = rows[0] - len(present[0]), rows[1] - len(present[1])
    is_number = model.signature.task == "regression"
    found, bins = _distances(present[0], present[1], missing, thresholds, is_number=is_number, known=())
    return Finding("prediction", model.signature.task, found, missing, rows, (0, 0), bins)


def _counting_words(column: SignatureColumn, sides: Sequence[Reading]) -> tuple[SignatureColumn, Reading, Reading]:
    """Replace free text by its number of words, because every text is unique, today as in training."""
    counted = []
    for side in sides:
        counts = [math.nan if text is None else float(len(str(text).split())) for text in side.values]
        counted.append(Reading(np.array(counts, dtype=np.float64), side.coerced, side.faults))
    return column.model_copy(update={"type": "integer"}), counted[0], counted[1]


def _read(frame: pd.DataFrame, column: SignatureColumn) -> Reading:
    # A column that was empty in training may be absent.
    cells: Any = frame[column.name] if column.name in frame.columns else [None] * len(frame)
    return read_column(cells, column)


def _compare_readings(
    column: SignatureColumn, reference: Reading, current: Reading, thresholds: DriftThresholds, known: Collection[Any]
) -> Finding:
    sides = (reference, current)
    rows = len(reference.values), len(current.values)
    missing = int(reference.missing.sum()), int(current.missing.sum())
    present = [_present(column, side) for side in sides]
    is_number = column.type in _NUMBERS
    found, bins = _distances(present[0], present[1], missing, thresholds, is_number=is_number, known=known)
    found.append(_missing_rate(missing, rows, thresholds))
    if not is_number:
        found.append(_unseen_rate(bins, len(present[0]), len(present[1]), thresholds))
    invalid = len(reference.faults), len(current.faults)
    return Finding(column.name, column.type, found, missing, rows, invalid, bins)


def _present(column: SignatureColumn, reading: Reading) -> list[Any]:
    values = reading.values[~reading.missing].tolist()
    return [bool(value) for value in values] if column.type == "boolean" else values


def _distances(
    reference: Sequence[Any],
    current: Sequence[Any],
    missing: tuple[int, int],
    thresholds: DriftThresholds,
    *,
    is_number: bool,
    known: Collection[Any],
) -> tuple[list[Statistic], Bins]:
    """The statistics of two samples' present values, and the bins behind them."""
    rows = len(reference) + missing[0], len(current) + missing[1]
    is_ranged = is_number and len(set(reference)) > DISCRETE_LIMIT
    if is_ranged:
        bins = count_ranges(np.asarray(reference, float), np.asarray(current, float), missing)
    else:
        bins = count_values(reference, current, missing, known)
    found = [_stability(bins, rows, thresholds)]
    if is_number:
        found.append(_kolmogorov_smirnov(reference, current, thresholds))
    else:
        found.append(_jensen_shannon(bins, rows, thresholds))
    return found, bins


def _stability(bins: Bins, rows: tuple[int, int], thresholds: DriftThresholds) -> Statistic:
    value = statistics.stability_index(bins.reference, bins.current)
    by_chance = statistics.stability_index_by_chance(len(bins.labels), *rows)
    is_decidable = statistics.can_index_exceed(bins.reference, rows[1])
    return Statistic("psi", value, by_chance, thresholds.psi, is_decidable=is_decidable)


def _jensen_shannon(bins: Bins, rows: tuple[int, int], thresholds: DriftThresholds) -> Statistic:
    value = statistics.jensen_shannon_distance(bins.reference, bins.current)
    by_chance = statistics.jensen_shannon_by_chance(len(bins.labels), *rows)
    # The distance is 1 if all rows are in a bin that the reference lacks.
    is_decidable = statistics.jensen_shannon_by_chance(int((bins.reference > 0).sum()) + 1, *rows) < 1
    return Statistic("jensen_shannon", value, by_chance, thresholds.jensen_shannon, is_decidable=is_decidable)


def _kolmogorov_smirnov(reference: Sequence[Any], current: Sequence[Any], thresholds: DriftThresholds) -> Statistic:
    name, threshold = "kolmogorov_smirnov", thresholds.kolmogorov_smirnov
    if not reference and not current:  # both are empty, so they are equal
        return Statistic(name, 0.0, 0.0, threshold)
    if not reference or not current:
        return Statistic(name, None, math.nan, threshold, unknown_reason=_one_sided(reference))
    value = statistics.kolmogorov_smirnov(np.asarray(reference, float), np.asarray(current, float))
    by_chance = statistics.kolmogorov_smirnov_by_chance(len(reference), len(current))
    return Statistic(name, value, by_chance, threshold, is_decidable=by_chance < 1)


def _missing_rate(missing: tuple[int, int], rows: tuple[int, int], thresholds: DriftThresholds) -> Statistic:
    difference = abs(missing[1] / rows[1] - missing[0] / rows[0])
    by_chance = statistics.rate_by_chance(sum(missing), *rows)
    is_decidable = statistics.can_rate_exceed(missing[0], *rows)
    return Statistic("missing_rate", difference, by_chance, thresholds.missing_rate, is_decidable=is_decidable)


def _unseen_rate(bins: Bins, reference: int, current: int, thresholds: DriftThresholds) -> Statistic:
    """The fraction of the current rows with a value whose value is unseen."""
    name, threshold = "unseen_rate", thresholds.unseen_rate
    if current:
        return Statistic(name, bins.unseen_count / current, bins.unseen_by_chance, threshold)
    if not reference:
        return Statistic(name, 0.0, 0.0, threshold)
    return Statistic(name, None, math.nan, threshold, unknown_reason=_one_sided([None]))


def _one_sided(reference: Sequence[Any]) -> str:
    side = "the compared rows have" if reference else "the training rows have"
    return f"{side} no value"


def _learnt(model: FittedModel, column: SignatureColumn, reading: Reading) -> set[Any]:
    """The values of a text column that the model's encoder has learnt."""
    if column.type != "text":
        return set()
    distinct = sorted(set(_present(column, reading)))
    rows = pd.DataFrame({each.name: [None] * len(distinct) for each in model.encoder.columns}, dtype=object)
    rows[column.name] = distinct
    _, report = model.encoder.transform(rows)
    unseen = set(report.unseen.get(column.name, np.empty(0, np.int64)).tolist())
    return {value for index, value in enumerate(distinct) if index not in unseen}


def _predict(model: FittedModel, frame: pd.DataFrame) -> list[Any]:
    """Predict the rows that can be predicted, at most ``PREDICTED_ROWS``."""
    if len(frame) > PREDICTED_ROWS:
        frame = frame.iloc[np.linspace(0, len(frame) - 1, PREDICTED_ROWS).astype(np.int64)]
    faulty = {fault.row for column in model.encoder.columns for fault in _read(frame, column).faults}
    usable = [row for row in range(len(frame)) if row not in faulty]
    return model.predict_frame(frame.iloc[usable], False).labels if usable else []
