"""Candidates side by side: whose answers are kept, and what they are compared on."""

import numpy as np
import pytest

from modelbus.shared.contracts.commands.tuning import SearchValidation
from modelbus.trainer.auto.auto_time import Stage
from modelbus.trainer.auto.racing import MEMBER_LIMIT, Racing
from modelbus.trainer.tuning.leaderboard import Trial
from tests.unit.scripted_auto import ScriptedAuto


class Race:
    """Some candidates on folds of unequal size: 104 training rows in five folds are 21, 21, 21, 21 and 20 rows."""

    def __init__(self) -> None:
        cross_validation = SearchValidation(folds=5)
        self.scores: dict[int, tuple[float, float]] = {}
        auto = ScriptedAuto(
            130,
            lambda *_: 0.1,
            lambda trial, stage: self.scores[trial.number][min(1, stage.fold)],
            budget_s=1000,
            cross_validation=cross_validation,
        )
        self.splits = auto.rows.splits_of(cross_validation)
        self.measuring = auto.rows.measuring(self.splits, auto.board.objective)
        auto.pool.answered = lambda stage: self.truth(stage.fold) + 0.1 * (1 + stage.fold)
        choosing = auto.choosing
        self.racing = Racing(self.measuring, auto.board, choosing._watch, choosing._time, auto.pool)
        self.board = auto.board

    def truth(self, fold: int) -> np.ndarray:
        return np.asarray(self.measuring.folds.targets(fold)[1])

    def add(self, on_first: float, on_others: float) -> Trial:
        trial = self.board.add("Ridge", {}, 5)
        self.scores[trial.number] = on_first, on_others
        return trial

    def measure(self, trial: Trial, fold: int) -> None:
        self.racing.measure([(trial, Stage(fold, len(self.splits[fold].train)))])


def test_a_candidate_that_was_out_of_the_running_is_compared_on_the_folds_whose_answers_are_there() -> None:
    race = Race()
    outsider, rivals = race.add(0.1, 0.9), [race.add(0.8, 0.95) for _ in range(3)]
    falling = [race.add(0.7, -2.0) for _ in range(2 * MEMBER_LIMIT)]
    for fold in range(5):
        for trial in (outsider, *rivals, *falling):
            race.measure(trial, fold)
    sizes = [len(race.truth(fold)) for fold in range(5)]
    assert sizes[0] != sizes[4]

    known = race.racing.answers
    assert 0 not in known[outsider.number]
    assert 4 in known[outsider.number]
    for fold, answers in known[outsider.number].items():
        np.testing.assert_array_equal(answers.answers, race.truth(fold) + 0.1 * (1 + fold))
    # equal answers on each fold: no difference, and nothing that chance could have done
    for rival in rivals:
        assert race.racing.error_of(outsider, rival) == pytest.approx(0)


def test_without_common_folds_nothing_is_known_of_chance() -> None:
    race = Race()
    one, other = race.add(0.5, 0.5), race.add(0.4, 0.4)
    race.measure(one, 0)

    assert race.racing.error_of(one, other) is None
