"""Candidates that were not all measured on the same folds are compared on those that they share."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial
from modelbus.trainer.tuning.objectives import objective_of
from modelbus.trainer.tuning.shared_ranking import shared_merits

WHOLE = float("inf")
merits = st.integers(-100, 100).map(lambda one: one / 100)
prefixes = st.lists(st.lists(merits, min_size=1, max_size=5), min_size=1, max_size=8)


def cells(scores: list[float]) -> dict[tuple[float, int], float]:
    return {(WHOLE, fold): score for fold, score in enumerate(scores)}


def order(candidates: list[Any]) -> list[int]:
    found = shared_merits(candidates)
    return sorted(range(len(found)), key=lambda place: (-found[place], place))


def board_of(*scores: list[float], fold_count: int = 3, scoring: str = "r2") -> Leaderboard:
    board = Leaderboard(objective_of(scoring, "regression"), ranks_unfinished=True)
    for each in scores:
        board.add("Ridge", {}, fold_count).scores = list(each)
    return board


def numbers(trials: list[Trial]) -> list[int]:
    return [one.number for one in trials]


def test_a_candidate_measured_on_its_first_part_wins_over_a_baseline_that_is_measured_on_all() -> None:
    board = board_of([0.0, -0.01, 0.0], [0.9])
    assert board.best is board.trials[1]
    assert [(one.number, one.rank, one.state) for one in board.records()] == [
        (2, 1, "unfinished"),
        (1, 2, "measured"),
    ]


def test_an_easy_first_part_is_nobodys_merit() -> None:
    # the third was worse on the fold that it shares with the second, although its mean is far better
    assert numbers(board_of([0.1, 0.1, 0.1], [0.95, 0.5, 0.5], [0.9]).ranking()) == [2, 3, 1]


def test_a_hard_first_part_is_nobodys_fault() -> None:
    assert numbers(board_of([0.0, 0.0, 0.0], [0.2, 0.9, 0.9], [0.3]).ranking()) == [3, 2, 1]


def test_of_errors_less_is_better_on_shared_parts_too() -> None:
    assert numbers(board_of([9.0, 9.0, 9.0], [5.0, 1.0, 1.0], [4.0], scoring="mean_absolute_error").ranking()) == [
        3,
        2,
        1,
    ]


def test_whoever_was_measured_on_less_has_to_be_ahead_by_more_than_chance() -> None:
    board = board_of([0.0, 0.0, 0.0], [0.6, 0.7, 0.7], [0.61])
    assert numbers(board.ranking()) == [3, 2, 1]
    board.trials[2].handicap = 0.02
    assert numbers(board.ranking()) == [2, 3, 1]


def test_a_candidate_known_on_a_sample_is_compared_on_the_sample() -> None:
    board = board_of([0.0, 0.0, 0.0], [0.9, 0.9])
    board.trials[0].sampled = {500: 0.0}
    board.trials[1].sampled = {500: 0.5}
    slow = board.add("RandomForestRegressor", {}, 3)
    slow.sampled = {500: 0.6}

    assert board.best is slow
    record = slow.record(1)
    assert (record.scores, record.row_count, record.state) == ([0.6], 500, "unfinished")


def test_what_failed_was_discarded_or_stopped_has_no_rank() -> None:
    board = board_of([0.0], [0.9], [0.8], [0.7], fold_count=1)
    board.trials[1].fail("refused")
    board.trials[2].is_discarded = True
    board.trials[3].stopped = "too slow"
    assert numbers(board.ranking()) == [1]
    assert [one.state for one in board.records()] == ["measured", "failed", "discarded", "stopped"]
    assert board.records()[3].error == "too slow"


@given(st.lists(st.lists(merits, min_size=3, max_size=3), min_size=1, max_size=8))
def test_measured_on_the_same_they_are_in_the_order_of_their_means(scores: list[list[float]]) -> None:
    np.testing.assert_allclose(
        shared_merits([cells(one) for one in scores]), [np.mean(one) for one in scores], rtol=1e-7, atol=1e-15
    )


@given(prefixes)
def test_the_best_of_those_measured_on_less_is_better_than_the_best_measured_on_more_on_shared_parts_alone(
    scores: list[list[float]],
) -> None:
    found = shared_merits([cells(one) for one in scores])
    most = max(map(len, scores))
    full = [place for place, one in enumerate(scores) if len(one) == most]
    best = max(full, key=lambda place: (found[place], -place))
    fewer = sorted({len(one) for one in scores} - {most}, reverse=True)[:1]
    for place, one in enumerate(scores):
        if fewer and len(one) == fewer[0]:
            gain = np.mean(one) - np.mean(scores[best][: len(one)])
            assert (found[place] > found[best] + 1e-12) == (gain > 1e-12)


@given(prefixes, st.lists(merits, min_size=5, max_size=5))
def test_how_hard_a_part_is_changes_no_order(scores: list[list[float]], effects: list[float]) -> None:
    moved = [cells([score + effects[fold] for fold, score in enumerate(one)]) for one in scores]
    plain = shared_merits([cells(one) for one in scores])
    shifted = shared_merits(moved)
    np.testing.assert_allclose(np.subtract(plain, plain[0]), np.subtract(shifted, shifted[0]), atol=1e-9)
