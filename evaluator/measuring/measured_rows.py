"""The rows that are measured: truth and prediction as arrays, independent of their origin."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from modelbus.evaluator.measuring.slicing import SliceColumn
from modelbus.shared.contracts import Task
from modelbus.shared.tabular.metrics.classification import Labelled

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Numbers:
    """Rows whose truth and prediction are numbers."""

    true: Floats
    predicted: Floats


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows in clusters."""

    clusters: Codes
    true: Codes | None
    """Codes of the true groups, if they are known."""
    matrix: Floats | None
    """The encoded rows, if a model found the clusters."""


@dataclass(frozen=True, eq=False)
class Outliers:
    """Rows that are classified as outliers or inliers."""

    labels: list[str]
    known: Labelled | None
    """The same with the truth, if it is known."""


@dataclass(frozen=True, eq=False)
class CollectedRows:
    """The rows of a dataset that can be measured."""

    task: Task
    rows: Labelled | Numbers | Groups | Outliers
    row_count: int
    weights: Floats | None
    """The weight of each row, above 0; None if all are equal."""
    dropped: dict[str, int]
    """Excluded rows by what they lack: ``truth``, ``prediction`` or ``weight``."""
    slices: dict[str, SliceColumn] = field(default_factory=dict)
    report: dict[str, dict[str, int]] | None = None
    """The encoder's report on the rows, by incident and column."""
    warnings: list[str] = field(default_factory=list)


def merged_report(one: dict[str, dict[str, int]], other: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """The sum of two reports of an encoder."""
    merged: dict[str, Any] = {incident: dict(columns) for incident, columns in one.items()}
    for incident, columns in other.items():
        found = merged.setdefault(incident, {})
        for column, count in columns.items():
            found[column] = found.get(column, 0) + count
    return merged
