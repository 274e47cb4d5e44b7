"""The costs of fits: measured on samples of growing size, and extrapolated."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_EXPONENTS: Final = (0.8, 3.0)
"""A fit's time grows with the rows by a power between these: less is the fraction that does not depend on them."""
_CLEARLY_SMALLER: Final = 0.7
"""Folds differ by a row or two, from which no power can be estimated."""
_LADDER_FACTOR: Final = 8
_SAMPLE_CELLS: Final = 100_000
_SAMPLE_ROWS: Final = (500, 1_500)


def ladder(row_count: int, feature_count: int) -> list[int]:
    """The samples on which fits are tried before they have all rows, the smallest first; each has eight times as many
    rows as the one before.

    Args:
        row_count: Rows of a whole fold.
        feature_count: Encoded features.

    Returns:
        Rows of each sample; none where the whole fold is small.
    """
    fewest, most = _SAMPLE_ROWS
    least = max(fewest, min(most, _SAMPLE_CELLS // max(1, feature_count)))
    sizes: list[int] = []
    while (size := (sizes[0] if sizes else row_count) // _LADDER_FACTOR) >= least:
        sizes.insert(0, size)
    return sizes


@dataclass(eq=False)
class FitCosts:
    """Seconds that one candidate's fits took, by their rows; its answers for the held-out rows included."""

    fit_s: dict[int, float] = field(default_factory=dict)
    answer_s: float = 0.0
    """Seconds that the last fitted estimator took to predict the held-out rows."""
    store_s: float = 0.0
    """Expected seconds to store the last one."""
    _counts: dict[int, int] = field(default_factory=dict)

    def note(self, row_count: int, fit_s: float, answer_s: float, store_s: float) -> None:
        """Record the cost of a fit; of several with the same rows the mean, as other work lengthens some."""
        self._counts[row_count] = count = self._counts.get(row_count, 0) + 1
        known_s = self.fit_s.get(row_count, 0.0)
        self.fit_s[row_count] = known_s + (fit_s - known_s) / count
        self.answer_s, self.store_s = answer_s, store_s

    def note_overrun(self, row_count: int, elapsed_s: float) -> None:
        """Record that a fit took longer than this."""
        self.fit_s[row_count] = max(elapsed_s, self.fit_s.get(row_count, 0.0))

    def expected_fit_s(self, row_count: int, like: "FitCosts | None" = None, power: float = 1.0) -> float | None:
        """Seconds that a fit on a number of rows is likely to take.

        Args:
            row_count: Its rows.
            like: A candidate whose time grows alike, such as the same estimator with other hyperparameters.
            power: By which power of the rows it grows, where that was not measured.

        Returns:
            None where nothing is known.
        """
        if not self.fit_s:
            return None
        if row_count in self.fit_s:
            return self.fit_s[row_count]
        largest = max(self.fit_s)
        if like is not None and largest in like.fit_s and row_count in like.fit_s:
            return self.fit_s[largest] * like.fit_s[row_count] / max(like.fit_s[largest], 1e-6)
        return extrapolated_s(self.fit_s, row_count, power)


def extrapolated_s(measured: Mapping[int, float], row_count: int, power: float = 1.0) -> float:
    """Seconds for a number of rows, by a power of the rows.

    Args:
        measured: Seconds by rows. The power is that between the largest sample and one that is clearly smaller.
        row_count: The rows to extrapolate to.
        power: Used where there is no smaller one.
    """
    sizes = sorted(measured)
    largest = sizes[-1]
    if row_count <= largest:
        return measured[next(size for size in sizes if size >= row_count)]
    smaller = [size for size in sizes if size <= _CLEARLY_SMALLER * largest]
    if smaller:
        before = smaller[-1]
        grown = max(measured[largest], 1e-6) / max(measured[before], 1e-6)
        power = min(max(math.log(grown) / math.log(largest / before), _EXPONENTS[0]), _EXPONENTS[1])
    return float(measured[largest] * (row_count / largest) ** power)
