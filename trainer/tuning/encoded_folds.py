"""The folds of the training rows that candidates are measured on, encoded: once for all candidates, where they fit.

The encoder of a fold is fitted on the fold's training rows alone, so that no candidate meets the rows that it is
measured on. Encoders of one fold and one range of features are alike, whatever the candidate.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts import UNSUPERVISED
from modelbus.shared.tabular.encoding.column_learning import Scaling
from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.fitting.prepared_fit import PreparedFit
from modelbus.trainer.rows.splitting import Split

Floats = npt.NDArray[np.float64]

KEPT_CELL_LIMIT: Final = 25_000_000
"""Maximum number of cells of encoded folds that are kept, 200 MB. Beyond it only the last fold is, so that candidates
which are measured on it one after the other need it encoded once."""


@dataclass(frozen=True, eq=False)
class EncodedFold:
    """One fold."""

    encoder: TabularEncoder
    train: Floats
    """Encoded rows to fit on, shape (n_train, n_features)."""
    held_out: Floats
    """Encoded rows to measure on, shape (n_held_out, n_features)."""


class EncodedFolds:
    """Encodes folds when they are needed, and keeps them while there is room."""

    def __init__(self, frame: pd.DataFrame, plan: FitPlan, prepared: PreparedFit, splits: Sequence[Split]) -> None:
        """Args:
        frame: The dataset's rows.
        plan: Its columns, its target and its seed.
        prepared: The rows that can be learnt from.
        splits: By fold, positions among those rows.
        """
        self._frame = frame
        self._plan = plan
        self._prepared = prepared
        self.splits = splits
        self.row_s = 0.0
        """Seconds that it took to encode a row, where it was quickest: the first time, libraries are loaded."""
        self._kept: dict[tuple[int, Scaling], EncodedFold] = {}
        self._cell_count = 0
        self._last: tuple[tuple[int, Scaling], EncodedFold] | None = None

    def targets(self, number: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Class codes or numbers of a fold's rows: those to fit on, and those to measure on."""
        values, split = self._prepared.known.values, self.splits[number]
        return values[split.train], values[split.hold_out]

    def encoded(self, number: int, scaling: Scaling) -> EncodedFold:
        """A fold.

        Args:
            number: Its number, from 0 on.
            scaling: The range of the features.

        Raises:
            SignatureMismatch: A value is not of its column's type.
        """
        found = self._kept.get((number, scaling))
        if found is not None:
            return found
        if self._last is not None and self._last[0] == (number, scaling):
            return self._last[1]
        self._last = None  # before the next one is made: two may be more than there is room for
        made = self._encode(self.splits[number], scaling)
        cell_count = made.train.size + made.held_out.size
        if self._cell_count + cell_count <= KEPT_CELL_LIMIT:
            self._cell_count += cell_count
            self._kept[number, scaling] = made
        else:
            self._last = ((number, scaling), made)
        return made

    def _encode(self, split: Split, scaling: Scaling) -> EncodedFold:
        plan, known, task = self._plan, self._prepared.known, self._prepared.task
        started = time.monotonic()
        encoder = TabularEncoder()
        train = encoder.fit_transform(
            self._frame.iloc[known.rows[split.train]],
            None if task in UNSUPERVISED else known.values[split.train],
            plan.columns,
            task,
            plan.seed,
            scaling=scaling,
        )
        held_out, _ = encoder.transform(self._frame.iloc[known.rows[split.hold_out]])
        row_s = (time.monotonic() - started) / max(1, len(train) + len(held_out))
        self.row_s = min(row_s, self.row_s or row_s)
        return EncodedFold(encoder, train, held_out)
