"""Which candidates `auto` gives up, and which it does not."""

from collections.abc import Callable

from modelbus.trainer.auto.discarding import Discarding
from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial
from modelbus.trainer.tuning.objectives import objective_of


def discarding(
    *scores: list[float],
    has_baseline: bool = True,
    error: float | None = 0.01,
    is_cheap: Callable[[Trial], bool] = lambda _: False,
) -> tuple[Discarding, list[Trial]]:
    board = Leaderboard(objective_of("r2", "regression"), ranks_unfinished=True)
    trials = [board.add(f"Ridge{number}", {}, 5) for number in range(len(scores))]
    for trial, each in zip(trials, scores, strict=True):
        trial.scores = list(each)
    baseline = trials[0] if has_baseline else None
    return Discarding(board, lambda: baseline, lambda *_: error, is_cheap), trials


def discarded(found: tuple[Discarding, list[Trial]]) -> list[bool]:
    found[0].discard_worse(found[1])
    return [one.is_discarded for one in found[1]]


def test_what_is_clearly_worse_than_the_best_is_given_up_and_the_baseline_is_not() -> None:
    assert discarded(discarding([0.0], [0.9], [0.88], [0.5])) == [False, False, False, True]


def test_a_difference_that_may_be_chance_is_not_clear() -> None:
    assert discarded(discarding([0.0], [0.9], [0.8], error=0.06)) == [False, False, False]
    assert discarded(discarding([0.0], [0.9], [0.8], error=0.04)) == [False, False, True]


def test_where_nothing_says_what_chance_does_only_much_is_clear() -> None:
    assert discarded(discarding([0.0], [0.9], [0.8], [0.6], error=None)) == [False, False, False, True]
    assert discarded(discarding([0.9], [0.5], has_baseline=False, error=None)) == [False, False]


def test_one_whose_other_parts_take_next_to_nothing_stays() -> None:
    _, trials = found = discarding([0.0], [0.9], [0.5], [0.5], is_cheap=lambda trial: trial.number == 3)
    assert discarded(found) == [False, False, trials[2].number != 3, trials[3].number != 3]
    assert sum(one.is_discarded for one in trials) == 1


def test_who_was_measured_on_all_parts_stays() -> None:
    assert discarded(discarding([0.0] * 5, [0.9] * 5, [0.5] * 5, [0.5] * 4)) == [False, False, False, True]


def test_candidates_are_compared_on_the_parts_that_both_were_measured_on() -> None:
    assert discarded(discarding([0.0, 0.0], [0.5, 0.9], [0.5])) == [False, False, False]


def test_on_a_sample_only_who_is_hardly_better_than_the_baseline_is_given_up() -> None:
    found, trials = discarding([], [], [], [])
    for trial, score in zip(trials, [0.0, 0.8, 0.3, 0.1], strict=True):
        trial.sampled = {500: score}
    found.discard_hopeless(trials)
    assert [one.is_discarded for one in trials] == [False, False, False, True]
