"""Detection of integer columns that number the rows of a table, which shows in the table's order. Pure."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.contracts.records.dataset_records import Alert
from modelbus.shared.tabular.alerts import row_numbers
from modelbus.shared.tabular.cells.columns import read_column

Floats = npt.NDArray[np.float64]


class RowNumbering:
    """Examines a column, one part of the table after the other."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._count = 0
        self._low = np.inf
        self._high = -np.inf
        self._last: Floats = np.empty(0)
        """The last value, as an array of length 1."""
        self._step: float | None = None
        """The constant step between values; 0 if steps differ, None before the second value."""
        self._only: Floats | None = None
        """The values, if the table is a single part."""

    def feed(self, series: "pd.Series[Any]") -> None:
        """Add the next cells."""
        values = read_column(series, SignatureColumn(name=self.name, type="integer")).values
        values = values[~np.isnan(values)]  # other values are refused by the fit
        if not len(values):
            return
        self._only = values if not self._count else None
        self._count += len(values)
        self._low, self._high = min(self._low, values.min()), max(self._high, values.max())
        steps = np.diff(np.concatenate([self._last, values]))
        self._last = values[-1:]
        if len(steps):
            first = float(steps[0]) if self._step is None else self._step
            self._step = first if bool((steps == first).all()) else 0.0

    def alert(self) -> Alert | None:
        """The alert if the column numbers the rows."""
        if not self._count or not np.isfinite([self._low, self._high]).all():
            return None
        return row_numbers(
            self.name,
            self._count,
            int(self._low),
            int(self._high),
            has_constant_step=bool(self._step),
            has_repeated=self._has_repeated,
        )

    def _has_repeated(self) -> bool:
        """Whether a value occurs twice; assumed if the table has several parts, whose values are not kept."""
        return self._only is None or len(np.unique(self._only)) < len(self._only)


def numbering_alerts(frame: pd.DataFrame, names: list[str]) -> list[Alert]:
    """The alerts about those integer columns that number the rows of a table."""
    found = []
    for name in names:
        numbering = RowNumbering(name)
        numbering.feed(frame[name])
        found.append(numbering.alert())
    return [alert for alert in found if alert is not None]
