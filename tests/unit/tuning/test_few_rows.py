"""A choice on few rows: the best of each family vote, unless a single one is clearly better; no clock decides."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from modelbus.trainer.auto.auto_time import Stage
from modelbus.trainer.auto.joining import FAMILY_LIMIT, Joining
from modelbus.trainer.tuning.candidate_measuring import HeldOutAnswers
from modelbus.trainer.tuning.effort import usual_s
from modelbus.trainer.tuning.ensembling import evened
from modelbus.trainer.tuning.leaderboard import Trial
from tests.unit.scripted_auto import ScriptedAuto


class Table:
    """Candidates with errors of a given size on five folds of few rows, and the vote that is made of them."""

    def __init__(self, *, has_few_rows: bool = True) -> None:
        self.auto = ScriptedAuto(200, lambda *_: 0.1, lambda *_: 0.5, budget_s=1000)
        choosing = self.auto.choosing
        self.answers: dict[int, dict[int, HeldOutAnswers]] = {}
        self.random = np.random.default_rng(3)
        self.folds = choosing._measuring.folds
        self.joining = Joining(
            self.auto.rows,
            choosing._measuring,
            self.auto.board,
            self.answers,
            choosing._time,
            has_few_rows=has_few_rows,
        )

    def add(self, estimator: str, noise: float, shared: Sequence[np.ndarray] | None = None) -> Trial:
        trial = self.auto.board.add(estimator, {}, 5)
        self.answers[trial.number] = {}
        for fold in range(5):
            truth = self.folds.targets(fold)[1]
            error = noise * self.random.normal(size=len(truth)) if shared is None else noise * shared[fold]
            self.answers[trial.number][fold] = HeldOutAnswers(truth + error, None)
            trial.scores.append(self.auto.board.objective.score(truth, truth + error, None))
            trial.fit_s.append(0.1)
        trial.costs.note(160, 0.1, 0.0, 0.0)
        return trial

    def joined(self) -> Trial | None:
        self.joining.join(lambda: 1000.0)
        return next((one for one in self.auto.board.trials if one.members), None)


def test_the_best_of_each_family_vote_and_no_family_votes_twice() -> None:
    table = Table()
    for estimator in ("ExtraTreesRegressor", "SVR", "Ridge"):
        for noise in (0.5, 0.6):
            table.add(estimator, noise)

    joined = table.joined()

    assert joined is not None
    assert table.auto.board.best is joined
    names = [member.estimator for member in joined.members]
    assert sorted(names) == ["ExtraTreesRegressor", "Ridge", "SVR"]
    assert all(member.number % 2 for member in joined.members), "each is the better one of its family"


def test_a_vote_that_is_no_clearer_winner_than_chance_is_taken_on_few_rows_only() -> None:
    def outcome(*, has_few_rows: bool) -> Trial | None:
        table = Table(has_few_rows=has_few_rows)
        errors = [table.random.normal(size=len(table.folds.targets(fold)[1])) for fold in range(5)]
        table.add("SVR", 0.5, errors)
        table.add("Ridge", 0.5001, errors)  # the same errors: a vote of both gains nothing
        joined = table.joined()
        return joined if joined is not None and table.auto.board.best is joined else None

    assert outcome(has_few_rows=False) is None
    assert outcome(has_few_rows=True) is None, "and neither is one that is worse on each fold"


def test_a_single_candidate_that_is_clearly_better_wins() -> None:
    table = Table()
    best = table.add("SVR", 0.05)
    for estimator in ("Ridge", "ExtraTreesRegressor", "KNeighborsRegressor"):
        table.add(estimator, 0.9)

    table.joined()

    assert table.auto.board.best is best


@pytest.mark.parametrize(
    ("counts", "weights"),
    [([3, 0, 0, 0, 1], [16, 4, 4, 4, 4]), ([1, 1], [4, 4]), ([2, 0, 1], [9, 3, 6]), ([5], [10])],
)
def test_half_of_the_weight_is_shared_equally_by_the_first_four(counts: list[int], weights: list[int]) -> None:
    assert evened(counts) == weights
    assert sum(weights) == 2 * sum(counts) * min(4, len(counts))


def test_more_families_than_the_limit_do_not_vote() -> None:
    table = Table()
    for number in range(FAMILY_LIMIT + 3):
        table.add(f"Family{number}", 0.5 + number / 5)
    leading = table.auto.board.best_of_families()[:FAMILY_LIMIT]

    joined = table.joined()

    assert joined is not None
    assert set(joined.members) <= set(leading)


@pytest.mark.parametrize("factor", [0.1, 1.0, 50.0])
def test_a_busy_machine_tries_and_discards_what_an_idle_one_does(factor: float) -> None:
    def run(slowness: float) -> list[Any]:
        auto = ScriptedAuto(
            200,
            lambda trial, _: slowness * (0.01 + 0.01 * (trial.number % 4)),
            lambda trial, stage: 0.9 - 0.03 * (trial.number % 7) + 0.001 * stage.fold,
            budget_s=3600,
            max_models=20,
        )
        auto.run()
        return [(one.estimator, dict(one.hyperparameters), one.scores, one.is_discarded) for one in auto.board.trials]

    assert run(factor) == run(1.0)


def test_the_usual_time_of_a_fit_grows_with_its_rows_features_and_effort() -> None:
    for estimator in ("Ridge", "ExtraTreesRegressor", "HistGradientBoostingRegressor", "MLPRegressor", "SVR"):
        few, rows, features = (usual_s(estimator, {}, *shape) for shape in ((200, 10), (2_000, 10), (200, 100)))
        assert 0 < few < min(rows, features)
    assert usual_s("ExtraTreesRegressor", {"n_estimators": 500}, 200, 10) > usual_s("ExtraTreesRegressor", {}, 200, 10)


def test_the_order_in_which_fits_end_does_not_decide_whose_answers_are_kept() -> None:
    def kept(numbers: list[int]) -> set[int]:
        auto = ScriptedAuto(200, lambda *_: 0.1, lambda trial, _: 0.5 + trial.number / 100, budget_s=1000)
        choosing = auto.choosing
        auto.pool.answered = lambda stage: choosing._measuring.folds.targets(stage.fold)[1]
        trials = [auto.board.add("Ridge", {"alpha": number}, 5) for number in range(24)]
        choosing._race.measure([(trials[number], Stage(0, 160)) for number in numbers])
        return set(choosing._race.answers)

    assert kept(list(range(24))) == kept(list(reversed(range(24))))
