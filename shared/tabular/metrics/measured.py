"""Formulas, and what they give: numbers, and reasons where there is none; never NaN, never a warning."""

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import numpy as np

Metrics = dict[str, float | None]
Rows = TypeVar("Rows")

NOT_FINITE: Final = "it is not finite for these rows"


class NotDefined(Exception):
    """A metric is not defined for the rows; the message says why."""


@dataclass(frozen=True)
class Formula(Generic[Rows]):
    """How one metric is measured."""

    of: Callable[[Rows], Any]
    """Takes the rows and gives a number, or raises ``NotDefined``."""
    reason: str = NOT_FINITE
    """Why the metric is not defined where the number is not finite."""

    def measure(self, rows: Rows) -> float:
        """The metric of some rows: a finite number.

        Raises:
            NotDefined: It is not defined for them.
        """
        value = float(self.of(rows))
        if not math.isfinite(value):
            raise NotDefined(self.reason)
        return value


@dataclass
class Measured:
    """Metrics by name as they are collected."""

    values: Metrics = field(default_factory=dict)
    """A finite number, or None where the metric is not defined."""
    undefined: dict[str, str] = field(default_factory=dict)
    """Why, in words, for each that is None."""

    def add(self, name: str, formula: Formula[Rows], rows: Rows) -> None:
        """Measure and add one metric."""
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
        """Add what another measured."""
        self.values |= other.values
        self.undefined |= other.undefined


def ratio(numerator: float, denominator: float) -> float:
    """The quotient; NaN where there is none."""
    return numerator / denominator if denominator else math.nan


def quiet(metric: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    """One of scikit-learn's metrics without its warnings; NaN where it refuses the rows."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return float(metric(*arguments, **options))
        except ValueError:  # scikit-learn's way to say that it is not defined for these rows
            return np.nan
