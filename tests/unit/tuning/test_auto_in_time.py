"""`auto` within its time, on a clock of the tests: it ends in time, and a slow family costs the others nothing."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelbus.trainer.auto.auto_time import FIT_FRACTION, SAMPLE_FRACTION, Stage
from modelbus.trainer.tuning.effort import usual_power
from modelbus.trainer.tuning.leaderboard import Trial
from tests.unit.scripted_auto import ScriptedAuto

BASELINE, BOOSTING, NETWORK = "DummyRegressor", "HistGradientBoostingRegressor", "MLPRegressor"
SCORES = {"Ridge": 0.6, BOOSTING: 0.95, "RandomForestRegressor": 0.9, "ExtraTreesRegressor": 0.91, NETWORK: 0.97}


def scores(trial: Trial, _stage: Stage) -> float:
    return SCORES.get(trial.estimator, 0.3)


def by_rows(per_thousand_s: dict[str, float], power: float = 1.0):  # type: ignore[no-untyped-def]
    return lambda trial, stage: per_thousand_s.get(trial.estimator, 0.01) * (stage.row_count / 1_000) ** power


def test_one_slow_family_does_not_use_up_the_time_and_what_beats_the_baseline_is_chosen() -> None:
    # 22 s, 30,000 rows: as it was when an MLP of 86 s left nothing but the baseline
    auto = ScriptedAuto(
        30_000, by_rows({NETWORK: 4.5, BOOSTING: 0.06, "RandomForestRegressor": 1.0}), scores, budget_s=22
    )
    choice = auto.run()

    assert choice.estimator == BOOSTING
    assert not choice.warnings
    network = next(one for one in auto.board.records() if one.estimator == NETWORK)
    assert network.state in ("skipped", "stopped")
    assert "would take" in str(network.error) or "was killed" in str(network.error)
    assert (NETWORK, 19_200) not in auto.pool.begun, "it was not begun on all rows"


def test_a_fit_that_takes_longer_than_the_samples_promised_is_killed_at_its_share() -> None:
    def seconds(trial: Trial, stage: Stage) -> float:
        return 1_000.0 if trial.estimator == NETWORK and not stage.is_sample else 0.05

    auto = ScriptedAuto(30_000, seconds, scores, budget_s=20)
    choice = auto.run()

    assert auto.pool.killed == [(NETWORK, 19_200)]
    assert choice.estimator == BOOSTING
    assert choice.stopped_early == "time_budget"


def test_a_fit_on_a_sample_that_overruns_its_share_is_killed_and_not_tried_on_more_rows() -> None:
    auto = ScriptedAuto(30_000, by_rows({NETWORK: 1_000.0}), scores, budget_s=20, max_models=9)
    auto.run()

    assert [name for name, _ in auto.pool.killed] == [NETWORK]
    assert [name for name, _ in auto.pool.begun].count(NETWORK) == 1


def test_where_all_else_is_too_slow_the_baseline_is_chosen_and_it_is_said_why() -> None:
    auto = ScriptedAuto(30_000, lambda *_: 1_000.0, scores, budget_s=10)
    choice = auto.run()

    assert choice.estimator == BASELINE
    assert auto.total_s(choice) <= 1.1 * 10 + 2
    [warning] = choice.warnings
    assert warning.startswith("auto chose the baseline DummyRegressor")
    assert "none of the" in warning
    assert "Ridge (its fit on" in warning
    assert "The time budget was 10 s" in warning


def test_where_nothing_is_better_the_baseline_is_chosen_and_it_is_said_that_all_were_measured() -> None:
    auto = ScriptedAuto(500, lambda *_: 0.01, lambda *_: -0.5, budget_s=1_000, max_models=8)
    choice = auto.run()

    assert choice.estimator == BASELINE
    [warning] = choice.warnings
    assert warning.startswith("auto chose the baseline DummyRegressor, which uses no feature: ")
    assert warning.endswith("8 of the 8 other candidates were measured, and none was better.")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.01, "the only other candidate was measured, and was not better."),
        (1_000.0, "the only other candidate could not be measured. "),
    ],
)
def test_the_warning_agrees_with_a_single_other_candidate(seconds: float, words: str) -> None:
    auto = ScriptedAuto(500, lambda *_: seconds, lambda *_: -0.5, budget_s=10, max_models=1)
    [warning] = auto.run().warnings
    assert words in warning


def test_a_winner_that_is_none_of_the_baseline_is_no_warning() -> None:
    assert not ScriptedAuto(500, lambda *_: 0.01, scores, budget_s=1_000, max_models=8).run().warnings


def test_what_is_known_on_a_sample_alone_wins_over_the_baseline_if_its_last_fit_ends_in_time() -> None:
    # on all rows of a fold boosting takes 4.5 s, and 5.1 s at last: there is no time for both, but for the last fit
    seconds = by_rows({BOOSTING: 0.764, "Ridge": 5.0}, 0.6)
    auto = ScriptedAuto(30_000, seconds, scores, budget_s=10, include=[BASELINE, BOOSTING, "Ridge"])
    choice = auto.run()

    assert choice.estimator == BOOSTING
    assert (BOOSTING, 19_200) not in auto.pool.begun
    assert auto.total_s(choice) <= 1.1 * 10 + 2


def test_without_a_baseline_one_candidate_is_measured_whatever_it_takes() -> None:
    auto = ScriptedAuto(
        2_000, lambda _, stage: 5.0 if stage.row_count > 1_000 else 100.0, scores, budget_s=1, include=["Ridge"]
    )
    assert auto.run().estimator == "Ridge"


def test_the_cheap_ones_are_finished_before_the_slow_ones_begin() -> None:
    auto = ScriptedAuto(
        30_000, by_rows({"RandomForestRegressor": 0.2, "ExtraTreesRegressor": 0.1}), scores, budget_s=60
    )
    auto.run()

    whole = [name for name, rows in auto.pool.begun if rows == 19_200]
    assert whole[0] == NETWORK, "the best on the samples"
    assert whole.index("Ridge") < whole.index("ExtraTreesRegressor") < whole.index("RandomForestRegressor")


def test_with_time_to_spare_all_that_are_in_the_running_are_measured_on_all_parts() -> None:
    auto = ScriptedAuto(500, lambda *_: 0.001, lambda *_: 0.9, budget_s=3_600, max_models=6)
    auto.run()
    assert {(one.state, len(one.scores)) for one in auto.board.records() if one.estimator != BASELINE} == {
        ("measured", 5)
    }


@pytest.mark.parametrize(("late_s", "chosen"), [(0.0, "Ridge"), (1.6, "Ridge"), (2.9, "Ridge"), (3.1, BASELINE)])
def test_rather_than_the_baseline_what_beats_it_may_end_later_than_others(late_s: float, chosen: str) -> None:
    # as on a machine that does other work: what was expected to take a moment took all of the time
    auto = ScriptedAuto(300, lambda *_: 0.5, scores, budget_s=10, include=[BASELINE, "Ridge"])
    auto.choosing._try_defaults()
    ridge = next(one for one in auto.board.trials if one.estimator == "Ridge")
    auto.pool.now = 10 + late_s - auto.choosing._time.finish_s(ridge)

    auto.choosing._leave_unaffordable()

    best = auto.board.best
    assert best is not None
    assert best.estimator == chosen
    # it is said of the one that was left, and of no other
    assert (ridge.stopped is None) == (chosen == "Ridge")


@settings(deadline=None, max_examples=25)
@given(
    budget_s=st.floats(1.0, 100.0),
    row_count=st.sampled_from([300, 3_000, 30_000]),
    speeds=st.lists(st.floats(-3.0, 2.5), min_size=6, max_size=6),
    growth=st.floats(0.8, 1.0),
)
def test_a_choice_and_its_last_fit_end_in_time_whatever_fits_take(
    budget_s: float, row_count: int, speeds: list[float], growth: float
) -> None:
    names = ["Ridge", BOOSTING, "RandomForestRegressor", "ExtraTreesRegressor", "KNeighborsRegressor", NETWORK]
    rates = {name: 10.0**speed for name, speed in zip(names, speeds, strict=True)}

    def seconds(trial: Trial, stage: Stage) -> float:
        # as fits usually grow, or by less
        return by_rows(rates, growth * usual_power(trial.estimator))(trial, stage)  # type: ignore[no-any-return]

    auto = ScriptedAuto(row_count, seconds, scores, budget_s=budget_s, max_models=12)
    choice = auto.run()

    assert auto.total_s(choice) <= 1.1 * budget_s + 2
    assert not math.isnan(choice.elapsed_s)


@pytest.mark.parametrize("is_sample", [True, False])
def test_no_single_fit_takes_more_than_its_share_of_the_time(is_sample: bool) -> None:
    def seconds(trial: Trial, stage: Stage) -> float:
        return 1_000.0 if trial.estimator == NETWORK and stage.is_sample == is_sample else 0.001

    auto = ScriptedAuto(30_000, seconds, scores, budget_s=100, max_models=8)
    auto.run()

    limits_s = [limit_s for name, limit_s in auto.pool.limits if name == NETWORK]
    assert limits_s
    assert max(limits_s) <= (SAMPLE_FRACTION if is_sample else FIT_FRACTION) * 100
