"""Server-sent events are read as the standard has them, wherever the network cuts them."""

from collections.abc import Callable

import pytest

from modelbus import errors
from modelbus.client.observations import EventsMissed, LogLine, OtherEvent, read_change, read_event, read_line
from modelbus.client.sent_events import EventParser, SentEvent
from modelbus.shared.contracts import DriftFound, JobChanged

STREAM = (
    b'retry: 2500\n\n: heartbeat\n\nid: 7-1\nevent: log\ndata: {"text": "a\xe2\x80\xa8b\xc2\x85c"}\n\n'
    b'event: missed\ndata: {"count":\ndata:  3}\n\ndata:[1]\n\nid: 8\n\nevent: log\ndata: {"cut'
)
EVENTS = [
    SentEvent("log", {"text": "a\u2028b\x85c"}),
    SentEvent("missed", {"count": 3}),
    SentEvent("message", [1]),
]
CORRELATION_ID = "0b5c1e0e-5c0a-4e0b-9d7d-2f6a4f1c9a11"


def as_it_is(stream: bytes) -> bytes:
    return stream


def with_crlf(stream: bytes) -> bytes:
    return stream.replace(b"\n", b"\r\n")


def with_cr(stream: bytes) -> bytes:
    return stream.replace(b"\n", b"\r") + b"\r"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("written", [as_it_is, with_crlf, with_cr])
def test_a_stream_is_read_whatever_its_pieces_and_its_ends_of_lines(
    written: Callable[[bytes], bytes], size: int
) -> None:
    stream, parser = written(STREAM), EventParser()
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]

    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS
    assert (parser.last_id, parser.retry_s) == ("8", 2.5)


def test_half_an_event_is_forgotten_with_its_connection() -> None:
    parser = EventParser()
    list(parser.feed(b"id: 1\ndata: 1\n\nid: 2\nevent: log\ndata: {"))
    assert parser.last_id == "1"
    parser.restart()

    assert list(parser.feed(b"data: 2\n\n")) == [SentEvent("message", 2)]
    assert parser.last_id == "1"


def test_an_event_that_is_no_json_is_told() -> None:
    with pytest.raises(errors.UnexpectedAnswer, match="'log' is not JSON"):
        list(EventParser().feed(b"event: log\ndata: hello\n\n"))


def test_what_services_tell_is_typed() -> None:
    changed = {"correlation_id": CORRELATION_ID, "command": "Predict", "service": "predictor", "status": "succeeded"}
    found = {"correlation_id": CORRELATION_ID, "service": "evaluator", "model": "m", "version": 2, "later": True}

    assert isinstance(read_event(SentEvent("JobChanged", {"event": "JobChanged", **changed})), JobChanged)
    drift = read_event(SentEvent("DriftFound", {"event": "DriftFound", **found}))
    assert isinstance(drift, DriftFound)
    assert drift.version == 2
    assert read_event(SentEvent("missed", {"count": 3})) == EventsMissed(count=3)
    assert read_event(SentEvent("Later", {"a": 1})) == OtherEvent(name="Later", told={"a": 1})


def test_what_a_stream_says_of_itself_is_no_event() -> None:
    fault = SentEvent("error", {"code": "store_unavailable", "message": "away"})
    assert (read_event(fault), read_line(fault), read_change(fault)) == (None, None, None)


def test_a_log_line_has_its_facts_as_they_were_logged() -> None:
    told = {"id": "1-2", "event": "job.finished", "level": "info", "timestamp": "2026-01-31T12:00:00Z", "rows": 3}
    line = read_line(SentEvent("log", {**told, "service": "trainer", "correlation_id": CORRELATION_ID}))

    assert line is not None
    assert (line.id, line.event, line.level, line.service) == ("1-2", "job.finished", "info", "trainer")
    assert (line.correlation_id, line.facts["rows"]) == (CORRELATION_ID, 3)
    assert line.moment is not None
    assert line.moment.isoformat() == "2026-01-31T12:00:00+00:00"
    assert list(line.facts) == ["event", "level", "timestamp", "rows", "service", "correlation_id"]
    assert str(line).startswith("2026-01-31T12:00:00Z trainer info job.finished rows=3")


def test_a_log_line_without_an_action_is_none() -> None:
    with pytest.raises(errors.UnexpectedAnswer, match="has no field 'event'"):
        read_line(SentEvent("log", {"id": "1"}))
    assert LogLine({"id": "1", "event": "x"}).moment is None
