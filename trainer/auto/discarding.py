"""Which candidates are not worth another fit."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial

_HOPELESS_FRACTION: Final = 0.25
"""Fraction of the best one's gain over the baseline on a sample: a candidate with less is not tried on more rows."""
_CLEAR_FRACTION: Final = 0.05
"""Fraction of the best one's gain over the baseline: a smaller difference is not clear."""
_CLEAR_FRACTION_UNKNOWN: Final = 0.2
"""The same where the standard error is not known."""
_CLEAR_ERRORS: Final = 2.0
"""More standard errors of a difference than these are more than chance."""


class Discarding:
    """Discards candidates."""

    def __init__(
        self,
        board: Leaderboard,
        baseline: Callable[[], Trial | None],
        error_of: Callable[[Trial, Trial], float | None],
        is_cheap: Callable[[Trial], bool] = lambda _trial: False,
    ) -> None:
        """Args:
        board: The candidates.
        baseline: The candidate that all others must beat, where it is tried.
        error_of: The standard error of the difference between the scores of two candidates; None where it is unknown.
        is_cheap: Whether it takes next to nothing to measure a candidate on all folds.
        """
        self._board = board
        self._baseline = baseline
        self._error_of = error_of
        self._is_cheap = is_cheap

    def discard_hopeless(self, trials: Sequence[Trial]) -> None:
        """Of candidates that were tried on a sample, discard those hardly better than the baseline where others are."""
        for trial in trials:
            if trial.is_running and trial is not self._baseline():
                trial.is_discarded = self._is_hopeless(trial)

    def discard_worse(self, trials: Sequence[Trial]) -> None:
        """Discard those that are clearly worse than the best on the folds that both were measured on.

        One that has all folds already stays, and so does one whose other folds take next to nothing: there is nothing
        to save, it may be of use in an ensemble, and a few folds of a small table may err.
        """
        for trial in trials:
            if trial.is_running and trial.scores and not trial.is_complete and trial is not self._baseline():
                trial.is_discarded = not self._is_cheap(trial) and self._is_clearly_worse(trial)

    def _is_hopeless(self, trial: Trial) -> bool:
        best, baseline = self._board.best, self._baseline()
        if best is None or baseline is None or best is trial:
            return False
        rows = max(trial.sampled.keys() & best.sampled.keys() & baseline.sampled.keys(), default=None)
        if rows is None:
            return False
        own, leading, none = (self._board.objective.signed_score(one.sampled[rows]) for one in (trial, best, baseline))
        return own - none < _HOPELESS_FRACTION * (leading - none)

    def _is_clearly_worse(self, trial: Trial) -> bool:
        """Whether it is worse than the best by more than chance, and by more than a fraction of the best one's
        gain over the baseline.
        """
        best, objective, baseline = self._board.best, self._board.objective, self._baseline()
        count = min(len(trial.scores), len(best.scores)) if best is not None else 0
        if best is None or best is trial or not count:
            return False
        own, leading = (
            float(np.mean([objective.signed_score(one) for one in each.values[:count]])) for each in (trial, best)
        )
        error = self._error_of(trial, best)
        gap = leading - objective.signed_score(baseline.values[0]) if baseline is not None and baseline.values else 0.0
        if error is None:
            return leading - own > _CLEAR_FRACTION_UNKNOWN * abs(gap) > 0
        return leading - own > max(_CLEAR_ERRORS * error, _CLEAR_FRACTION * abs(gap))
