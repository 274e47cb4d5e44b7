"""Histograms: bins of one width over a column's span, and how many values lie in each."""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from modelbus.evaluator.ingest.profile.finished_columns import Values
from modelbus.evaluator.ingest.profile.scales import Floats, Scale
from modelbus.evaluator.ingest.table import EXACT_LIMIT, Number, Span
from modelbus.shared.contracts.records.dataset_records import ColumnType

BIN_COUNT = 20

_LARGEST_INTEGER = 2**63 - 1


class Histogram:
    """Counts the values of one column.

    Of integers and dates over more than 2**53 (285 years, in microseconds) a value within 2**-53 of the span below an
    edge may count above it.
    """

    def __init__(self, kind: ColumnType, scale: Scale) -> None:
        self._scale = scale
        self._edges = bin_edges(kind, scale.span)
        self._is_real = kind == "real"
        inner = self._edges[1:-1]
        self._inner = inner if self._is_real else [scale.coordinate(_ceiling(edge)) for edge in inner]
        self._counts = np.zeros(len(self._edges) - 1, dtype=np.int64)

    def feed(self, values: Values, coordinates: Floats) -> None:
        """Count the next values."""
        # doubles are compared in half the time of integers, but the coordinates of tiny reals may all be 0
        points = values if self._is_real else coordinates
        # a comparison for each edge takes a third of the time of numpy's histogram
        above = [len(points), *(int(np.count_nonzero(points >= edge)) for edge in self._inner), 0]
        self._counts -= np.diff(above)

    def facts(self) -> dict[str, Any]:
        """Edges and counts, ready for JSON."""
        return {"edges": [self._scale.shown(edge) for edge in self._edges], "counts": self._counts.tolist()}


def bin_edges(kind: ColumnType, span: Span) -> list[Number]:
    """The edges, from the smallest value to the largest.

    20 bins; of integers with fewer possible values one bin for each, which ends where the next value would be; one bin
    where doubles (for dates: microseconds) are too coarse for 20.
    """
    low, high = span.low, span.high
    if isinstance(low, int) and isinstance(high, int):
        edges = _integer_edges(low, high) if kind == "integer" else _whole_edges(low, high)
    else:
        edges = _real_edges(low, high)
    is_fine = all(one < other for one, other in pairwise(edges))
    return edges if is_fine else [low, high]


def _integer_edges(low: int, high: int) -> list[Number]:
    if high - low < BIN_COUNT:
        return [*range(low, high + 1), high + 1 if high < _LARGEST_INTEGER else float(high + 1)]
    if max(-low, high) > EXACT_LIMIT:
        return _whole_edges(low, high)
    # one division of whole numbers, so that each edge is rounded once
    return [(low * (BIN_COUNT - index) + high * index) / BIN_COUNT for index in range(BIN_COUNT + 1)]


def _whole_edges(low: int, high: int) -> list[Number]:
    return [low + (high - low) * index // BIN_COUNT for index in range(BIN_COUNT + 1)]


def _real_edges(low: float, high: float) -> list[Number]:
    if not math.isfinite(high - low):
        return [2 * edge for edge in _real_edges(low / 2, high / 2)]
    step = (high - low) / BIN_COUNT
    return [low, *(low + step * index for index in range(1, BIN_COUNT)), high]


def _ceiling(edge: Number) -> int:
    """The first whole number at or above the edge."""
    return edge if isinstance(edge, int) else -int(-edge // 1)
