"""Numbers that were measured, beside reasons for those that are not defined: never NaN, never a warning."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Metrics = dict[str, float | None]


@dataclass
class Measured:
    """Metrics by name as they are collected."""

    values: Metrics = field(default_factory=dict)
    """A finite number, or None where the metric is not defined."""
    undefined: dict[str, str] = field(default_factory=dict)
    """Why, in words, for each that is None."""

    def add(self, name: str, value: float, reason: str = "it is not finite for these rows") -> None:
        """Add a number; one that is not finite is not defined, for the reason."""
        if math.isfinite(value):
            self.values[name] = float(value)
        else:
            self.leave_out([name], reason)

    def leave_out(self, names: Iterable[str], reason: str) -> None:
        """Add metrics that are not defined."""
        for name in names:
            self.values[name] = None
            self.undefined[name] = reason

    def update(self, other: "Measured") -> None:
        """Add what another measured."""
        self.values |= other.values
        self.undefined |= other.undefined

    def ordered(self, names: Sequence[str]) -> "Measured":
        """The same in the order of ``names``, which are all that were measured."""
        undefined: Mapping[str, str] = self.undefined
        return Measured(
            {name: self.values[name] for name in names}, {name: undefined[name] for name in names if name in undefined}
        )


def ratio(numerator: float, denominator: float) -> float:
    """The quotient; NaN where there is none."""
    return numerator / denominator if denominator else math.nan
