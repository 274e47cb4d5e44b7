"""Formulas and their results: finite numbers, or reasons why there is none; never NaN, and no warnings."""

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import numpy as np

Metrics = dict[str, float | None]
Rows = TypeVar("Rows")

NOT_FINITE: Final = "the result is not finite for these rows"


class NotDefined(Exception):
    """A metric is not defined for the rows; the message says why."""


@dataclass(frozen=True)
class Formula(Generic[Rows]):
    """The formula of a metric."""

    of: Callable[[Rows], Any]
    """Takes rows and returns a number, or raises ``NotDefined``."""
    reason: str = NOT_FINITE
    """Why the metric is not defined if the number is not finite."""

    def measure(self, rows: Rows) -> float:
        """Compute the metric of some rows, a finite number.

        Raises:
            NotDefined: The metric is not defined for these rows.
        """
        value = float(self.of(rows))
        if not math.isfinite(value):
            raise NotDefined(self.reason)
        return value


@dataclass
class Measured:
    """A collection of metrics by name."""

    values: Metrics = field(default_factory=dict)
    """A finite number, or None if the metric is not defined."""
    undefined: dict[str, str] = field(default_factory=dict)
    """The reason for each metric that is None."""

    def add(self, name: str, formula: Formula[Rows], rows: Rows) -> None:
        """Compute and add a metric."""
        try:
            self.values[name] = formula.measure(rows)
        except NotDefined as error:
            self.leave_out([name], str(error))

    def leave_out(self, names: Iterable[str], reason: str) -> None:
        """Add metrics that are not defined."""
        for name in names:
            self.values[name] = None
            self.undefined[name] = reason

    def update(self, other: "Measured") -> None:
        """Add another collection."""
        self.values |= other.values
        self.undefined |= other.undefined


def ratio(numerator: float, denominator: float) -> float:
    """The quotient; NaN if the denominator is 0."""
    return numerator / denominator if denominator else math.nan


def quiet(metric: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    """Call one of scikit-learn's metrics without its warnings; NaN if it refuses the rows."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return float(metric(*arguments, **options))
        except ValueError:  # scikit-learn raises this if the metric is not defined
            return np.nan
