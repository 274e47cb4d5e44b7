"""The time of a choice: what may begin, how long it may take, and what is reserved for the last fit. Pure maths.

Whatever begins ends in time: its fit is expected to, and is killed if it does not. What comes after the choice
(the last fit on all rows, its measuring) has the same budget, so part of it is reserved.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from modelbus.trainer.tuning.effort import effort, is_forest, usual_power, usual_s
from modelbus.trainer.tuning.fit_costs import FitCosts
from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial
from modelbus.trainer.tuning.tuning_hooks import TuningWatch

FIT_FRACTION: Final = 0.25
"""Of the budget: the maximum for one fit, unless its candidate leads."""
SAMPLE_FRACTION: Final = 0.2
"""The same for a fit on a sample."""
_OVERRUN: Final = 3.0
"""A fit may take this many times as long as expected."""
_ENSEMBLE_FRACTION: Final = 0.2
"""Of the budget: the maximum that is reserved for the members of an ensemble."""
_ENSEMBLE_SIZE: Final = 5
_SELECTION_FRACTION: Final = 0.05
"""Of the budget: what is reserved to select the members, where the best of each family are joined."""
_LARGE_FRACTION: Final = 0.4
_NEARLY: Final = 0.01
"""Fraction of the difference between the best and the worst: a candidate that is behind by less is nearly as good."""
_SLACK: Final = 1.1
_SLACK_S: Final = 0.15
_SIDE_BY_SIDE: Final = 0.6
"""What remains of a forest's time where its trees grow on two cores or more."""
_LATE: Final = (0.05, 1.0)
"""A fraction of the budget, plus seconds: how late the last fit may end before a worse model is taken."""
_LATEST: Final = (0.1, 2.0)
"""The same, before the baseline is taken."""
_CHEAP: Final = 0.01
"""Of the budget: a cost that is not worth saving."""
_LEAST_LIMIT_S: Final = 0.05


@dataclass(frozen=True)
class Stage:
    """What a candidate is measured on: a fold, or a sample of it."""

    fold: int
    """Its number; the first is 0."""
    row_count: int
    """Rows of the fit."""
    is_sample: bool = False


@dataclass(frozen=True)
class Finishing:
    """What comes after a choice."""

    row_count: int
    """Rows of the last fit."""
    fit_count: float
    """Number of such fits: more than one where probabilities are calibrated or a threshold is found."""
    answer_fraction: float
    """Rows of the final measuring, for each row that a candidate was measured on."""
    encode_s: float = 0.0
    """To encode the rows."""
    core_count: int = 1
    """Cores that the last fit may use."""
    fold_shape: tuple[int, int] = (0, 0)
    """Rows that a candidate is fitted on in a fold, and their encoded features."""

    def seconds(self, fit_s: float, costs: FitCosts) -> float:
        """What comes after the choice of a candidate, in seconds.

        Args:
            fit_s: Expected seconds of its fit on all rows.
            costs: Its measured costs so far.
        """
        growth = self.row_count / max(1, *costs.fit_s)
        more_answers_s = max(0.0, self.answer_fraction - 1.0) * costs.answer_s
        return self.fit_count * (fit_s + self.encode_s) + more_answers_s + growth * costs.store_s


class AutoTime:
    """Decides what may begin."""

    def __init__(
        self, board: Leaderboard, watch: TuningWatch, finishing: Finishing, like: Callable[[Trial], Trial | None]
    ) -> None:
        """Args:
        board: The candidates.
        watch: Knows the remaining time.
        finishing: What comes after the choice.
        like: The candidate whose time grows as another's does: its family's default.
        """
        self._board = board
        self._watch = watch
        self._like = like
        self.finishing = finishing
        self.has_ensemble = False
        """Whether the best may be joined."""
        self.joins_families = False
        """Whether the best of each family are."""
        self.is_short = False
        """Whether something was skipped or killed for lack of time."""

    def expected_s(self, trial: Trial, row_count: int) -> float | None:
        """Seconds that a fit is likely to take; None where nothing is known."""
        like = self._like(trial)
        power = usual_power(trial.estimator)
        own = trial.costs.expected_fit_s(row_count, like.costs if like is not None else None, power)
        if own is not None or like is None or like is trial:
            return own
        theirs = like.costs.expected_fit_s(row_count, None, power)
        return None if theirs is None else _relative_effort(trial, like) * theirs

    def finish_s(self, trial: Trial) -> float:
        """Seconds from the choice of a candidate to the measured model; 0 where nothing is known."""
        if trial.members:
            return sum(map(self.finish_s, trial.members))
        fit_s = self.expected_s(trial, self.finishing.row_count)
        if fit_s is None:
            return 0.0
        if is_forest(trial.estimator) and self.finishing.core_count > 1:
            fit_s *= _SIDE_BY_SIDE
        like = self._like(trial)
        return self.finishing.seconds(fit_s, trial.costs if trial.costs.fit_s or like is None else like.costs)

    def reserve_s(self) -> float:
        """Seconds that are reserved for what comes after: enough for the best, and for an ensemble if it is cheap.

        Where the best one's last fit is a large part of the budget, the quickest is enough of those
        that are nearly as good. Nothing is reserved for a last fit that cannot end in time anyway, as that would keep
        all others from being tried.
        """
        remaining_s = self._watch.remaining_s
        needed_s = [one for one in map(self.finish_s, self._board.near_best(_NEARLY)) if one <= remaining_s]
        if not needed_s:
            needed_s = [one for one in map(self.finish_s, self._board.ranking()) if one <= remaining_s][:1]
        if not needed_s:
            return 0.0
        is_large = needed_s[0] > _LARGE_FRACTION * self._watch.budget_s
        reserve_s = min(_SLACK * (min(needed_s) if is_large else needed_s[0]) + _SLACK_S, remaining_s)
        if self.has_ensemble:
            members_s = _SLACK * self._members_s(needed_s) + _SLACK_S
            reserve_s = max(reserve_s, min(members_s, _ENSEMBLE_FRACTION * self._watch.budget_s))
        return reserve_s

    def _members_s(self, near_s: Sequence[float]) -> float:
        """Seconds for the members of an ensemble, and where families are joined, also for their selection."""
        if not self.joins_families:
            return sum(near_s[:_ENSEMBLE_SIZE])
        found = sum(map(self.finish_s, self._board.best_of_families()[:_ENSEMBLE_SIZE]))
        return found + _SELECTION_FRACTION * self._watch.budget_s

    def obstacle(self, trial: Trial, stage: Stage) -> str | None:
        """The reason why a fit may not begin; None if it may."""
        like = self._like(trial)
        if like is not None and like is not trial and like.stopped is not None:
            return f"the first candidate of its family was not finished: {like.stopped}"
        known_s, remaining_s = self.expected_s(trial, stage.row_count), self._watch.remaining_s
        expected_s = known_s or 0.0
        is_leader = trial is self._board.best
        # a further fit of the leader shows more exactly what its last one takes, so it needs no more than itself
        after_s = self.finish_s(trial) if is_leader else self.reserve_s()
        if not stage.is_sample and not trial.scores:
            after_s = max(after_s, self.finish_s(trial))
        if max(expected_s, _LEAST_LIMIT_S) + after_s <= remaining_s:
            if expected_s <= FIT_FRACTION * self._watch.budget_s or is_leader:
                return None
            words = f"its fit on {stage.row_count:,} rows would take too long, about {_said(expected_s)}"
        else:
            takes = (
                "" if known_s is None else f"its fit on {stage.row_count:,} rows would take about {_said(known_s)}, "
            )
            remaining = _said(max(0.0, remaining_s))
            words = f"{takes}the steps after the choice about {_said(after_s)}, and {remaining} were left"
        self.is_short = True
        return words

    def limit_s(self, trial: Trial, stage: Stage) -> float:
        """Seconds after which a fit that begins now is killed."""
        budget_s = self._watch.budget_s
        expected_s = self.expected_s(trial, stage.row_count)
        fraction = SAMPLE_FRACTION if stage.is_sample else FIT_FRACTION
        wanted_s = fraction * budget_s if expected_s is None else max(_OVERRUN * expected_s, SAMPLE_FRACTION * budget_s)
        after_s = self.finish_s(trial) if trial is self._board.best else self.reserve_s()
        return max(_LEAST_LIMIT_S, min(wanted_s, self._watch.remaining_s - after_s))

    def can_finish(self, trial: Trial, *, is_last_resort: bool = False) -> bool:
        """Whether a candidate can still be fitted on all rows and measured in time, or slightly late.

        Args:
            trial: The candidate.
            is_last_resort: Whether only the baseline is left beside it.
        """
        fraction, seconds = _LATEST if is_last_resort else _LATE
        return self.finish_s(trial) <= self._watch.remaining_s + fraction * self._watch.budget_s + seconds

    def is_cheap(self, trial: Trial) -> bool:
        """Whether measuring a candidate on its remaining folds usually takes next to nothing.

        The size of the fold, the estimator and the budget decide, and no clock: a busy machine decides alike.
        """
        fit_s = usual_s(trial.estimator, trial.hyperparameters, *self.finishing.fold_shape)
        return fit_s * (trial.fold_count - len(trial.scores)) <= _CHEAP * self._watch.budget_s

    def note_encoding(self, row_s: float) -> None:
        """Record the seconds to encode a row: the last fit's rows are encoded, too."""
        self.finishing = replace(self.finishing, encode_s=row_s * self.finishing.row_count)


def _relative_effort(trial: Trial, like: Trial) -> float:
    return effort(trial.estimator, trial.hyperparameters) / effort(like.estimator, like.hyperparameters)


def _said(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
