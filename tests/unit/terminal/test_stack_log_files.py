"""Log files of the local stack: followed, merged, rotated."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelbus.shared.observing.log_text import parse_line
from modelbus.stack.log_file_reading import LogFilter, LogReader
from modelbus.stack.log_relay import LogRelay
from modelbus.stack.log_tail import FileTail, last_lines, rotate
from modelbus.stack.logged_end import LoggedEnd
from modelbus.stack.waiting import wait_until
from modelbus.stack_folder.stack_layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "stack")
    layout.prepare()
    return layout


def log(layout: Layout, service: str, second: int, event: str, **facts: object) -> None:
    line = {"event": event, "level": "info", "timestamp": f"2031-05-04T12:00:{second:02}Z", "service": service, **facts}
    write(layout.log_file(service), json.dumps(line) + "\n")


def write(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def read(layout: Layout, *names: str, wanted: LogFilter | None = None, count: int = 100) -> list[str]:
    reader = LogReader(layout, names, wanted or LogFilter())
    lines = [line.event or line.text for line in reader.read_last(count)]
    reader.close()
    return lines


def test_a_tail_gives_whole_lines_only_and_the_rest_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    write(path, "before\n")
    tail = FileTail(path)
    write(path, "one\ntw")
    assert list(tail.read_lines()) == ["one"]
    write(path, "o\nthree")
    assert list(tail.read_lines()) == ["two"]
    assert list(tail.read_rest()) == ["three"]
    tail.close()


def test_a_tail_waits_for_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    tail = FileTail(tmp_path / "a.log")
    assert list(tail.read_lines()) == []
    write(tmp_path / "a.log", "one\n")
    assert list(tail.read_lines()) == ["one"]
    tail.close()


def test_a_tail_goes_on_in_the_file_that_replaces_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    tail = FileTail(path, offset=0)
    write(path, "one\n")
    assert list(tail.read_lines()) == ["one"]
    write(path, "two\n")
    rotate(path, above_bytes=1)
    write(path, "three\n")
    assert list(tail.read_lines()) == ["two", "three"]
    tail.close()


def test_bytes_that_are_no_text_do_not_stop_a_tail(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"\xff\xfe\n")
    tail = FileTail(path, offset=0)
    assert list(tail.read_lines()) == ["\ufffd\ufffd"]
    tail.close()


def test_only_a_long_log_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    write(path, "12345")
    rotate(path, above_bytes=5)
    assert path.exists()
    rotate(path, above_bytes=4)
    assert not path.exists()
    assert (tmp_path / "a.log.1").read_text() == "12345"


def test_the_last_lines_of_a_file_are_read_and_none_of_a_missing_one(tmp_path: Path) -> None:
    write(tmp_path / "a.log", "one\ntwo\nthree\n")
    assert last_lines(tmp_path / "a.log", 2) == ["two", "three"]
    assert last_lines(tmp_path / "b.log", 2) == []


def test_logs_of_several_services_are_merged_in_time_order(layout: Layout) -> None:
    log(layout, "trainer", 1, "first")
    log(layout, "trainer", 4, "fourth")
    log(layout, "gateway", 2, "second")
    log(layout, "gateway", 3, "third")
    assert read(layout, "gateway", "trainer") == ["first", "second", "third", "fourth"]
    assert read(layout, "gateway", "trainer", count=2) == ["third", "fourth"]


def test_a_line_without_a_time_stays_behind_the_one_before_it(layout: Layout) -> None:
    log(layout, "trainer", 1, "first")
    write(layout.log_file("trainer"), "Traceback\n")
    log(layout, "gateway", 2, "second")
    assert read(layout, "gateway", "trainer") == ["first", "Traceback", "second"]


def test_lines_are_filtered_by_job_and_level(layout: Layout) -> None:
    log(layout, "trainer", 1, "mine", correlation_id="a", level="error")
    log(layout, "trainer", 2, "mine too", correlation_id="a")
    log(layout, "trainer", 3, "another's", correlation_id="b", level="error")
    write(layout.log_file("trainer"), "plain\n")
    assert read(layout, "trainer", wanted=LogFilter(correlation_id="a")) == ["mine", "mine too"]
    assert read(layout, "trainer", wanted=LogFilter(level="error")) == ["mine", "another's", "plain"]


def test_a_relay_shows_what_is_written_while_it_runs_to_the_last_byte(layout: Layout) -> None:
    log(layout, "trainer", 1, "before")
    shown = io.StringIO()
    relay = LogRelay(shown)
    relay.follow("trainer", layout.log_file("trainer"))
    relay.start()
    log(layout, "trainer", 2, "meanwhile")
    assert wait_until(lambda: "meanwhile" in shown.getvalue(), 10)
    write(layout.log_file("trainer"), "without an end")
    relay.stop()
    assert "before" not in shown.getvalue()
    assert shown.getvalue().endswith("without an end\n")


def test_a_relay_survives_a_terminal_that_has_gone(layout: Layout) -> None:
    shown = io.StringIO()
    relay = LogRelay(shown)
    relay.follow("trainer", layout.log_file("trainer"))
    shown.close()
    relay.start()
    log(layout, "trainer", 2, "meanwhile")
    relay.stop()


def test_lines_that_threads_wrote_out_of_order_are_read_in_the_order_of_their_times(layout: Layout) -> None:
    for service, second in (("trainer", 2), ("trainer", 1), ("gateway", 3), ("trainer", 5), ("trainer", 4)):
        log(layout, service, second, f"{service}.{second}")
    assert read(layout, "trainer", "gateway") == ["trainer.1", "trainer.2", "gateway.3", "trainer.4", "trainer.5"]


# --- following a job to its end ---

JOB = "0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10"
OTHER = "1b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10"


def ended(*told: tuple[int, str, dict[str, object]]) -> bool:
    """Whether a job has ended by lines of these seconds, in the order in which they are read."""
    end = LoggedEnd()
    for second, event, facts in told:
        moment = f"2031-05-04T12:00:{second:02}Z"
        end.see(parse_line("any", json.dumps({"event": event, "timestamp": moment, "correlation_id": JOB, **facts})))
    return end.has_ended


ACCEPTED = (1, "job.accepted", {"status": "queued"})
STARTED = (2, "job.started", {})
FINISHED = (3, "job.finished", {"status": "failed"})


@pytest.mark.parametrize(
    ("told", "has_ended"),
    [
        ([], False),
        ([ACCEPTED, STARTED], False),
        ([ACCEPTED, STARTED, FINISHED], True),
        ([FINISHED, ACCEPTED, STARTED], True),
        ([ACCEPTED, FINISHED, (4, "dead_letter.replayed", {})], False),
        ([ACCEPTED, FINISHED, (4, "job.started", {}), (5, "job.finished", {})], True),
        ([FINISHED, (4, "job.accepted", {"status": "succeeded"})], True),
        ([(1, "command.refused", {"code": "invalid_command"})], True),
        ([ACCEPTED, (2, "command.refused", {"code": "correlation_id_reused"})], False),
        ([FINISHED, (4, "command.refused", {"code": "correlation_id_reused"})], True),
    ],
    ids=str,
)
def test_what_is_logged_of_a_job_tells_whether_it_has_ended(
    told: list[tuple[int, str, dict[str, object]]], has_ended: bool
) -> None:
    assert ended(*told) is has_ended


@pytest.fixture
def follow(layout: Layout, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Runs ``modelbus logs --follow`` of the job on the files."""
    started: list[subprocess.Popen[str]] = []

    def follow(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "modelbus", "logs", "--correlation-id", JOB, "--follow", "--json"]
        command += ["--directory", str(layout.root), *arguments]
        environment = {**os.environ, "MODELBUS_URL": ""}
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment))
        return started[-1]

    yield follow
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("arguments", [("gateway",), ("--level", "warning")], ids=str)
def test_following_a_job_ends_when_it_has_ended_whatever_is_shown(
    layout: Layout, follow: Callable[..., subprocess.Popen[str]], arguments: tuple[str, ...]
) -> None:
    log(layout, "gateway", 1, "job.accepted", status="queued", correlation_id=JOB)
    log(layout, "trainer", 2, "job.finished", status="succeeded", correlation_id=OTHER)
    log(layout, "trainer", 3, "job.started", correlation_id=JOB)
    log(layout, "trainer", 4, "job.finished", status="succeeded", correlation_id=JOB)
    following = follow(*arguments)
    printed, _ = following.communicate(timeout=60)
    events = [json.loads(line)["event"] for line in printed.splitlines()]
    assert (following.returncode, events) == (0, ["job.accepted"] if arguments == ("gateway",) else [])


def test_a_job_that_runs_is_followed_until_it_ends(
    layout: Layout, follow: Callable[..., subprocess.Popen[str]]
) -> None:
    log(layout, "trainer", 3, "job.started", correlation_id=JOB)
    following = follow()
    assert following.stdout is not None
    assert json.loads(following.stdout.readline())["event"] == "job.started"
    log(layout, "trainer", 4, "job.said", correlation_id=JOB)
    assert json.loads(following.stdout.readline())["event"] == "job.said"
    assert following.poll() is None
    log(layout, "trainer", 5, "job.finished", status="failed", correlation_id=JOB)
    printed, _ = following.communicate(timeout=60)
    assert (following.returncode, json.loads(printed)["event"]) == (0, "job.finished")
