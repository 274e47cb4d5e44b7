"""Log files of the local stack: followed, merged, rotated."""

import io
import json
from pathlib import Path

import pytest

from modelbus.stack.log_file_reading import LogFilter, LogReader
from modelbus.stack.log_relay import LogRelay
from modelbus.stack.log_tail import FileTail, last_lines, rotate
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
