"""Metrics of two classes by threshold, and the best threshold. Pure maths."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts.commands.evaluation import BestThreshold, Costs
from modelbus.shared.contracts.metric_names import THRESHOLD_METRICS
from modelbus.shared.tabular.metrics.ranking import Cumulated
from modelbus.shared.tabular.metrics.threshold_metrics import threshold_metrics

Floats = npt.NDArray[np.float64]

TABLE_LIMIT: Final = 200
GROUP_COUNT: Final = 20
_COUNTS: Final = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class ThresholdTable:
    """All thresholds that change a prediction: each score that occurs, and one above all scores.

    A row is predicted positive if its score is at least the threshold.
    """

    def __init__(self, counts: Cumulated, costs: Costs | None = None) -> None:
        """Compute all columns from sorted cumulative counts.

        Args:
            counts: The cumulative counts; both classes have rows.
            costs: The costs of errors; without them, there is no column ``cost``.
        """
        above = np.nextafter(counts.thresholds[0], np.inf)
        true_positives = np.append(0.0, counts.true_positives)
        false_positives = np.append(0.0, counts.false_positives)
        true_negatives = counts.negatives - false_positives
        false_negatives = counts.positives - true_positives
        confusion = (true_positives, false_positives, true_negatives, false_negatives)
        self._columns: dict[str, Floats] = {
            "threshold": np.append(above, counts.thresholds),
            **dict(zip(_COUNTS, confusion, strict=True)),
            **threshold_metrics(*confusion),
        }
        if costs is not None:
            self._columns["cost"] = costs.false_positive * false_positives + costs.false_negative * false_negatives

    def rows(self) -> list[dict[str, float | None]]:
        """The table, highest thresholds first: all of them, or at most 200: the best ones and others at equal steps."""
        length = len(self._columns["threshold"])
        if length <= TABLE_LIMIT:
            return [self._row(index) for index in range(length)]
        predicted = self._columns["true_positives"] + self._columns["false_positives"]
        kept = [0, length - 1, *self._best_indices()]
        steps = np.linspace(0, predicted[-1], TABLE_LIMIT - len(kept))
        chosen = np.unique(np.append(np.searchsorted(predicted, steps).clip(0, length - 1), kept))
        return [self._row(index) for index in chosen.tolist()]

    def maximum_metrics(self) -> dict[str, dict[str, float]]:
        """The maximum of each metric, and the highest threshold with this value."""
        return {
            name: {"threshold": float(self._columns["threshold"][index]), "value": float(self._columns[name][index])}
            for name in THRESHOLD_METRICS
            for index in [self._highest(name)]
        }

    def best(self, wanted: BestThreshold) -> dict[str, Any]:
        """The best threshold by a metric or by costs, with its row of the table; the highest of equally good ones."""
        if wanted.costs is not None:
            return {"costs": wanted.costs.model_dump(), **self._row(self._cheapest())}
        return {"metric": wanted.metric, **self._row(self._highest(str(wanted.metric)))}

    def column(self, name: str) -> Floats:
        """A column for all thresholds; NaN if a metric is not defined."""
        return self._columns[name]

    def _best_indices(self) -> list[int]:
        cheapest = [self._cheapest()] if "cost" in self._columns else []
        return [self._highest(name) for name in THRESHOLD_METRICS] + cheapest

    def _highest(self, name: str) -> int:
        return int(np.nanargmax(self._columns[name]))

    def _cheapest(self) -> int:
        return int(np.argmin(self._columns["cost"]))

    def _row(self, index: int) -> dict[str, float | None]:
        row = {name: float(column[index]) for name, column in self._columns.items()}
        return {name: value if np.isfinite(value) else None for name, value in row.items()}


def gains(counts: Cumulated, scores: Floats, weights: Floats) -> list[dict[str, float]]:
    """Gains and lift, like H2O's table: twenty groups of equal size, the highest scores first.

    Rows with equal scores stay in one group, so there may be fewer groups. Fractions of rows are weighted.

    Args:
        counts: The cumulative counts; both classes have rows.
        scores: The scores of the rows, shape (n_rows,).
        weights: The weights of the rows.
    """
    reached = counts.true_positives + counts.false_positives
    wanted = np.arange(1, GROUP_COUNT + 1) / GROUP_COUNT * reached[-1]
    ends = np.unique(np.searchsorted(reached, wanted * (1 - 1e-12)).clip(0, len(reached) - 1))
    sums = _score_sums(counts, scores, weights)[ends]
    table, before = [], (0.0, 0.0, 0.0)
    for number, end in enumerate(ends.tolist()):
        now = (float(reached[end]), float(counts.true_positives[end]), float(sums[number]))
        table.append(
            {"group": number + 1, "lower_threshold": float(counts.thresholds[end]), **_gain(counts, before, now)}
        )
        before = now
    return table


def _gain(counts: Cumulated, before: tuple[float, float, float], now: tuple[float, float, float]) -> dict[str, float]:
    """The row of a group, from the cumulative rows, positives and scores before and after it."""
    total = counts.positives + counts.negatives
    rate = counts.positives / total
    rows, positives, scores = (later - earlier for later, earlier in zip(now, before, strict=True))
    true_positive_rate, false_positive_rate = now[1] / counts.positives, (now[0] - now[1]) / counts.negatives
    lift, cumulative_lift = positives / rows / rate, now[1] / now[0] / rate
    return {
        "cumulative_data_fraction": now[0] / total,
        "response_rate": positives / rows,
        "score": scores / rows,
        "lift": lift,
        "cumulative_response_rate": now[1] / now[0],
        "cumulative_score": now[2] / now[0],
        "cumulative_lift": cumulative_lift,
        "capture_rate": positives / counts.positives,
        "cumulative_capture_rate": true_positive_rate,
        "gain": 100 * (lift - 1),
        "cumulative_gain": 100 * (cumulative_lift - 1),
        "kolmogorov_smirnov": true_positive_rate - false_positive_rate,
    }


def _score_sums(counts: Cumulated, scores: Floats, weights: Floats) -> Floats:
    """The cumulative sum of the scores down to each threshold."""
    indices = np.searchsorted(-counts.thresholds, -scores)
    return np.cumsum(np.bincount(indices, weights * scores, len(counts.thresholds)))
