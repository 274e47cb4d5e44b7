"""Fits in processes of their own: they answer, are killed when they overrun, and leave nothing behind."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.neighbors import KNeighborsRegressor

from modelbus.trainer.auto.fit_pool import Finished, FitTask, ForkPool, InlinePool, fit_pool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")

FOREVER = 3600.0


def run(*tasks: FitTask, workers: int = 2, is_over: Callable[[], bool] = lambda: False) -> dict[Any, Finished]:
    return {one.subject: one for one in ForkPool(workers).run(tasks, is_over)}


def test_what_is_answered_comes_back_arrays_of_any_size_too() -> None:
    found = run(FitTask("small", os.getpid), FitTask("large", lambda: np.arange(2_000_000.0)))

    assert found["small"].answer != os.getpid(), "it was done by another process"
    np.testing.assert_array_equal(found["large"].answer, np.arange(2_000_000.0))
    assert {one.ending for one in found.values()} == {"done"}


def test_what_overruns_its_limit_is_killed_and_what_runs_beside_it_is_not_held_up() -> None:
    pids: list[int] = []
    pool = ForkPool(2)

    def tasks() -> Iterator[FitTask]:
        yield FitTask("slow", lambda: time.sleep(FOREVER), limit_s=0.3)
        pids.extend(child.pid for child in pool._running)
        yield from (FitTask(number, lambda number=number: number) for number in range(3))

    found = {one.subject: one for one in pool.run(tasks(), lambda: False)}

    assert found["slow"].ending == "overran"
    assert found["slow"].elapsed_s < FOREVER / 10
    assert [found[number].answer for number in range(3)] == [0, 1, 2]
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_when_it_is_over_all_that_runs_is_killed_and_nothing_more_begins() -> None:
    begun: list[int] = []

    def tasks() -> Iterator[FitTask]:
        for number in range(5):
            begun.append(number)
            yield FitTask(number, lambda: time.sleep(FOREVER))

    found = list(ForkPool(2).run(tasks(), lambda: True))

    assert [one.ending for one in found] == ["stopped", "stopped"]
    assert begun == [0, 1]


def test_a_process_that_dies_is_told_apart_from_one_that_answers() -> None:
    found = run(FitTask("dead", lambda: os._exit(3)), FitTask("alive", lambda: None))
    assert (found["dead"].ending, found["alive"].ending) == ("crashed", "done")


@pytest.mark.parametrize("pool", [ForkPool(1), InlinePool()])
def test_what_is_raised_is_told_in_words(pool: ForkPool | InlinePool) -> None:
    [found] = pool.run([FitTask("faulty", lambda: {}["key"])], lambda: False)
    assert (found.ending, found.answer) == ("raised", "KeyError: 'key'")


def test_whoever_stops_listening_leaves_no_process_behind() -> None:
    pool = ForkPool(2)
    running = pool.run([FitTask(1, lambda: 1), FitTask(2, lambda: time.sleep(FOREVER))], lambda: False)
    assert next(running).subject == 1
    pids = [child.pid for child in pool._running]
    running.close()  # type: ignore[attr-defined]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_task_is_asked_for_only_when_there_is_room_for_it() -> None:
    asked: list[int] = []

    def tasks() -> Iterator[FitTask]:
        for number in range(4):
            asked.append(number)
            yield FitTask(number, lambda number=number: number)

    for number, one in enumerate(ForkPool(1).run(tasks(), lambda: False)):
        assert (one.answer, len(asked)) == (number, number + 1)
    assert asked == [0, 1, 2, 3]


def test_fits_that_use_openmp_end_in_a_process_whose_parent_used_it_and_give_the_same_bits() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(30_000, 8))
    target = rows[:, 0] * rows[:, 1]
    boosting = HistGradientBoostingRegressor(max_iter=5, early_stopping=False).fit(rows, target).predict(rows[:100])
    neighbours = KNeighborsRegressor().fit(rows, target).predict(rows[:100])

    found = run(
        FitTask(
            1,
            lambda: (
                HistGradientBoostingRegressor(max_iter=5, early_stopping=False).fit(rows, target).predict(rows[:100])
            ),
        ),
        FitTask(2, lambda: KNeighborsRegressor().fit(rows, target).predict(rows[:100])),
    )

    np.testing.assert_array_equal(found[1].answer, boosting)
    np.testing.assert_array_equal(found[2].answer, neighbours)


def test_where_nothing_can_be_forked_tasks_run_here_one_after_the_other() -> None:
    assert isinstance(fit_pool(is_spread=True), InlinePool)
    asked: list[int] = []
    found = list(InlinePool().run([FitTask(1, os.getpid), FitTask(2, os.getpid)], lambda: len(asked) > 0))
    assert [one.answer for one in found] == [os.getpid()] * 2
    assert not list(InlinePool().run([FitTask(1, os.getpid)], lambda: True))
