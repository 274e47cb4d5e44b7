"""The formulas of the regression metrics: scikit-learn's own, with reasons if they are not defined."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from modelbus.shared.plural import agreeing, counted
from modelbus.shared.tabular.metrics.measured import Formula, NotDefined, quiet

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NumberPairs:
    """Rows whose truth and prediction are numbers, at least one."""

    true: Floats
    """Finite, shape (n_rows,)."""
    predicted: Floats
    """Shape (n_rows,); if any is not finite, no metric is defined."""
    weights: Floats | None = None
    """The weight of each row, above 0, shape (n_rows,); 1 by default."""

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
"""Returns why a metric is not defined for some rows; None if it is."""


def _two_rows(rows: NumberPairs) -> str | None:
    return "it needs at least two rows" if len(rows.true) < 2 else None


def _varied(rows: NumberPairs) -> str | None:
    return "all true values are equal" if rows.lowest_true == float(rows.true.max()) else None


def _above_minus_one(rows: NumberPairs) -> str | None:
    if min(rows.lowest_true, rows.lowest_predicted) > -1:
        return None
    return "a true or predicted value is -1 or less, so log(1 + x) is undefined"


def _not_negative(rows: NumberPairs) -> str | None:
    if rows.lowest_true >= 0 and rows.lowest_predicted > 0:
        return None
    return "a true value is negative, or a predicted value is not positive"


def _positive(rows: NumberPairs) -> str | None:
    if rows.lowest_true > 0 and rows.lowest_predicted > 0:
        return None
    return "a true or predicted value is not positive"


def _symmetric(rows: NumberPairs) -> float:
    """Armstrong's error, from 0 to 2; a row whose true and predicted values are 0 has no error."""
    scale = np.abs(rows.true) + np.abs(rows.predicted)
    errors = np.divide(2 * np.abs(rows.true - rows.predicted), scale, out=np.zeros_like(scale), where=scale > 0)
    return float(np.average(errors, weights=rows.weights))


def _formula(measure: Callable[[NumberPairs], float], *needs: Need) -> Formula[NumberPairs]:
    def of(rows: NumberPairs) -> float:
        if rows.unpredicted_count:
            count = rows.unpredicted_count
            raise NotDefined(f"{counted(count, 'row')} {agreeing(count, 'has', 'have')} no finite prediction")
        for need in needs:
            fault = need(rows)
            if fault is not None:
                raise NotDefined(fault)
        return quiet(measure, rows)

    return Formula(of, "the values are too large")


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
    """The distribution of the residuals, true minus predicted; None if a residual is not finite.

    Args:
        residuals: At least one.
    """
    quantiles = {"minimum": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "maximum": 1.0}
    names = ("mean", "standard_deviation", *quantiles)
    if not np.isfinite(residuals).all():
        return dict.fromkeys(names)
    values = [residuals.mean(), residuals.std(), *np.quantile(residuals, list(quantiles.values()))]
    return {name: float(value) if np.isfinite(value) else None for name, value in zip(names, values, strict=True)}
