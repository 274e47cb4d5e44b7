"""Confidence intervals of metrics, by bootstrap percentiles (Efron and Tibshirani, 1993). Pure maths."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts.commands.evaluation import Intervals
from modelbus.shared.tabular.metrics.measured import Metrics

RowIndices = npt.NDArray[np.int64]


def intervals_of(
    measure: Callable[[RowIndices], Metrics],
    row_count: int,
    options: Intervals,
    on_round: Callable[[int], None] = lambda _: None,
) -> dict[str, dict[str, Any]]:
    """Resample the rows repeatedly, measure each sample, and take two percentiles of each metric.

    Args:
        measure: Measures the rows at the given indices, which may be repeated.
        row_count: The number of rows, which is also the size of each sample.
        options: The number of rounds, the confidence and the seed.
        on_round: Takes the number of rounds done.

    Returns:
        By metric, ``low``, ``high``, and the ``rounds`` in which it was defined; both limits are None if there are
        none.
    """
    random = np.random.default_rng(options.seed)
    found: dict[str, list[float]] = {}
    for done in range(options.rounds):
        for name, value in measure(random.integers(0, row_count, row_count)).items():
            found.setdefault(name, []).extend([] if value is None else [value])
        on_round(done + 1)
    tail = (1 - options.confidence) / 2
    return {name: _interval(values, tail) for name, values in found.items()}


def _interval(values: list[float], tail: float) -> dict[str, Any]:
    if not values:
        return {"low": None, "high": None, "rounds": 0}
    low, high = np.quantile(values, [tail, 1 - tail])
    return {"low": float(low), "high": float(high), "rounds": len(values)}
