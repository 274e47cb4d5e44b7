"""What is measured: truth and prediction of each row as arrays, whatever they came from."""

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
    """Codes of the true groups, where they are known."""
    matrix: Floats | None
    """The encoded rows, where a model found the clusters."""


@dataclass(frozen=True, eq=False)
class Outliers:
    """Rows that are outliers or not."""

    labels: list[str]
    known: Labelled | None
    """Beside the truth, where it is known."""


@dataclass(frozen=True, eq=False)
class CollectedRows:
    """The rows of a dataset that can be measured."""

    task: Task
    rows: Labelled | Numbers | Groups | Outliers
    row_count: int
    weights: Floats | None
    """What each row counts, more than 0; None if all count alike."""
    dropped: dict[str, int]
    """Rows that were left out, by what they lack: ``truth``, ``prediction`` or ``weight``."""
    slices: dict[str, SliceColumn] = field(default_factory=dict)
    report: dict[str, dict[str, int]] | None = None
    """What a model's encoder had to do to the rows, by incident and column."""
    warnings: list[str] = field(default_factory=list)


def merged_report(one: dict[str, dict[str, int]], other: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Two reports of an encoder, added up."""
    merged: dict[str, Any] = {incident: dict(columns) for incident, columns in one.items()}
    for incident, columns in other.items():
        found = merged.setdefault(incident, {})
        for column, count in columns.items():
            found[column] = found.get(column, 0) + count
    return merged
