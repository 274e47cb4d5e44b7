"""The findings about one column, or about the predictions: statistics and whether they mean drift. Pure.

A statistic that cannot be computed is unknown. It counts as drift, with a reason, and never as "no drift".
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from modelbus.evaluator.drift.bins import Bins

UNKNOWN: Final = "it could not be computed"
"""The reason if no other is known."""
TOO_FEW: Final = "there are too few rows: any value could be due to chance"


@dataclass(frozen=True)
class Statistic:
    """A measure of the distance between two samples."""

    name: str
    value: float | None
    """None, or not finite, if it is unknown."""
    by_chance: float
    """The value that chance alone exceeds once in a thousand times."""
    threshold: float | None
    """The minimum value that means drift; None if it never does."""
    is_decidable: bool = True
    """Whether this number of rows could show drift beyond chance at all."""
    unknown_reason: str = UNKNOWN
    """Why there is no value, if there is none."""

    @property
    def is_known(self) -> bool:
        """Whether it has a value."""
        return self.value is not None and math.isfinite(self.value) and math.isfinite(self.by_chance)

    @property
    def is_exceeded(self) -> bool:
        """Whether it means drift; true if it is unknown."""
        if self.threshold is None:
            return False
        if self.value is None or not self.is_known:
            return True
        return self.value >= self.threshold and self.value > self.by_chance

    @property
    def reason(self) -> str | None:
        """Why it is unknown, or cannot show drift with so few rows; else None."""
        if not self.is_known:
            return self.unknown_reason
        return None if self.is_decidable else TOO_FEW

    def view(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "name": self.name,
            "value": self.value if self.is_known else None,
            "by_chance": self.by_chance if math.isfinite(self.by_chance) else None,
            "threshold": self.threshold,
            "is_exceeded": self.is_exceeded,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Finding:
    """How far a column, or the predictions, have drifted."""

    name: str
    type: str
    """The column's type; the task, for predictions."""
    statistics: list[Statistic]
    missing: tuple[int, int]
    rows: tuple[int, int]
    invalid: tuple[int, int]
    """Cells that do not have the column's type; they count as missing."""
    bins: Bins

    @property
    def has_drifted(self) -> bool:
        """Whether a statistic reaches its threshold or is unknown."""
        return any(each.is_exceeded for each in self.statistics)

    @property
    def unknown(self) -> list[Statistic]:
        """Statistics that count as drift because they are unknown."""
        return [each for each in self.statistics if each.threshold is not None and not each.is_known]

    @property
    def undecidable(self) -> list[Statistic]:
        """Statistics that cannot show drift because there are too few rows."""
        return [
            each for each in self.statistics if each.threshold is not None and each.is_known and not each.is_decidable
        ]

    def view(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "name": self.name,
            "type": self.type,
            "has_drifted": self.has_drifted,
            "statistics": [each.view() for each in self.statistics],
            "missing_rate": _pair(*(count / rows for count, rows in zip(self.missing, self.rows, strict=True))),
            "invalid_count": _pair(*self.invalid),
            "unseen": self._unseen() if self.type in ("text", "boolean", "empty") else None,
            "distribution": {
                "name": self.name,
                "x": [_shown(label, self.type) for label in self.bins.labels],
                "reference": (self.bins.reference / self.rows[0]).tolist(),
                "current": (self.bins.current / self.rows[1]).tolist(),
            },
        }

    def _unseen(self) -> dict[str, Any]:
        present, count = self.rows[1] - self.missing[1], self.bins.unseen_count
        return {"count": count, "rate": count / present if present else None, "values": self.bins.shown_unseen()}


def _shown(label: Any, column_type: str) -> Any:
    if column_type == "datetime" and isinstance(label, (int, float)):
        return pd.Timestamp(int(label), unit="us").isoformat()
    return int(label) if column_type == "integer" and isinstance(label, float) and label.is_integer() else label


def _pair(reference: float, current: float) -> dict[str, float]:
    return {"reference": reference, "current": current}
