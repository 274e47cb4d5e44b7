"""The best candidates joined to a vote, from their kept answers, without a fit."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from modelbus.trainer.auto.auto_time import AutoTime
from modelbus.trainer.auto.racing import MEMBER_LIMIT
from modelbus.trainer.tuning.candidate_measuring import CandidateMeasuring, HeldOutAnswers
from modelbus.trainer.tuning.ensembling import (
    Library,
    SelectionOverran,
    crossed_scores,
    evened,
    gain_and_error,
    mean_difference,
    select,
    selection_s,
)
from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial
from modelbus.trainer.tuning.search import TuningRows

_ENOUGH_MEMBERS: Final = 4
FAMILY_LIMIT: Final = 6
"""With few rows, the best candidates of this many families may become members."""
_FEW_FOLDS: Final = 3
"""With fewer folds than these, members are selected and measured on groups of rows."""

Answers = Mapping[int, Mapping[int, HeldOutAnswers]]
"""By candidate and fold."""


class Joining:
    """Joins the best candidates to a vote, where that is the better choice."""

    def __init__(
        self,
        rows: TuningRows,
        measuring: CandidateMeasuring,
        board: Leaderboard,
        answers: Answers,
        time: AutoTime,
        *,
        has_few_rows: bool = False,
    ) -> None:
        """Args:
        rows: The rows of the choice.
        measuring: Knows the folds.
        board: The candidates; takes the vote.
        answers: What the candidates answered.
        time: Knows what the last fits take.
        has_few_rows: Whether chance decides between the best: the best of each family are joined then, with weights
            near to equal ones, unless the best candidate is better than the vote by more than chance (ADR 0042).
        """
        self._has_few_rows = has_few_rows
        self._rows = rows
        self._measuring = measuring
        self._board = board
        self._answers = answers
        self._time = time

    def join(self, remaining_s: Callable[[], float]) -> None:
        """Add the vote to the leaderboard, if there is one.

        Args:
            remaining_s: Seconds that are left, for this and for the last fits of its members.
        """
        for of_families in (True, False) if self._has_few_rows else (False,):
            with contextlib.suppress(SelectionOverran):
                if self._is_joined(remaining_s, of_families=of_families):
                    return

    def _is_joined(self, remaining_s: Callable[[], float], *, of_families: bool) -> bool:
        """Whether there is a vote, of the best of each family or of the best candidates, that is the better choice."""
        best = self._board.best
        if best is None or not self._answers_of(best):
            return False
        members, fold_count = self._members(best, remaining_s(), of_families=of_families)
        least_s = self._time.finish_s(best)
        library = self._library(members, fold_count)
        if len(members) < 2 or selection_s(library, time.monotonic) > remaining_s() - least_s:
            return False
        return self._is_selected(library, members, lambda: remaining_s() < least_s, of_families=of_families)

    def _is_selected(
        self, library: Library, members: Sequence[Trial], is_over: Callable[[], bool], *, of_families: bool
    ) -> bool:
        fold_count = len(library.truth)
        crossed = library if fold_count >= _FEW_FOLDS else library.regrouped()
        single = [crossed.score([1] + [0] * (len(members) - 1), fold) for fold in range(len(crossed.truth))]
        weigh: Callable[[Sequence[int]], Sequence[int]] = evened if of_families else list
        scores = crossed_scores(crossed, is_over, weigh)
        found = gain_and_error(scores, single, self._board.objective)
        if found is None or found[0] <= (-found[1] if of_families else found[1]):
            return False
        weights = weigh(select(library, range(fold_count), is_over))
        joined = [(one, weight) for one, weight in zip(members, weights, strict=True) if weight]
        if len(joined) < 2:
            return False
        if crossed is not library:
            gain = mean_difference(scores, single)
            scores = [one + gain for one in members[0].values[:fold_count]]
        self._add(joined, scores, -found[1] if of_families else 0.0)
        return True

    def _members(self, best: Trial, remaining_s: float, *, of_families: bool) -> tuple[list[Trial], int]:
        """The possible members, the best first, and the number of folds that all of them share: as many as the best
        one, or fewer where too few others have as many.
        """
        ranking = self._board.best_of_families()[:FAMILY_LIMIT] if of_families else self._board.ranking()
        found: tuple[list[Trial], int] = ([], 0)
        for fold_count in range(len(best.scores), 0, -1):
            there = [one for one in ranking if self._is_member(one, fold_count)]
            members = self._affordable(there, remaining_s)
            if members and members[0] is best and len(members) > len(found[0]):
                found = (members, fold_count)
            if len(found[0]) >= _ENOUGH_MEMBERS:
                break
        return found

    def _add(self, joined: Sequence[tuple[Trial, int]], scores: Sequence[float | None], handicap: float) -> None:
        trial = self._board.add(*self._voting(joined), joined[0][0].fold_count)
        trial.scores = list(scores)
        trial.fit_s = [sum(one.mean_fit_s for one, _ in joined)]
        trial.members = [one for one, _ in joined]
        trial.handicap = handicap

    def _affordable(self, ranked: Sequence[Trial], remaining_s: float) -> list[Trial]:
        """The best first, as many as can be fitted in turn in the remaining time; at most ``MEMBER_LIMIT``."""
        members: list[Trial] = []
        for one in ranked:
            needed_s = self._time.finish_s(one)
            if len(members) < MEMBER_LIMIT and needed_s <= remaining_s:
                members.append(one)
                remaining_s -= needed_s
        return members

    def _is_member(self, trial: Trial, fold_count: int) -> bool:
        answers = self._answers_of(trial)
        return len(answers) >= fold_count and (
            not self._rows.is_classification or all(one.probabilities is not None for one in answers)
        )

    def _answers_of(self, trial: Trial) -> Sequence[HeldOutAnswers]:
        """Its answers on each fold with a score; none if some of them were discarded."""
        answers = self._answers.get(trial.number, {})
        return [answers[fold] for fold in sorted(answers)] if len(answers) == len(trial.scores) else ()

    def _library(self, members: Sequence[Trial], fold_count: int) -> Library:
        truth = [self._measuring.folds.targets(fold)[1] for fold in range(fold_count)]
        is_classification = self._rows.is_classification
        answers = [
            [
                np.asarray(one.probabilities if is_classification else one.answers, dtype=np.float64)
                for one in self._answers_of(member)[:fold_count]
            ]
            for member in members
        ]
        return Library(self._board.objective, truth, answers)

    def _voting(self, joined: Sequence[tuple[Trial, int]]) -> tuple[str, dict[str, Any]]:
        members = [
            {
                "name": f"candidate_{one.number}",
                "estimator": one.estimator,
                "hyperparameters": dict(one.hyperparameters),
            }
            for one, _ in joined
        ]
        weights = [weight for _, weight in joined]
        if self._rows.is_classification:
            return "VotingClassifier", {"estimators": members, "voting": "soft", "weights": weights}
        return "VotingRegressor", {"estimators": members, "weights": weights}
