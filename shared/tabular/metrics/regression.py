"""Metrics of predicted numbers: scikit-learn's own, with a reason where one is not defined."""

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from modelbus.shared.contracts.metric_names import REGRESSION_METRICS
from modelbus.shared.tabular.metrics.measured import Measured

Floats = npt.NDArray[np.float64]
Metric = Callable[[Floats, Floats, Floats | None], float]


def _plain(function: Callable[..., Any], **options: Any) -> Metric:
    return lambda true, predicted, weights: float(function(true, predicted, sample_weight=weights, **options))


def _max_error(true: Floats, predicted: Floats, _weights: Floats | None) -> float:
    return float(metrics.max_error(true, predicted))


def _symmetric(true: Floats, predicted: Floats, weights: Floats | None) -> float:
    """Armstrong's, from 0 to 2; a row that is 0 and was predicted to be 0 has no error."""
    scale = np.abs(true) + np.abs(predicted)
    errors = np.divide(2 * np.abs(true - predicted), scale, out=np.zeros_like(scale), where=scale > 0)
    return float(np.average(errors, weights=weights))


_METRICS: Final[dict[str, Metric]] = {
    "r2": _plain(metrics.r2_score),
    "explained_variance": _plain(metrics.explained_variance_score),
    "mean_absolute_error": _plain(metrics.mean_absolute_error),
    "mean_squared_error": _plain(metrics.mean_squared_error),
    "root_mean_squared_error": _plain(metrics.root_mean_squared_error),
    "median_absolute_error": _plain(metrics.median_absolute_error),
    "max_error": _max_error,
    "mean_absolute_percentage_error": _plain(metrics.mean_absolute_percentage_error),
    "symmetric_mean_absolute_percentage_error": _symmetric,
    "mean_squared_log_error": _plain(metrics.mean_squared_log_error),
    "root_mean_squared_log_error": _plain(metrics.root_mean_squared_log_error),
    "mean_poisson_deviance": _plain(metrics.mean_poisson_deviance),
    "mean_gamma_deviance": _plain(metrics.mean_gamma_deviance),
    "d2_absolute_error": _plain(metrics.d2_absolute_error_score),
    "d2_poisson_deviance": _plain(metrics.d2_tweedie_score, power=1),
    "d2_gamma_deviance": _plain(metrics.d2_tweedie_score, power=2),
}
_SCALED: Final = ("r2", "d2_absolute_error", "d2_poisson_deviance", "d2_gamma_deviance")


def measure_numbers(true: Floats, predicted: Floats, weights: Floats | None = None) -> Measured:
    """All of ``REGRESSION_METRICS``.

    Args:
        true: Finite, one at least.
        predicted: One a row; if one is not finite, no metric is defined.
        weights: What each row counts, more than 0; by default 1.
    """
    found = Measured()
    count = int(np.count_nonzero(~np.isfinite(predicted)))
    if count:
        found.leave_out(REGRESSION_METRICS, f"{count} rows have no finite prediction")
        return found
    faults = _faults(true, predicted)
    for name in REGRESSION_METRICS:
        if name in faults:
            found.leave_out([name], faults[name])
        else:
            found.add(name, _quiet(_METRICS[name], true, predicted, weights), "the numbers are too large for it")
    return found


def _faults(true: Floats, predicted: Floats) -> dict[str, str]:
    """Why metrics are not defined for these numbers."""
    faults: dict[str, str] = {}
    least, least_predicted = float(true.min()), float(predicted.min())
    if min(least, least_predicted) <= -1:
        logs = ("mean_squared_log_error", "root_mean_squared_log_error")
        faults |= dict.fromkeys(logs, "a true or predicted number is -1 or less, which has no logarithm of 1 + x")
    if least < 0 or least_predicted <= 0:
        poisson = "a true number is negative, or a predicted one is not positive"
        faults |= dict.fromkeys(("mean_poisson_deviance", "d2_poisson_deviance"), poisson)
    if least <= 0 or least_predicted <= 0:
        gamma = "a true or predicted number is not positive"
        faults |= dict.fromkeys(("mean_gamma_deviance", "d2_gamma_deviance"), gamma)
    if least == float(true.max()):
        same = "all true numbers are the same"
        faults |= {name: same for name in _SCALED[1:] if name not in faults}
    return faults | dict.fromkeys(_SCALED, "it needs two rows") if len(true) < 2 else faults


def _quiet(metric: Metric, *arguments: Any) -> float:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return metric(*arguments)
        except ValueError:  # scikit-learn's way to say that it is not defined for these rows
            return np.nan


def summarize_residuals(residuals: Floats) -> dict[str, float | None]:
    """How true numbers less predicted ones are distributed; None where a residual is not finite.

    Args:
        residuals: One at least.
    """
    shares = {"minimum": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "maximum": 1.0}
    names = ("mean", "standard_deviation", *shares)
    if not np.isfinite(residuals).all():
        return dict.fromkeys(names)
    values = [residuals.mean(), residuals.std(), *np.quantile(residuals, list(shares.values()))]
    return {name: float(value) if np.isfinite(value) else None for name, value in zip(names, values, strict=True)}
