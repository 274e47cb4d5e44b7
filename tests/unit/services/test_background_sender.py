"""The background sender: what is sent, refused, kept, given up and lost, and when the other side is left alone."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY

from modelbus.shared.errors import BusUnavailable
from modelbus.shared.observing.background_sender import BackgroundSender, SenderTerms
from tests.waiting import TIMEOUT_S, wait_until

NEVER_S = 10 * TIMEOUT_S
"""A silence that no test outlasts."""


class Scripted:
    """Another side that does what it is told: takes items, refuses some, falls silent, or hangs."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.lost: list[tuple[list[str], type[Exception] | None]] = []
        self.tries: list[list[str]] = []
        self.is_silent = False
        self.refused: set[str] = set()
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.hangs = threading.Event()
        self.is_closed = threading.Event()

    def cost(self, item: str) -> int:
        return len(item)

    def send(self, batch: Sequence[str]) -> None:
        self.tries.append(list(batch))
        self.hangs.set()
        assert self.goes_on.wait(TIMEOUT_S)
        if self.is_silent:
            raise BusUnavailable
        if self.refused & set(batch):
            raise ValueError(f"not {batch}")
        self.batches.append(list(batch))

    def lose(self, items: Sequence[str], error: Exception | None) -> None:
        self.lost.append((list(items), None if error is None else type(error)))

    def close(self) -> None:
        self.is_closed.set()

    @property
    def sent(self) -> list[str]:
        return [item for batch in self.batches for item in batch]


Make = Callable[..., BackgroundSender[str]]


@pytest.fixture
def other() -> Scripted:
    return Scripted()


@pytest.fixture
def make(other: Scripted) -> Iterator[Make]:
    """Makes senders to the other side; each item costs its length."""
    made: list[BackgroundSender[str]] = []

    def make(**changes: Any) -> BackgroundSender[str]:
        terms = {"capacity": 10, "batch_limit": 4, "does_refuse": False, "does_keep_failed": False, "silence_s": 0.01}
        made.append(BackgroundSender(other, SenderTerms(name="test", **(terms | changes))))
        return made[-1]

    yield make
    other.goes_on.set()
    for sender in made:
        sender.stop(TIMEOUT_S)


def held(other: Scripted, sender: BackgroundSender[str]) -> None:
    """Have the other side hang on a first item, ``a``."""
    other.goes_on.clear()
    sender.start()
    assert sender.put(["a"])
    assert other.hangs.wait(TIMEOUT_S)


def counted(metric: str) -> float:
    return REGISTRY.get_sample_value(f"modelbus_sender_{metric}", {"sender": "test"}) or 0.0


# --- batches ---


def test_what_gathers_while_one_sending_is_in_flight_leaves_together_and_in_order(make: Make, other: Scripted) -> None:
    sender = make()
    held(other, sender)
    for item in "bcd":
        sender.put([item])
    assert counted("waiting") == 3
    other.goes_on.set()
    wait_until(lambda: other.batches == [["a"], ["b", "c", "d"]], "all is sent", state=lambda: other.batches)
    assert counted("waiting") == 0


def test_a_batch_costs_no_more_than_its_limit_but_for_an_item_that_does_by_itself(make: Make, other: Scripted) -> None:
    sender = make()
    sender.put(["aa", "b", "ccccc", "dd"])
    sender.start()
    wait_until(lambda: len(other.sent) == 4, "all is sent")
    assert other.batches == [["aa", "b"], ["ccccc"], ["dd"]]


def test_items_gather_for_a_pause_where_the_terms_have_one(make: Make, other: Scripted) -> None:
    sender = make(pause_s=NEVER_S)
    sender.start()
    sender.put(["a"])
    sender.put(["b"])
    assert other.tries == []
    sender.stop(TIMEOUT_S)
    assert other.batches == [["a", "b"]], "the end does not wait for the pause"


# --- no room ---


def test_the_oldest_items_make_room_where_the_terms_say_so(make: Make, other: Scripted) -> None:
    sender, before = make(), counted("lost_total")
    held(other, sender)
    for item in ("bbbb", "cccc", "ddd", "ee"):
        assert sender.put([item])
    assert other.lost == [(["bbbb"], None)]
    other.goes_on.set()
    wait_until(lambda: other.sent == ["a", "cccc", "ddd", "ee"], "the rest is sent", state=lambda: other.sent)
    assert counted("lost_total") - before == 1


def test_what_has_no_room_is_refused_where_the_terms_say_so(make: Make, other: Scripted) -> None:
    sender = make(does_refuse=True)
    held(other, sender)
    assert [sender.put([item]) for item in ("bbbb", "cccc", "ddd", "ee")] == [True, True, False, True]
    other.goes_on.set()
    wait_until(lambda: other.sent == ["a", "bbbb", "cccc", "ee"], "the others are sent", state=lambda: other.sent)
    assert other.lost == [], "whoever was refused knows it already"


# --- silence ---


def test_a_batch_that_met_silence_is_kept_and_sent_as_it_was(make: Make, other: Scripted) -> None:
    sender = make(does_keep_failed=True)
    other.is_silent = True
    sender.put(["a", "b"])
    sender.start()
    wait_until(lambda: len(other.tries) > 2, "it is tried again and again")
    sender.put(["c"])
    assert set(map(tuple, other.tries)) == {("a", "b")}
    assert counted("silent") == 1
    other.is_silent = False
    wait_until(lambda: other.sent == ["a", "b", "c"], "all is sent", state=lambda: other.sent)
    wait_until(lambda: counted("silent") == 0, "the silence is over")
    assert other.lost == []


def test_a_batch_that_met_silence_is_given_up_and_one_item_is_tried_before_the_others(
    make: Make, other: Scripted
) -> None:
    sender = make()
    other.is_silent = True
    sender.put(["a", "b"])
    other.goes_on.clear()
    sender.start()
    assert other.hangs.wait(TIMEOUT_S)
    sender.put(["c", "d"])
    other.goes_on.set()
    wait_until(lambda: len(other.lost) > 1, "two tries were in vain")
    assert other.lost[:2] == [(["a", "b"], BusUnavailable), (["c"], BusUnavailable)]


def test_another_side_that_is_silent_is_left_alone_for_twice_as_long_each_time_up_to_a_limit() -> None:
    terms = SenderTerms("test", 10, 4, does_refuse=False, does_keep_failed=False, silence_s=0.5, silence_limit_s=5.0)
    assert [terms.silence_after(failures) for failures in (1, 2, 3, 4, 5, 2000)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_while_the_other_side_is_silent_what_waits_is_given_up_and_what_comes_is_refused(
    make: Make, other: Scripted
) -> None:
    sender = make(does_refuse=True, silence_s=NEVER_S, silence_limit_s=NEVER_S)
    other.is_silent = True
    held(other, sender)
    assert sender.put(["b"])
    other.goes_on.set()
    wait_until(lambda: len(other.lost) == 2, "both are given up")
    assert other.lost == [(["a"], BusUnavailable), (["b"], BusUnavailable)]
    assert not sender.put(["c"])
    assert other.tries == [["a"]]


def test_after_the_silence_one_is_let_through_and_the_others_when_it_has_passed(make: Make, other: Scripted) -> None:
    sender = make(does_refuse=True)
    other.is_silent = True
    sender.start()
    sender.put(["a"])
    wait_until(lambda: other.lost, "it is given up")
    other.goes_on.clear()
    other.is_silent = False
    wait_until(lambda: sender.put(["b"]), "one is let through")
    wait_until(lambda: len(other.tries) == 2, "it is tried")
    assert not sender.put(["c"])
    other.goes_on.set()
    wait_until(lambda: sender.put(["d"]), "the others may follow")
    wait_until(lambda: other.sent == ["b", "d"], "they are sent", state=lambda: other.sent)


def test_a_sending_that_takes_too_long_counts_as_silence_before_it_has_failed(make: Make, other: Scripted) -> None:
    sender = make(does_refuse=True, patience_s=0.0)
    held(other, sender)
    assert not sender.put(["b"])
    other.goes_on.set()
    wait_until(lambda: sender.put(["c"]), "it came through after all")


# --- faults ---


def test_a_batch_that_is_refused_is_lost_alone(make: Make, other: Scripted) -> None:
    sender = make(does_keep_failed=True)
    other.refused = {"bad"}
    sender.start()
    for item in ("aaa", "bad", "ccc"):
        sender.put([item])
    wait_until(lambda: other.sent == ["aaa", "ccc"], "the others are sent", state=lambda: other.sent)
    assert other.lost == [(["bad"], ValueError)]


# --- the end ---


def test_at_the_end_what_waits_is_sent_and_the_other_side_is_closed(make: Make, other: Scripted) -> None:
    sender = make()
    held(other, sender)
    sender.put(["b"])
    other.goes_on.set()
    sender.stop(TIMEOUT_S)
    assert other.sent == ["a", "b"]
    assert other.is_closed.is_set()
    assert not sender.put(["c"])


def test_at_the_end_a_silent_side_is_tried_once_more_and_what_is_left_is_lost(make: Make, other: Scripted) -> None:
    sender = make(does_keep_failed=True, silence_s=NEVER_S, silence_limit_s=NEVER_S)
    other.is_silent = True
    sender.start()
    sender.put(["a"])
    wait_until(lambda: sender._failures, "the other side is silent")
    sender.put(["b"])
    sender.stop(TIMEOUT_S)
    assert other.tries == [["a"], ["a"]]
    assert other.lost == [(["a"], None), (["b"], None)]
    assert other.is_closed.is_set()


def test_a_sending_that_hangs_does_not_hold_up_the_end(make: Make, other: Scripted) -> None:
    sender = make()
    held(other, sender)
    sender.put(["b"])
    sender.stop(0.01)
    assert other.lost == [(["b"], None)]
    assert not other.is_closed.is_set(), "its thread still hangs"
    other.goes_on.set()
    assert other.is_closed.wait(TIMEOUT_S), "it closes when the sending returns"


def test_a_sender_that_never_began_closes_too(make: Make, other: Scripted) -> None:
    sender = make()
    sender.put(["a"])
    sender.stop(TIMEOUT_S)
    assert other.is_closed.is_set()
    assert other.lost == [(["a"], None)]
