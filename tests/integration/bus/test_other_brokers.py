"""The bus on other brokers than Redis: any URL that kombu understands.

``memory://`` is kombu's own and always there. For a RabbitMQ that runs, give its URL in ``MODELBUS_TEST_AMQP_URL``.
"""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest

from modelbus.shared.bus import Consumer, Delivery, EventSubscriber, Publisher, poison_queue
from modelbus.shared.contracts import JobChanged, new_correlation_id
from tests.integration.conftest import MakeEvents
from tests.waiting import wait_until

AMQP_URL = os.environ.get("MODELBUS_TEST_AMQP_URL")
URLS = [
    "memory://",
    pytest.param(AMQP_URL, marks=pytest.mark.skipif(AMQP_URL is None, reason="MODELBUS_TEST_AMQP_URL is not set")),
]


@pytest.fixture(params=URLS, ids=["memory", "amqp"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def queue() -> str:
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
def publisher(url: str) -> Iterator[Publisher]:
    publisher = Publisher(url, "test")
    yield publisher
    publisher.close()


@pytest.fixture
def consumer(url: str, queue: str) -> Iterator[Consumer]:
    consumer = Consumer(url, "test", [queue], prefetch=10, message_limit_bytes=10_000)
    yield consumer
    consumer.close()


def receive(consumer: Consumer, count: int) -> list[Delivery]:
    received: list[Delivery] = []

    def have_all_come() -> bool:
        received.extend(consumer.receive(0.2, 10))
        return len(received) >= count

    wait_until(have_all_come, f"{count} messages come", state=lambda: received)
    return received


def test_messages_arrive_with_their_properties_and_are_acknowledged_together(
    publisher: Publisher, consumer: Consumer, queue: str
) -> None:
    publisher.send(queue, {"number": 1}, correlation_id="one", reply_to="answers", headers={"tried": 1})
    publisher.send(queue, [{"number": 2}, {"number": 3}])
    first, second = receive(consumer, 2)
    assert (first.documents, first.correlation_id, first.reply_to) == ([{"number": 1}], "one", "answers")
    assert first.headers["tried"] == 1
    assert second.documents == [{"number": 2}, {"number": 3}]
    consumer.acknowledge([first, second])
    assert publisher.queue_depth(queue) == 0


def test_messages_have_names_of_their_own(publisher: Publisher, consumer: Consumer, queue: str) -> None:
    for _ in range(3):
        publisher.send(queue, {"same": True})
    received = receive(consumer, 3)
    assert len({delivery.tag for delivery in received}) == 3
    assert not any(delivery.tag.isdecimal() for delivery in received), "a count of one channel names nothing"
    consumer.acknowledge(received)


def test_a_requeued_message_comes_again(publisher: Publisher, consumer: Consumer, queue: str) -> None:
    publisher.send(queue, {"number": 1})
    [delivery] = receive(consumer, 1)
    consumer.requeue(delivery)
    [again] = receive(consumer, 1)
    assert again.documents == [{"number": 1}]
    consumer.acknowledge([again])


def test_what_is_no_command_is_kept_as_poison(publisher: Publisher, consumer: Consumer, queue: str) -> None:
    publisher.send(queue, b"rubbish")
    publisher.send(queue, {"number": 1})
    [delivery] = receive(consumer, 1)
    consumer.acknowledge([delivery])
    assert publisher.queue_depth(poison_queue(queue)) == 1


def test_events_are_heard(url: str, events_by: MakeEvents) -> None:
    heard: list[object] = []
    subscriber = EventSubscriber(url, "test", heard.append)
    subscriber.start()
    assert subscriber.wait_subscribed(10)
    event = JobChanged(correlation_id=new_correlation_id(), command="TrainModel", service="test", status="running")
    events_by(url).publish([event])
    wait_until(lambda: heard, "the event is heard")
    subscriber.stop()
