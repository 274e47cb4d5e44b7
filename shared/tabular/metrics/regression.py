"""The formulas of predicted numbers: scikit-learn's own, with a reason where one is not defined."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from modelbus.shared.tabular.metrics.measured import Formula, NotDefined, quiet

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NumberPairs:
    """Rows whose truth and prediction are numbers, one at least."""

    true: Floats
    """Finite, shape (n_rows,)."""
    predicted: Floats
    """Shape (n_rows,); if one is not finite, no metric is defined."""
    weights: Floats | None = None
    """What each row counts, more than 0, shape (n_rows,); by default 1."""

    @cached_property
    def lowest_true(self) -> float:
        """The lowest true number."""
        return float(self.true.min())

    @cached_property
    def lowest_predicted(self) -> float:
        """The lowest predicted number."""
        return float(self.predicted.min())

    @cached_property
    def unpredicted_count(self) -> int:
        """Rows without a finite prediction."""
        return int(np.count_nonzero(~np.isfinite(self.predicted)))


Need = Callable[[NumberPairs], str | None]
"""Why a metric is not defined for some rows; None if it is."""


def _two_rows(rows: NumberPairs) -> str | None:
    return "it needs two rows" if len(rows.true) < 2 else None


def _varied(rows: NumberPairs) -> str | None:
    return "all true numbers are the same" if rows.lowest_true == float(rows.true.max()) else None


def _above_minus_one(rows: NumberPairs) -> str | None:
    if min(rows.lowest_true, rows.lowest_predicted) > -1:
        return None
    return "a true or predicted number is -1 or less, which has no logarithm of 1 + x"


def _not_negative(rows: NumberPairs) -> str | None:
    if rows.lowest_true >= 0 and rows.lowest_predicted > 0:
        return None
    return "a true number is negative, or a predicted one is not positive"


def _positive(rows: NumberPairs) -> str | None:
    if rows.lowest_true > 0 and rows.lowest_predicted > 0:
        return None
    return "a true or predicted number is not positive"


def _symmetric(rows: NumberPairs) -> float:
    """Armstrong's, from 0 to 2; a row that is 0 and was predicted to be 0 has no error."""
    scale = np.abs(rows.true) + np.abs(rows.predicted)
    errors = np.divide(2 * np.abs(rows.true - rows.predicted), scale, out=np.zeros_like(scale), where=scale > 0)
    return float(np.average(errors, weights=rows.weights))


def _formula(measure: Callable[[NumberPairs], float], *needs: Need) -> Formula[NumberPairs]:
    def of(rows: NumberPairs) -> float:
        if rows.unpredicted_count:
            raise NotDefined(f"{rows.unpredicted_count} rows have no finite prediction")
        for need in needs:
            fault = need(rows)
            if fault is not None:
                raise NotDefined(fault)
        return quiet(measure, rows)

    return Formula(of, "the numbers are too large for it")


def _plain(function: Callable[..., Any], *needs: Need, **options: Any) -> Formula[NumberPairs]:
    return _formula(lambda rows: function(rows.true, rows.predicted, sample_weight=rows.weights, **options), *needs)


NUMBER_FORMULAS: Final[Mapping[str, Formula[NumberPairs]]] = {
    "r2": _plain(metrics.r2_score, _two_rows),
    "explained_variance": _plain(metrics.explained_variance_score),
    "mean_absolute_error": _plain(metrics.mean_absolute_error),
    "mean_squared_error": _plain(metrics.mean_squared_error),
    "root_mean_squared_error": _plain(metrics.root_mean_squared_error),
    "median_absolute_error": _plain(metrics.median_absolute_error),
    "max_error": _formula(lambda rows: metrics.max_error(rows.true, rows.predicted)),
    "mean_absolute_percentage_error": _plain(metrics.mean_absolute_percentage_error),
    "symmetric_mean_absolute_percentage_error": _formula(_symmetric),
    "mean_squared_log_error": _plain(metrics.mean_squared_log_error, _above_minus_one),
    "root_mean_squared_log_error": _plain(metrics.root_mean_squared_log_error, _above_minus_one),
    "mean_poisson_deviance": _plain(metrics.mean_poisson_deviance, _not_negative),
    "mean_gamma_deviance": _plain(metrics.mean_gamma_deviance, _positive),
    "d2_absolute_error": _plain(metrics.d2_absolute_error_score, _two_rows, _varied),
    "d2_poisson_deviance": _plain(metrics.d2_tweedie_score, _two_rows, _not_negative, _varied, power=1),
    "d2_gamma_deviance": _plain(metrics.d2_tweedie_score, _two_rows, _positive, _varied, power=2),
}


def summarize_residuals(residuals: Floats) -> dict[str, float | None]:
    """How true numbers less predicted ones are distributed; None where a residual is not finite.

    Args:
        residuals: One at least.
    """
    quantiles = {"minimum": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "maximum": 1.0}
    names = ("mean", "standard_deviation", *quantiles)
    if not np.isfinite(residuals).all():
        return dict.fromkeys(names)
    values = [residuals.mean(), residuals.std(), *np.quantile(residuals, list(quantiles.values()))]
    return {name: float(value) if np.isfinite(value) else None for name, value in zip(names, values, strict=True)}
