"""Log lines of the local stack: read, shown, filtered."""

import json
from datetime import UTC, datetime

import pytest

from modelbus.shared.observing.log_text import LogLine, parse_line, render_line

MOMENT = datetime(2031, 5, 4, 12, 1, 2, tzinfo=UTC)


def line_of(**fields: object) -> str:
    head = {"event": "job.finished", "level": "info", "timestamp": MOMENT.isoformat(), "service": "trainer", "pid": 7}
    return json.dumps({**head, **fields})


def shown(text: str, service: str = "trainer", *, use_color: bool = False) -> str:
    return render_line(parse_line(service, text), use_color=use_color, today=MOMENT)


def test_a_structured_line_shows_time_service_level_action_and_facts_with_the_correlation_id_first() -> None:
    clock = MOMENT.astimezone().strftime("%H:%M:%S")
    text = line_of(seconds=1.25, correlation_id="abc", rows=[1, 2], nothing=None)
    assert shown(text) == f"{clock} trainer    info    job.finished correlation_id=abc seconds=1.25 rows=[1, 2]"


def test_a_line_of_another_day_shows_its_date() -> None:
    line = parse_line("trainer", line_of())
    assert render_line(line, use_color=False, today=datetime(2031, 5, 9, tzinfo=UTC)).startswith("2031-05-0")


def test_a_plain_line_is_shown_as_it_is() -> None:
    assert shown("Traceback (most recent call last):") == "         trainer    Traceback (most recent call last):"


@pytest.mark.parametrize("text", ["{broken", "{}", '{"event": ', "[1]", ""])
def test_what_only_looks_structured_is_plain(text: str) -> None:
    assert parse_line("trainer", text) == LogLine("trainer", text)


def test_text_with_spaces_is_quoted() -> None:
    assert shown(line_of(reason="no such column")).endswith('reason="no such column"')


def test_a_traceback_is_shown_below_its_line() -> None:
    assert shown(line_of(exception="Traceback:\n  ValueError")).splitlines()[1:] == [
        "    Traceback:",
        "      ValueError",
    ]


@pytest.mark.parametrize("text", [line_of(name="\x1b[2J\x9b31m\x07"), "plain \x1b[2J\x9b31m\x07"])
def test_no_value_can_control_the_terminal(text: str) -> None:
    result = shown(text)
    assert result.replace("\n", "").isprintable()
    assert "[2J" in result


def test_colours_are_added_only_when_asked_for() -> None:
    text = line_of(level="error")
    assert "\x1b[" in shown(text, use_color=True)
    assert "\x1b[" not in shown(text)


def test_a_line_of_mongod_is_read_too() -> None:
    text = '{"t":{"$date":"2031-05-04T12:01:02.000+00:00"},"s":"W","c":"CONTROL","msg":"Access control","attr":{"a":1}}'
    line = parse_line("mongod", text)
    assert (line.moment, line.level, line.event, line.facts) == (MOMENT, "warning", "Access control", {"a": 1})


def test_a_line_belongs_to_the_jobs_that_it_names() -> None:
    assert parse_line("trainer", line_of(correlation_id="a")).belongs_to("a")
    assert parse_line("predictor", line_of(correlation_ids=["a", "b"])).belongs_to("b")
    assert not parse_line("trainer", line_of()).belongs_to("a")


@pytest.mark.parametrize(("level", "is_shown"), [("debug", False), ("info", False), ("warning", True), ("error", True)])
def test_a_level_takes_itself_and_what_is_graver(level: str, is_shown: bool) -> None:
    assert parse_line("trainer", line_of(level=level)).is_at_least("warning") is is_shown


def test_a_line_without_a_level_passes_every_level() -> None:
    assert parse_line("trainer", "Segmentation fault").is_at_least("error")
