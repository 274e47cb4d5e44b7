"""Whether a column of whole numbers goes up by the same step from row to row, as row numbers do."""

import numpy as np

from evaluator.ingest.row_groups import Values


class Steps:
    """Watches the differences between neighbours, until they are not all the same."""

    def __init__(self) -> None:
        self.is_constant = True
        """Each value so far is larger than the one before it, by the same step."""
        self._step: int | None = None
        self._last: int | None = None

    def feed(self, values: Values) -> None:
        """Take the next values; reals have no steps."""
        if not self.is_constant or not len(values):
            return
        if values.dtype.kind != "i":
            self.is_constant = False
            return
        if self._last is not None:
            values = np.concatenate([[self._last], values])
        self._last = int(values[-1])
        if len(values) > 1:
            # of numbers of 64 bits a difference may overflow: then it is none of a row number
            steps = np.diff(values)
            self._step = int(steps[0]) if self._step is None else self._step
            self.is_constant = self._step > 0 and bool((steps == self._step).all())
