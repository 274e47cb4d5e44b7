"""Mean and standard deviation of a column of any length, part by part.

Within a part, squares are summed around its own mean; parts are joined as Chan, Golub and LeVeque have it ("Updating
formulae and a pairwise algorithm for computing sample variances", 1979), so that no large sums are subtracted.
"""

import math

import numpy as np
import numpy.typing as npt


class Moments:
    """Count, mean and standard deviation (of the population) of the values so far."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self._squares = 0.0

    def feed(self, values: npt.NDArray[np.float64]) -> None:
        """Take the next values: finite, and small enough to be squared."""
        if not len(values):
            return
        mean = float(values.mean())
        squares = float(np.square(values - mean).sum())
        count = self.count + len(values)
        step = mean - self.mean
        self._squares += squares + step * step * self.count * (len(values) / count)
        self.mean += step * (len(values) / count)
        self.count = count

    @property
    def deviation(self) -> float:
        """The standard deviation; 0 of one value."""
        return math.sqrt(self._squares / self.count) if self.count else 0.0
