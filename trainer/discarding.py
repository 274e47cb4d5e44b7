"""Which candidates are not worth a further fit."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from trainer.leaderboard import Leaderboard, Trial

_HOPELESS_SHARE: Final = 0.25
"""Of what the best is better than the baseline on a sample: who shows less is not tried on more rows."""
_CLEAR_SHARE: Final = 0.05
"""Of what the best is better than the baseline: less is not clearly worse."""
_CLEAR_DEVIATIONS: Final = 2.0


class Discarding:
    """Takes candidates out of the running."""

    def __init__(self, board: Leaderboard, baseline: Callable[[], Trial | None], held_out_count: int) -> None:
        """Args:
        board: The candidates.
        baseline: The one that all others must be better than, where it is tried.
        held_out_count: Rows that a candidate is measured on, in each part.
        """
        self._board = board
        self._baseline = baseline
        self._held_out_count = held_out_count

    def discard_hopeless(self, trials: Sequence[Trial]) -> None:
        """Of candidates that were tried on a sample, those hardly better than the baseline where others are."""
        for trial in trials:
            if trial.is_running and trial is not self._baseline():
                trial.is_discarded = self._is_hopeless(trial)

    def discard_worse(self, trials: Sequence[Trial]) -> None:
        """Those that are clearly worse than the best on the parts that both were measured on."""
        for trial in trials:
            if trial.is_running and trial.scores and trial is not self._baseline():
                trial.is_discarded = self._is_clearly_worse(trial)

    def _is_hopeless(self, trial: Trial) -> bool:
        best, baseline = self._board.best, self._baseline()
        if best is None or baseline is None or best is trial:
            return False
        rows = max(trial.sampled.keys() & best.sampled.keys() & baseline.sampled.keys(), default=None)
        if rows is None:
            return False
        own, leading, none = (self._board.objective.merit(one.sampled[rows]) for one in (trial, best, baseline))
        return own - none < _HOPELESS_SHARE * (leading - none)

    def _is_clearly_worse(self, trial: Trial) -> bool:
        """Whether it is worse than the best by more than its parts differ, and by more than a share of what that is
        better than the baseline; a larger share where it is known on one part of few rows only.
        """
        best, objective = self._board.best, self._board.objective
        count = min(len(trial.scores), len(best.scores)) if best is not None else 0
        if best is None or best is trial or not count:
            return False
        own, leading = (float(np.mean([objective.merit(one) for one in each.values[:count]])) for each in (trial, best))
        spread = float(np.std(best.values, ddof=1)) if len(best.values) > 1 else 0.0
        baseline = self._baseline()
        if baseline is None or not baseline.values:  # nothing says how much a difference is
            return count > 1 and leading - own > _CLEAR_DEVIATIONS * spread
        gap = leading - objective.merit(baseline.values[0])
        share = max(_CLEAR_SHARE, float(self._held_out_count) ** -0.5 if count == 1 else 0.0)
        return leading - own > max(_CLEAR_DEVIATIONS * spread, share * abs(gap))
