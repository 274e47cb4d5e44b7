"""The log: one JSON object a line that nothing can forge, with the correlation id in every line of a job."""

import io
import json
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from modelbus.shared.observing.logs import FIELD_LIMIT, configure_logs, job_log_context, log_again

JOB = "3f0e8a52-6a43-4d7d-8f2f-0e6d0a7f1c11"


class Lines:
    """What was written."""

    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    @property
    def raw(self) -> list[bytes]:
        return self._stream.getvalue().splitlines(keepends=True)

    @property
    def parsed(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.raw]


@pytest.fixture
def configured() -> Iterator[Callable[[str], Lines]]:
    """Configures logs to be read back; afterwards, all is as it was."""
    root, config, show = logging.getLogger(), structlog.get_config(), warnings.showwarning
    handlers, level = root.handlers[:], root.level
    root.handlers = []  # else they would be closed

    def configured(level: str = "info") -> Lines:
        stream = io.BytesIO()
        configure_logs("trainer", level, stream)
        return Lines(stream)

    yield configured
    logging.captureWarnings(False)
    root.handlers, warnings.showwarning = handlers, show
    root.setLevel(level)
    structlog.configure(**config)


@pytest.fixture
def lines(configured: Callable[[str], Lines]) -> Lines:
    return configured("info")


def test_a_line_says_who_when_and_what(lines: Lines) -> None:
    structlog.get_logger().info("job.finished", status="succeeded", attempt=1)
    [line] = lines.parsed
    assert line.pop("timestamp").endswith("Z")
    assert line.pop("pid") > 0
    assert line == {"event": "job.finished", "level": "info", "service": "trainer", "status": "succeeded", "attempt": 1}


@pytest.mark.parametrize("text", ["a\nb", '\r\n{"event": "forged"}', "\x1b[31mred\x07", "\x00", "\u2028", "\x85"])
def test_no_value_can_forge_a_line(lines: Lines, text: str) -> None:
    structlog.get_logger().info("job.output", text=text, **{text: 1})
    [raw] = lines.raw
    assert raw.endswith(b"}\n")
    assert not any(byte < 0x20 for byte in raw[:-1]), "control characters are escaped"
    assert lines.parsed[0]["text"] == text
    assert lines.parsed[0]["event"] == "job.output"


def test_a_long_field_is_cut_and_says_so(lines: Lines) -> None:
    structlog.get_logger().info("job.output", text="x" * (FIELD_LIMIT + 5))
    [line] = lines.parsed
    assert line["text"] == "x" * FIELD_LIMIT + f"… ({FIELD_LIMIT + 5:,} characters)"


def test_values_that_json_does_not_know_are_written_as_text(lines: Lines) -> None:
    structlog.get_logger().info("odd", value={1: object}, number=float("nan"), data=b"\xff")
    [line] = lines.parsed
    assert line["value"] == {"1": "<class 'object'>"}
    assert line["number"] is None


def test_lines_below_the_level_are_not_written(configured: Callable[[str], Lines]) -> None:
    lines = configured("warning")
    log = structlog.get_logger()
    log.debug("quiet")
    log.info("quiet")
    log.warning("loud")
    assert [line["event"] for line in lines.parsed] == ["loud"]


def test_every_line_inside_a_job_has_its_correlation_id(lines: Lines) -> None:
    log = structlog.get_logger()
    with job_log_context(JOB, command="TrainModel"):
        log.info("inside")
        logging.getLogger("pymongo").warning("from a library")
    log.info("outside")
    inside, library, outside = lines.parsed
    assert (inside["correlation_id"], inside["command"]) == (JOB, "TrainModel")
    assert (library["correlation_id"], library["logger"], library["text"]) == (JOB, "pymongo", "from a library")
    assert "correlation_id" not in outside


def test_jobs_of_two_threads_are_told_apart(lines: Lines) -> None:
    def work(name: str) -> None:
        with job_log_context(name):
            structlog.get_logger().info("working", name=name)

    threads = [threading.Thread(target=work, args=(f"job-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(line["name"] == line["correlation_id"] for line in lines.parsed)
    assert len(lines.parsed) == 8


def test_a_traceback_is_one_line(lines: Lines) -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        structlog.get_logger().exception("job.raised")
    [line] = lines.parsed
    assert line["level"] == "error"
    assert "ValueError: first\nsecond" in line["exception"]


def test_a_library_s_traceback_is_one_line_too(lines: Lines) -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logging.getLogger("kombu").exception("went wrong: %s", "badly")
    [line] = lines.parsed
    assert (line["event"], line["text"]) == ("library.logged", "went wrong: badly")
    assert "ValueError: first\nsecond" in line["exception"]


def test_a_library_s_chatter_is_not_written(lines: Lines) -> None:
    logging.getLogger("kombu").info("connected")
    assert lines.raw == []


def test_a_warning_becomes_a_line(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("this will change", UserWarning, stacklevel=1)
    [line] = lines.parsed
    assert (line["event"], line["level"]) == ("library.logged", "warning")
    assert "UserWarning: this will change" in line["text"]


def test_nothing_is_written_that_is_no_json(lines: Lines) -> None:
    log = structlog.get_logger()
    log.info("a", value=2**64 - 1)
    log.info("b", value=2**70)
    log.info("c", value=1e400)
    log.info("d", value="\ud800")
    assert [line["event"] for line in lines.parsed] == ["a", "b", "c", "d"]


def test_a_long_list_is_cut_but_not_the_jobs_that_a_line_is_about(lines: Lines) -> None:
    structlog.get_logger().info("job.finished", correlation_ids=[JOB] * 256, rows=list(range(5000)))
    [line] = lines.parsed
    assert line["correlation_ids"] == [JOB] * 256
    assert len(line["rows"]) < FIELD_LIMIT + 50


def test_a_line_of_another_process_is_logged_with_its_own_time_and_the_context_here(lines: Lines) -> None:
    child = {
        "timestamp": "2031-05-04T12:00:00.000001Z",
        "pid": 7,
        "level": "warning",
        "event": "fit.warned",
        "text": "x",
    }
    with job_log_context(JOB):
        assert log_again(json.dumps(child).encode())
    [line] = lines.parsed
    assert line == {**child, "service": "trainer", "correlation_id": JOB}


@pytest.mark.parametrize(
    "text", [b"printed", b"{}", b"[1]", b'{"event": "x", "level": 7}', b'{"event": "x", "level": "x"}']
)
def test_what_is_no_line_is_not_taken_for_one(lines: Lines, text: bytes) -> None:
    assert not log_again(text)
    assert lines.raw == []


def test_lines_for_people_are_text_and_shipped_as_json(configured: Callable[[str], Lines]) -> None:
    stream, shipped = io.BytesIO(), []
    configured("info")
    configure_logs(
        "trainer", stream=stream, log_format="console", ship=lambda text, fields: shipped.append((text, fields))
    )
    structlog.get_logger().info("job.finished", status="succeeded\x1b[31m")
    shown = stream.getvalue().decode()
    assert shown.endswith("\n")
    assert "trainer    info    job.finished status=" in shown
    assert "\x1b" not in shown
    [(text, fields)] = shipped
    assert json.loads(text)["event"] == fields["event"] == "job.finished"
