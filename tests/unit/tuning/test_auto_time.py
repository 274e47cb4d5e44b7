"""The time of `auto`: what is begun, how long it may take, and what is set aside for the last fit. On a clock of the
tests.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelbus.trainer.auto.auto_time import FIT_FRACTION, SAMPLE_FRACTION, AutoTime, Finishing, Stage
from modelbus.trainer.tuning.effort import effort
from modelbus.trainer.tuning.fit_costs import FitCosts, extrapolated_s, ladder
from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial
from modelbus.trainer.tuning.objectives import objective_of
from modelbus.trainer.tuning.tuning_hooks import TuningHooks, TuningWatch

BUDGET_S = 100.0
ROWS = 8_000
WHOLE = Stage(0, ROWS)
FINISHING = Finishing(row_count=10_000, fit_count=1.0, answer_fraction=1.0)


class Times:
    """A board, a clock and what decides by them."""

    def __init__(self, finishing: Finishing = FINISHING) -> None:
        self.now = 0.0
        self.board = Leaderboard(objective_of("r2", "regression"), ranks_unfinished=True)
        watch = TuningWatch(
            self.board, TuningHooks(), lambda *_: None, budget_s=BUDGET_S, keeps_best=False, clock=lambda: self.now
        )
        self.defaults: dict[str, Trial] = {}
        self.time = AutoTime(self.board, watch, finishing, lambda trial: self.defaults.get(trial.estimator))

    def trial(self, estimator: str, fit_s: dict[int, float], scores: list[float] | None = None, **given: Any) -> Trial:
        trial = self.board.add(estimator, given, 5)
        for rows, seconds in fit_s.items():
            trial.costs.note(rows, seconds, 0.0, 0.0)
        trial.scores = list(scores or [])
        self.defaults.setdefault(estimator, trial)
        return trial


def test_a_fit_that_would_not_end_in_time_is_not_begun_and_it_is_said_why() -> None:
    times = Times()
    times.trial("Ridge", {ROWS: 0.1}, [0.5])
    slow = times.trial("MLPRegressor", {1_000: 5.0})
    times.now = 60.0

    assert "on 8,000 rows would take about 40 s" in str(times.time.obstacle(slow, WHOLE))
    assert times.time.is_short


def test_a_fit_that_ends_in_time_is_begun_only_if_the_last_fit_on_all_rows_does_too() -> None:
    times = Times()
    slow = times.trial("MLPRegressor", {ROWS: 20.0})
    times.now = 50.0
    assert times.time.obstacle(slow, WHOLE) is None, "20 s, and 25 s on all rows"
    times.now = 60.0
    assert "the steps after the choice about 25 s" in str(times.time.obstacle(slow, WHOLE))
    assert times.time.obstacle(slow, Stage(0, 500, is_sample=True)) is None, "a sample tells, whatever comes after"


def test_a_leader_whose_last_fit_would_not_end_keeps_nobody_from_being_tried() -> None:
    times = Times()
    leader = times.trial("MLPRegressor", {1_000: 12.0})
    leader.sampled = {1_000: 0.99}
    quick = times.trial("Ridge", {ROWS: 1.0}, [0.5])
    assert times.time.finish_s(leader) > BUDGET_S
    assert times.time.obstacle(times.trial("ElasticNet", {}), WHOLE) is None
    assert times.time.reserve_s() == pytest.approx(1.1 * times.time.finish_s(quick) + 0.15)


def test_of_those_that_are_nearly_as_good_the_one_that_is_finished_first_is_enough() -> None:
    def reserved_s(score: float) -> float:
        times = Times()
        times.trial("DummyRegressor", {ROWS: 0.0}, [0.0])
        times.trial("MLPRegressor", {ROWS: 40.0}, [0.91])
        times.trial("HistGradientBoostingRegressor", {ROWS: 8.0}, [score])
        return times.time.reserve_s()

    assert reserved_s(0.905) < 15.0
    assert reserved_s(0.8) > 40.0, "the cheaper one is clearly worse"


def test_a_family_whose_first_candidate_was_ended_is_not_tried_again() -> None:
    times = Times()
    times.trial("MLPRegressor", {1_000: 0.1}).stopped = "it took too long"
    other = times.board.add("MLPRegressor", {"alpha": 0.1}, 5)
    obstacle = str(times.time.obstacle(other, WHOLE))
    assert "the first candidate of its family was not finished: it took too long" in obstacle


def test_none_but_the_leader_takes_more_than_its_share() -> None:
    times = Times()
    leader = times.trial("ElasticNet", {2_000: 8.0})
    leader.sampled = {2_000: 0.9}
    other = times.trial("MLPRegressor", {2_000: 8.0})
    other.sampled = {2_000: 0.5}
    assert times.time.obstacle(leader, WHOLE) is None
    assert "would take too long" in str(times.time.obstacle(other, WHOLE))


@pytest.mark.parametrize(
    ("stage", "fraction"), [(WHOLE, FIT_FRACTION), (Stage(0, 500, is_sample=True), SAMPLE_FRACTION)]
)
def test_a_fit_of_which_nothing_is_known_has_a_share_of_the_time(stage: Stage, fraction: float) -> None:
    times = Times()
    assert times.time.limit_s(times.trial("MLPRegressor", {}), stage) == pytest.approx(fraction * BUDGET_S)


@given(st.floats(0.001, 80.0), st.floats(0.0, 99.9))
def test_no_fit_may_take_what_the_last_fit_of_the_best_needs(fit_s: float, now: float) -> None:
    times = Times()
    best = times.trial("Ridge", {ROWS: fit_s}, [0.9])
    unknown = times.trial("MLPRegressor", {})
    times.now = now
    limit_s, remaining_s = times.time.limit_s(unknown, WHOLE), BUDGET_S - now
    if times.time.finish_s(best) <= remaining_s:
        assert limit_s <= max(0.05, remaining_s - times.time.finish_s(best))


def test_calibration_and_threshold_are_further_fits_that_time_is_set_aside_for() -> None:
    plain, more = (Times(Finishing(10_000, count, 1.0, encode_s=2.0)) for count in (1.0, 20.0))
    trials = [one.trial("Ridge", {ROWS: 0.8}, [0.9]) for one in (plain, more)]
    assert plain.time.finish_s(trials[0]) == pytest.approx(1.0 + 2.0)
    assert more.time.finish_s(trials[1]) == pytest.approx(20 * 3.0)


def test_a_vote_takes_what_its_members_take() -> None:
    times = Times()
    members = [times.trial("Ridge", {ROWS: 0.8}, [0.9]), times.trial("ElasticNet", {ROWS: 8.0}, [0.9])]
    vote = times.board.add("VotingRegressor", {}, 5)
    vote.members = members
    assert times.time.finish_s(vote) == pytest.approx(11.0)


def test_other_hyperparameters_are_expected_to_take_what_their_work_is() -> None:
    times = Times()
    times.trial("HistGradientBoostingRegressor", {ROWS: 2.0}, [0.9])
    longer = times.board.add("HistGradientBoostingRegressor", {"max_iter": 400}, 5)
    assert times.time.expected_s(longer, ROWS) == pytest.approx(8.0)
    longer.costs.note(2_000, 1.0, 0.0, 0.0)
    times.defaults["HistGradientBoostingRegressor"].costs.note(2_000, 0.5, 0.0, 0.0)
    assert times.time.expected_s(longer, ROWS) == pytest.approx(4.0), "as the default grew"


def test_what_cannot_be_finished_any_more_is_known() -> None:
    times = Times()
    trial = times.trial("ElasticNet", {ROWS: 8.0}, [0.9])
    times.now = 89.0
    assert times.time.can_finish(trial)
    times.now = 95.0
    assert times.time.can_finish(trial), "a little late"
    times.now = 97.0
    assert not times.time.can_finish(trial)


@given(st.floats(0.8, 3.0), st.floats(1e-3, 10.0), st.integers(2, 100))
def test_a_power_of_the_rows_is_found(power: float, first_s: float, factor: int) -> None:
    measured = {rows: first_s * (rows / 1_000) ** power for rows in (1_000, 4_000)}
    expected = first_s * (4.0 * factor) ** power
    assert extrapolated_s(measured, 4_000 * factor) == pytest.approx(expected, rel=1e-3)


def test_where_no_power_was_measured_it_is_the_usual_one_of_the_estimator() -> None:
    times = Times()
    vectors, linear = times.trial("SVR", {1_000: 0.1}), times.trial("Ridge", {1_000: 0.1})
    assert times.time.expected_s(vectors, ROWS) == pytest.approx(6.4)
    assert times.time.expected_s(linear, ROWS) == pytest.approx(0.8)


def test_rows_that_differ_by_one_tell_no_power() -> None:
    assert extrapolated_s({1_000: 1.0, 1_001: 1.5}, 2_002) == pytest.approx(3.0)


def test_of_several_fits_on_as_many_rows_the_mean_counts_and_one_that_was_ended_took_longer_still() -> None:
    costs = FitCosts()
    for fit_s in (2.0, 1.0, 3.0):
        costs.note(100, fit_s, 0.1, 0.0)
    assert costs.expected_fit_s(100) == 2.0
    costs.note_overrun(100, 5.0)
    assert costs.expected_fit_s(100) == 5.0
    assert FitCosts().expected_fit_s(100) is None


@given(st.integers(2, 10_000_000), st.integers(1, 5_000))
def test_samples_grow_by_eight_up_to_less_than_all_rows(rows: int, features: int) -> None:
    sizes = ladder(rows, features)
    assert sizes == sorted(sizes)
    assert all(size >= 500 for size in sizes)
    larger = [*sizes, rows][1:]
    assert all(8 * size <= bigger < 8 * (size + 1) for size, bigger in zip(sizes, larger, strict=True))


def test_what_a_family_takes_grows_with_what_its_hyperparameters_ask_for() -> None:
    assert effort("ExtraTreesRegressor", {"n_estimators": 50}) < effort("ExtraTreesRegressor", {})
    assert effort("RandomForestRegressor", {"max_features": 0.4}) < effort("RandomForestRegressor", {})
    assert effort("RandomForestClassifier", {"max_features": 0.9}) > effort("RandomForestClassifier", {})
    assert effort("MLPRegressor", {"hidden_layer_sizes": [50, 20]}) < effort("MLPRegressor", {})
    assert effort("Ridge", {"alpha": 2.0}) == effort("Ridge", {})
    assert np.isclose(effort("HistGradientBoostingClassifier", {}), 200)
