"""Events on a real Redis: every subscriber hears them, whatever else is on their exchange."""

import redis
from structlog.typing import EventDict

from modelbus.shared.bus import EventPublisher
from tests.integration.conftest import MakeConsumer, MakeEvents, MakeSubscriber
from tests.integration.messages import message, receive
from tests.integration.samples import changed
from tests.waiting import wait_until


def test_events_reach_every_subscriber(events: EventPublisher, subscribe: MakeSubscriber) -> None:
    one, other = subscribe(), subscribe()
    happened = [changed(), changed(status="failed", error={"code": "crashed", "message": "died"})]
    events.publish(happened)
    expected = [event.model_dump(mode="json", exclude_none=True) for event in happened]
    wait_until(lambda: one == other == expected, "both hear both events", state=lambda: (one, other))


def test_the_final_event_goes_to_the_queue_that_its_sender_named(events: EventPublisher, consume: MakeConsumer) -> None:
    event = changed(status="succeeded")
    events.publish([event], [("answers", event)])
    [delivery] = receive(consume("answers"))
    assert delivery.correlation_id == event.correlation_id
    assert delivery.documents[0]["status"] == "succeeded"


def test_something_else_on_the_events_exchange_does_not_end_a_subscriber(
    events: EventPublisher, subscribe: MakeSubscriber, broker: redis.Redis
) -> None:
    heard = subscribe()
    for raw in (b"", b"hello", b"[]", b"{}", b"\xff", message("42"), message("[1, null]"), message("x")):
        assert broker.publish("/0.events", raw) == 1
    events.publish([changed(status="succeeded")])
    wait_until(lambda: [event["status"] for event in heard] == ["succeeded"], "the event is heard", state=lambda: heard)


def test_events_read_together_with_something_else_are_heard(subscribe: MakeSubscriber, broker: redis.Redis) -> None:
    heard = subscribe()
    with broker.pipeline(transaction=False) as at_once:
        for raw in (message("[]"), b"hello", b"\xff", message('[{"status": "succeeded"}]')):
            at_once.publish("/0.events", raw)
        at_once.execute()
    wait_until(lambda: heard == [{"status": "succeeded"}], "the event is heard", state=lambda: heard)


def test_an_event_without_a_broker_is_no_error(events_by: MakeEvents, logged: list[EventDict]) -> None:
    events = events_by("redis://127.0.0.1:1/0")
    events.publish([changed()], [("answers", changed(status="succeeded"))])
    events.close()
    told = [line for line in logged if line["event"] == "event.not_published"]
    assert sum(line["count"] for line in told) == 2
