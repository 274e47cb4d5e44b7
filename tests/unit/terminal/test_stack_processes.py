"""Managed processes of the local stack: back-off, restarts, ends, what a killed stack leaves behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelbus.stack.journal import Journal
from modelbus.stack.leftovers import end_leftovers, start_ticks
from modelbus.stack.processes import Backoff, ManagedProcess, ProcessPlan, describe_exit
from modelbus.stack.waiting import wait_until
from modelbus.stack_folder.state import MemberState, StackState, read_state, write_state
from tests.waiting import is_alive

Start = Callable[[str], ManagedProcess]
SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(600)"
)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    processes: list[ManagedProcess] = []

    def start_process(code: str) -> ManagedProcess:
        log_file = tmp_path / "process.log"
        log_file.touch()
        plan = ProcessPlan("process", [sys.executable, "-S", "-c", code], dict(os.environ), log_file)
        process = ManagedProcess(plan, Journal(tmp_path / "stack.log"))
        processes.append(process)
        process.start()
        return process

    yield start_process
    for process in processes:
        process.request_stop()
        process.finish_stop()


def test_the_back_off_doubles_up_to_its_longest() -> None:
    backoff = Backoff(first_s=0.5, longest_s=10)
    assert [backoff.next_delay_s(alive_s=1) for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]


def test_the_back_off_begins_again_after_a_long_life() -> None:
    backoff = Backoff(first_s=0.5, longest_s=10, reset_after_s=30)
    assert [backoff.next_delay_s(alive_s=alive_s) for alive_s in (1, 1, 30, 1)] == [0.5, 1, 0.5, 1]


def test_a_process_that_ends_before_it_is_kept_stays_down(start: Start) -> None:
    process = start("raise SystemExit(3)")
    assert process.wait_for_exit(0, timeout_s=10)
    assert (process.pid, process.last_exit, process.restarts) == (None, "exit code 3", 0)


def test_a_kept_process_is_started_again_even_if_it_ended_before_it_was_kept(start: Start) -> None:
    process = start("pass")
    assert process.wait_for_exit(0, timeout_s=10)
    process.keep()
    assert wait_until(lambda: process.restarts >= 1, 10)


def test_a_process_that_ignores_sigterm_is_killed(start: Start, tmp_path: Path) -> None:
    process = start(STUBBORN)
    assert wait_until(lambda: "on" in (tmp_path / "process.log").read_text(), 10)
    pid = process.pid
    assert pid is not None
    process.request_stop()
    process.finish_stop()
    assert not is_alive(pid)
    assert process.last_exit == "signal SIGKILL"


def test_a_stop_cuts_the_back_off_short(start: Start) -> None:
    process = start("pass")
    process.keep()
    assert wait_until(lambda: process.restarts >= 2, 10)
    process.request_stop()
    assert wait_until(lambda: process.has_ended, 10)


def test_a_signal_to_a_process_that_is_down_is_no_error(start: Start) -> None:
    process = start("pass")
    assert process.wait_for_exit(0, timeout_s=10)
    assert not process.kill()


def test_a_program_that_cannot_be_executed_says_so_in_its_log(tmp_path: Path) -> None:
    plan = ProcessPlan("process", ["/nowhere/program"], {}, tmp_path / "process.log")
    process = ManagedProcess(plan, Journal(tmp_path / "stack.log"))
    process.start()
    assert process.wait_for_exit(0, timeout_s=10)
    process.request_stop()
    process.finish_stop()
    assert plan.log_file.read_text() == "cannot execute /nowhere/program: No such file or directory\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can end a child with its parent")
def test_a_process_ends_with_the_one_that_manages_it(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from modelbus.stack.processes import *\n"
        "folder = Path(sys.argv[1])\n"
        f"plan = ProcessPlan('process', [sys.executable, '-S', '-c', {SLEEP!r}], {{}}, folder / 'process.log')\n"
        "process = ManagedProcess(plan, Journal(folder / 'stack.log')); process.start()\n"
        "while process.pid is None: time.sleep(0.01)\n"
        "print(process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as manager:
        assert manager.stdout is not None
        pid = int(manager.stdout.readline())
        manager.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not is_alive(pid), 10)


@pytest.mark.parametrize(("code", "words"), [(0, "exit code 0"), (-9, "signal SIGKILL"), (-63, "signal 63")])
def test_ends_are_described_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words


def state_of(*members: MemberState) -> StackState:
    return StackState(1, 2.0, "http://127.0.0.1:8000", "mongodb://secret@host", "redis://host", list(members))


def test_the_state_is_read_as_it_was_written_and_only_by_its_user(tmp_path: Path) -> None:
    state = state_of(MemberState("trainer", 7, 8, 9, 0))
    write_state(tmp_path / "state.json", state)
    assert read_state(tmp_path / "state.json") == state
    assert (tmp_path / "state.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"members": [{"pid": 1}]}', "{"])
def test_a_state_that_cannot_be_understood_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    assert read_state(tmp_path / "state.json") is None


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_leftovers_are_ended_but_never_a_later_process_of_the_same_id() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", SLEEP]) as mine,
        subprocess.Popen([sys.executable, "-c", SLEEP]) as other,
    ):
        ticks = start_ticks(other.pid)
        assert ticks is not None
        left = MemberState("trainer", mine.pid, start_ticks(mine.pid), None, 0)
        reused = MemberState("gateway", other.pid, ticks - 1, None, 0)
        gone = MemberState("redis", None, None, None, 0)
        assert end_leftovers(state_of(left, reused, gone), grace_s=10) == ["trainer"]
        assert mine.wait(timeout=10) == -signal.SIGTERM
        assert other.poll() is None
        other.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_leftover_that_ignores_sigterm_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        end_leftovers(state_of(MemberState("trainer", process.pid, start_ticks(process.pid), None, 0)), grace_s=0.1)
        assert process.wait(timeout=10) == -signal.SIGKILL
