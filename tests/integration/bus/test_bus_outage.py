"""A broker that dies, forgets or is full: consumer, publisher and subscriber go on."""

from collections.abc import Iterator

import pytest
import redis

from modelbus.shared.bus import EventPublisher, Publisher
from modelbus.shared.errors import BusUnavailable
from modelbus.stack import LocalStack
from tests.integration.conftest import MakeConsumer, MakeEvents, MakeSubscriber
from tests.integration.messages import COMMAND, receive
from tests.integration.samples import changed
from tests.stack_fixtures import started
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def fragile(servers: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A Redis that may be killed."""
    folder = tmp_path_factory.mktemp("fragile") / ".modelbus"
    with started(LocalStack(folder, services=(), mongo_url=servers.mongo_url, is_persistent=False)) as stack:
        yield stack


@pytest.fixture
def fragile_redis(fragile: LocalStack) -> Iterator[redis.Redis]:
    fragile.wait_until_ready("redis")
    with redis.Redis.from_url(fragile.bus_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def fragile_publisher(fragile: LocalStack, fragile_redis: redis.Redis) -> Iterator[Publisher]:
    publisher = Publisher(fragile.bus_url, "test")
    yield publisher
    publisher.close()


def test_after_redis_was_killed_and_started_again_all_goes_on(
    fragile: LocalStack,
    fragile_publisher: Publisher,
    events_by: MakeEvents,
    consume: MakeConsumer,
    subscribe: MakeSubscriber,
) -> None:
    consumer, events = consume("train", url=fragile.bus_url), events_by(fragile.bus_url)
    heard = subscribe(fragile.bus_url)
    fragile_publisher.send("train", {"number": 1})
    before = receive(consumer)
    fragile.kill("redis")
    assert consumer.receive(0.1) == []
    assert fragile_publisher.is_connected() is False
    with pytest.raises(BusUnavailable):
        fragile_publisher.send("train", {"number": 0})
    with pytest.raises(BusUnavailable):
        fragile_publisher.queue_depth("train")
    consumer.acknowledge(before)  # in vain, and no error
    fragile.wait_until_ready("redis")
    fragile_publisher.send("train", {"number": 2})
    wait_until(
        lambda: any(delivery.documents == [{"number": 2}] for delivery in consumer.receive(0.2)),
        "the consumer consumes again",
    )

    def is_heard() -> bool:
        events.publish([changed(status="succeeded")])
        return bool(heard)

    wait_until(is_heard, "the subscriber listens again")


def test_a_message_that_is_received_while_redis_dies_can_be_let_go(
    fragile: LocalStack, fragile_redis: redis.Redis, fragile_publisher: Publisher, consume: MakeConsumer
) -> None:
    fragile_publisher.send("train", COMMAND)
    fragile_publisher.send("train", COMMAND)
    consumer = consume("train", url=fragile.bus_url)
    one, other = receive(consumer, 2)
    fragile.kill("redis")
    consumer.requeue(one)
    consumer.quarantine(other, "no reason")
    consumer.acknowledge([one, other])
    assert consumer.receive(0.05) == []
    consumer.acknowledge([one, other])
    consumer.close()


def test_a_broker_that_forgot_everything_is_used_as_before(
    publisher: Publisher,
    events: EventPublisher,
    consume: MakeConsumer,
    broker: redis.Redis,
    subscribe: MakeSubscriber,
) -> None:
    consumer, heard = consume("train"), subscribe()
    publisher.send("train", COMMAND)
    receive(consumer)
    broker.flushall()
    publisher.send("train", COMMAND)
    assert receive(consumer)[0].documents == [COMMAND]
    events.publish([changed()])
    # The exchange's bindings are gone; a subscriber makes them anew when it subscribes anew. Events are hints.
    assert heard == [] or len(heard) == 1


def test_a_message_is_delivered_although_its_bookkeeping_cannot_be_written(
    fragile: LocalStack, fragile_redis: redis.Redis, fragile_publisher: Publisher, consume: MakeConsumer
) -> None:
    consumer = consume("train", url=fragile.bus_url)
    consumer.receive(0.05)
    for number in range(3):
        fragile_publisher.send("train", {"number": number})
    fragile_redis.config_set("maxmemory", 1)
    try:
        received = receive(consumer, 3)
        assert [delivery.documents[0]["number"] for delivery in received] == [0, 1, 2]
        assert fragile_redis.hlen("unacked.test") == 0, "Redis refused to note it"
        with pytest.raises(BusUnavailable):
            fragile_publisher.send("train", COMMAND)
        consumer.acknowledge(received)
    finally:
        fragile_redis.config_set("maxmemory", 0)
    fragile_publisher.send("train", {"number": 3})
    assert receive(consumer)[0].documents == [{"number": 3}]


def test_a_message_without_bookkeeping_comes_back_too(
    fragile: LocalStack, fragile_redis: redis.Redis, fragile_publisher: Publisher, consume: MakeConsumer
) -> None:
    consumer = consume("train", url=fragile.bus_url)
    consumer.receive(0.05)
    for number in range(2):
        fragile_publisher.send("train", {"number": number})
    fragile_redis.config_set("maxmemory", 1)
    try:
        requeued, _kept = receive(consumer, 2)
    finally:
        fragile_redis.config_set("maxmemory", 0)
    consumer.requeue(requeued)
    assert receive(consumer)[0].documents == requeued.documents
    consumer.close()
    again = receive(consume("train", url=fragile.bus_url), 2)
    assert sorted(delivery.documents[0]["number"] for delivery in again) == [0, 1]


@pytest.mark.parametrize("give_back", ["quarantine", "requeue"])
def test_what_can_neither_be_moved_aside_nor_put_back_does_not_block_the_consumer(
    fragile: LocalStack,
    fragile_redis: redis.Redis,
    fragile_publisher: Publisher,
    consume: MakeConsumer,
    give_back: str,
) -> None:
    consumer = consume("train", url=fragile.bus_url, prefetch=1)
    for number in range(2):
        fragile_publisher.send("train", {"number": number})
    [delivery] = receive(consumer)
    fragile_redis.config_set("maxmemory", 1)
    try:
        if give_back == "requeue":
            consumer.requeue(delivery)
        else:
            consumer.quarantine(delivery, "KeyError")
    finally:
        fragile_redis.config_set("maxmemory", 0)
    assert receive(consumer)[0].documents == [{"number": 1}]
    assert fragile_redis.hlen("unacked.test") == 2, "the other one comes when its time is over"


@pytest.mark.parametrize("deal_with", ["acknowledge", "quarantine"])
def test_what_was_dealt_with_and_cannot_be_acknowledged_does_not_come_before_all_others(
    publisher: Publisher, broker: redis.Redis, consume: MakeConsumer, deal_with: str
) -> None:
    consumer = consume("train", prefetch=1)
    # A text where a hash should be: Redis delivers, but refuses each note and each acknowledgement.
    broker.set("unacked.test", "in the way")
    for number in range(3):
        publisher.send("train", {"number": number})
    seen = []
    for _ in range(3):
        [delivery] = receive(consumer)
        seen += delivery.documents
        if deal_with == "acknowledge":
            consumer.acknowledge([delivery])
        else:
            consumer.quarantine(delivery, "KeyError")
    assert seen == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert consumer.receive(0.2) == []
    assert broker.llen("train.poison") == (3 if deal_with == "quarantine" else 0)
