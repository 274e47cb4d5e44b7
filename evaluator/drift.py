"""Drift: whether rows are still like those that a model was trained on. Pure: frames and a model in, findings out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from evaluator import drift_statistics as statistics
from evaluator.drift_bins import DISCRETE_LIMIT, Bins, count_ranges, count_values
from shared.contracts import DriftThresholds, SignatureColumn
from shared.tabular.columns import Reading, read_column
from shared.tabular.model import FittedModel

PREDICTED_ROWS: Final = 10_000
"""Of more rows than this on one side, so many are predicted, from all parts of the sample."""
_NUMBERS: Final = ("integer", "real", "datetime")


@dataclass(frozen=True)
class Statistic:
    """One figure of how far two samples lie apart."""

    name: str
    value: float
    by_chance: float
    """What it exceeds once in a thousand times without any drift."""
    threshold: float | None
    """From which value on it means drift; None if it never does."""

    @property
    def is_exceeded(self) -> bool:
        """Whether it means drift."""
        return self.threshold is not None and self.value >= self.threshold and self.value > self.by_chance

    def view(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "name": self.name,
            "value": self.value,
            "by_chance": self.by_chance,
            "threshold": self.threshold,
            "is_exceeded": self.is_exceeded,
        }


@dataclass(frozen=True)
class Finding:
    """How far one column, or what is predicted, has drifted."""

    name: str
    type: str
    """The column's type; of predictions the task."""
    statistics: list[Statistic]
    missing: tuple[int, int]
    rows: tuple[int, int]
    invalid: tuple[int, int]
    """Cells that are not of the column's type; they count as missing."""
    bins: Bins

    @property
    def has_drifted(self) -> bool:
        """Whether a statistic is over its threshold."""
        return any(each.is_exceeded for each in self.statistics)

    def view(self) -> dict[str, Any]:
        """Ready for JSON."""
        unseen = None
        if self.type in ("text", "boolean", "empty"):
            present = max(self.rows[1] - self.missing[1], 1)
            count = self.bins.unseen_count
            unseen = {"count": count, "rate": count / present, "values": self.bins.shown_unseen()}
        return {
            "name": self.name,
            "type": self.type,
            "has_drifted": self.has_drifted,
            "statistics": [each.view() for each in self.statistics],
            "missing_rate": _pair(*(count / rows for count, rows in zip(self.missing, self.rows, strict=True))),
            "invalid_count": _pair(*self.invalid),
            "unseen": unseen,
            "distribution": {
                "name": self.name,
                "x": [_shown(label, self.type) for label in self.bins.labels],
                "reference": (self.bins.reference / self.rows[0]).tolist(),
                "current": (self.bins.current / self.rows[1]).tolist(),
            },
        }


def compare_columns(
    model: FittedModel,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    thresholds: DriftThresholds,
    *,
    is_reference_whole: bool = True,
) -> list[Finding]:
    """Compare each column that a model needs.

    Args:
        model: The model.
        reference: Training rows, one at least.
        current: The rows to compare, one at least.
        thresholds: What means drift.
        is_reference_whole: Whether the reference is all of the training table; if it is not, values that the model has
            learnt are no unseen ones.
    """
    findings = []
    for column in model.encoder.columns:
        sides = [_read(frame, column) for frame in (reference, current)]
        known = set() if is_reference_whole else _learnt(model, column, sides[1])
        findings.append(_compare_readings(column, sides[0], sides[1], thresholds, known))
    return findings


def compare_predictions(
    model: FittedModel, reference: pd.DataFrame, current: pd.DataFrame, thresholds: DriftThresholds
) -> Finding | None:
    """Compare what a model answers for two tables; None where it can be asked for no row of one of them.

    Raises:
        SignatureMismatch: A table lacks columns.
        EstimatorRejected: The estimator refused the rows.
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
    difference = abs(missing[1] / rows[1] - missing[0] / rows[0])
    by_chance = statistics.rate_by_chance(sum(missing), *rows)
    found.append(Statistic("missing_rate", difference, by_chance, thresholds.missing_rate))
    if not is_number:
        rate = bins.unseen_count / max(len(present[1]), 1)
        found.append(Statistic("unseen_rate", rate, bins.unseen_by_chance, thresholds.unseen_rate))
    return Finding(column.name, column.type, found, missing, rows, (len(reference.faults), len(current.faults)), bins)


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
    """The statistics of two samples' present values, and the bins that they are of."""
    rows = len(reference) + missing[0], len(current) + missing[1]
    is_ranged = is_number and len(set(reference)) > DISCRETE_LIMIT
    if is_ranged:
        bins = count_ranges(np.asarray(reference, float), np.asarray(current, float), missing)
    else:
        bins = count_values(reference, current, missing, known)
    counts = bins.reference, bins.current
    index = statistics.stability_index(*counts)
    size = len(bins.labels), *rows
    found = [Statistic("psi", index, statistics.stability_index_by_chance(*size), thresholds.psi)]
    if not is_number:
        distance = statistics.jensen_shannon_distance(*counts)
        by_chance = statistics.jensen_shannon_by_chance(*size)
        found.append(Statistic("jensen_shannon", distance, by_chance, thresholds.jensen_shannon))
    elif reference and current:
        distance = statistics.kolmogorov_smirnov(np.asarray(reference, float), np.asarray(current, float))
        by_chance = statistics.kolmogorov_smirnov_by_chance(len(reference), len(current))
        found.append(Statistic("kolmogorov_smirnov", distance, by_chance, thresholds.kolmogorov_smirnov))
    return found, bins


def _learnt(model: FittedModel, column: SignatureColumn, reading: Reading) -> set[Any]:
    """The values of a text column that the model's encoder knows."""
    if column.type != "text":
        return set()
    distinct = sorted(set(_present(column, reading)))
    rows = pd.DataFrame({each.name: [None] * len(distinct) for each in model.encoder.columns}, dtype=object)
    rows[column.name] = distinct
    _, report = model.encoder.transform(rows)
    unseen = set(report.unseen.get(column.name, np.empty(0, np.int64)).tolist())
    return {value for place, value in enumerate(distinct) if place not in unseen}


def _predict(model: FittedModel, frame: pd.DataFrame) -> list[Any]:
    """What the model answers for the rows that it can be asked for, ``PREDICTED_ROWS`` at most."""
    if len(frame) > PREDICTED_ROWS:
        frame = frame.iloc[np.linspace(0, len(frame) - 1, PREDICTED_ROWS).astype(np.int64)]
    faulty = {fault.row for column in model.encoder.columns for fault in _read(frame, column).faults}
    usable = [row for row in range(len(frame)) if row not in faulty]
    return model.predict_frame(frame.iloc[usable], False).labels if usable else []


def _shown(label: Any, column_type: str) -> Any:
    if column_type == "datetime" and isinstance(label, (int, float)):
        return pd.Timestamp(int(label), unit="us").isoformat()
    return int(label) if column_type == "integer" and isinstance(label, float) and label.is_integer() else label


def _pair(reference: float, current: float) -> dict[str, float]:
    return {"reference": reference, "current": current}
