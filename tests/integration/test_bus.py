"""The bus on a real Redis: what arrives, what comes again, and that nothing on a queue ends a consumer."""

import base64
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
import redis

from modelbus.stack import LocalStack
from shared.bus import Consumer, Delivery, EventPublisher, EventSubscriber, Publisher, poison_queue
from shared.contracts import JobChanged, new_correlation_id
from shared.errors import BusUnavailable
from tests.integration.conftest import MESSAGE_LIMIT_BYTES, MakeConsumer
from tests.stack_fixtures import started
from tests.waiting import wait_until

COMMAND = {"command": "TrainModel", "model": "churn"}


def receive(consumer: Consumer, count: int = 1) -> list[Delivery]:
    """Receive until so many deliveries have come."""
    received: list[Delivery] = []

    def have_all_come() -> bool:
        received.extend(consumer.receive(0.2, count - len(received)))
        return len(received) >= count

    wait_until(have_all_come, f"{count} messages come", state=lambda: received)
    return received


def bodies(broker: redis.Redis, queue: str) -> list[Any]:
    """What kombu's messages on a queue hold, the oldest first."""
    envelopes = [orjson.loads(raw) for raw in broker.lrange(queue, 0, -1)]
    return [orjson.loads(base64.b64decode(envelope["body"])) for envelope in reversed(envelopes)]


def unacknowledged(broker: redis.Redis, service: str = "test") -> int:
    return int(broker.hlen(f"unacked.{service}"))


# --- sending and receiving ---


def test_a_message_arrives_with_all_that_was_sent(publisher: Publisher, consume: MakeConsumer) -> None:
    correlation_id = new_correlation_id()
    publisher.send("train", COMMAND, correlation_id=correlation_id, reply_to="answers", headers={"tried": 1})
    [delivery] = receive(consume("train"))
    assert (delivery.queue, delivery.documents) == ("train", [COMMAND])
    assert (delivery.correlation_id, delivery.reply_to) == (correlation_id, "answers")
    assert delivery.headers == {"tried": 1}


def test_an_array_is_one_delivery_of_several_documents(publisher: Publisher, consume: MakeConsumer) -> None:
    publisher.send("predict", [{"a": 1}, {"a": 2}])
    publisher.send("predict", [])
    array, empty = receive(consume("predict"), 2)
    assert (array.documents, array.correlation_id) == ([{"a": 1}, {"a": 2}], None)
    assert empty.documents == []


def test_messages_come_in_the_order_in_which_they_were_sent(publisher: Publisher, consume: MakeConsumer) -> None:
    for number in range(20):
        publisher.send("train", {"number": number})
    deliveries = receive(consume("train"), 20)
    assert [delivery.documents[0]["number"] for delivery in deliveries] == list(range(20))


def test_what_waits_already_is_taken_at_once_up_to_the_limit(publisher: Publisher, consume: MakeConsumer) -> None:
    consumer = consume("train")
    consumer.receive(0.1)
    for number in range(10):
        publisher.send("train", {"number": number})
    assert len(consumer.receive(1, limit=4)) == 4
    assert len(receive(consumer, 6)) == 6


def test_a_consumer_hears_several_queues_and_says_which(publisher: Publisher, consume: MakeConsumer) -> None:
    for queue in ("train", "evaluate"):
        publisher.send(queue, COMMAND)
    assert {delivery.queue for delivery in receive(consume("train", "evaluate"), 2)} == {"train", "evaluate"}


def test_nothing_comes_of_an_empty_queue(consume: MakeConsumer) -> None:
    consumer = consume("train")
    before = consumer.polled_at
    assert consumer.receive(0.05) == []
    assert consumer.polled_at > before, "the broker has answered"


def test_the_depth_of_a_queue_is_what_waits_in_it(publisher: Publisher) -> None:
    assert publisher.queue_depth("train") == 0
    for _ in range(3):
        publisher.send("train", COMMAND)
    assert publisher.queue_depth("train") == 3
    assert publisher.is_connected()


@pytest.mark.parametrize(
    "envelope",
    [
        {"body": orjson.dumps(COMMAND).decode()},
        {"body": orjson.dumps(COMMAND).decode(), "properties": {"correlation_id": "7", "reply_to": "answers"}},
        {"body": base64.b64encode(orjson.dumps(COMMAND)).decode(), "properties": {"body_encoding": "base64"}},
        {"body": orjson.dumps([COMMAND]).decode(), "headers": None, "content-type": "application/json"},
    ],
    ids=["body alone", "with properties", "base64", "array"],
)
def test_a_minimal_envelope_of_any_redis_client_is_a_message(
    broker: redis.Redis, consume: MakeConsumer, envelope: dict[str, Any]
) -> None:
    broker.lpush("train", orjson.dumps(envelope))
    consumer = consume("train")
    [delivery] = receive(consumer)
    assert delivery.documents == [COMMAND]
    consumer.acknowledge([delivery])
    assert unacknowledged(broker) == 0


def test_a_message_that_comes_again_says_so_and_has_the_same_tag(broker: redis.Redis, consume: MakeConsumer) -> None:
    broker.lpush("train", orjson.dumps({"body": orjson.dumps(COMMAND).decode()}))
    first_consumer = consume("train")
    [first] = receive(first_consumer)
    assert (first.correlation_id, first.is_redelivered) == (None, False)
    first_consumer.close()
    [again] = receive(consume("train"))
    assert (again.tag, again.is_redelivered) == (first.tag, True)


# --- acknowledging ---


def test_what_was_not_acknowledged_comes_back_when_its_consumer_closes(
    publisher: Publisher, consume: MakeConsumer, broker: redis.Redis
) -> None:
    for number in range(3):
        publisher.send("train", {"number": number})
    first = consume("train")
    deliveries = receive(first, 3)
    first.acknowledge(deliveries[1:2])
    assert unacknowledged(broker) == 2
    first.close()
    assert unacknowledged(broker) == 0
    again = receive(consume("train"), 2)
    assert sorted(delivery.documents[0]["number"] for delivery in again) == [0, 2]


def test_many_are_acknowledged_at_once_and_none_comes_back(
    publisher: Publisher, consume: MakeConsumer, broker: redis.Redis
) -> None:
    for number in range(50):
        publisher.send("train", {"number": number})
    consumer = consume("train")
    deliveries = receive(consumer, 50)
    assert unacknowledged(broker) == 50
    consumer.acknowledge(deliveries)
    consumer.acknowledge(deliveries)
    assert unacknowledged(broker) == broker.zcard("unacked_index.test") == 0
    consumer.close()
    assert broker.llen("train") == 0


def test_a_requeued_message_is_the_next_one_to_come(publisher: Publisher, consume: MakeConsumer) -> None:
    for number in range(3):
        publisher.send("train", {"number": number})
    consumer = consume("train", prefetch=1)
    [first] = receive(consumer)
    consumer.requeue(first)
    assert receive(consumer)[0].documents == [{"number": 0}]


def test_messages_that_are_put_back_last_first_come_again_in_their_order(
    publisher: Publisher, consume: MakeConsumer
) -> None:
    for number in range(5):
        publisher.send("train", {"number": number})
    consumer = consume("train")
    for delivery in reversed(receive(consumer, 5)):
        consumer.requeue(delivery)
    assert [delivery.documents[0]["number"] for delivery in receive(consumer, 5)] == list(range(5))


def test_no_more_is_received_than_may_be_unacknowledged(
    publisher: Publisher, consume: MakeConsumer, broker: redis.Redis
) -> None:
    for number in range(3):
        publisher.send("train", {"number": number})
    consumer = consume("train", prefetch=1)
    [first] = receive(consumer)
    assert consumer.receive(0.1, 10) == []
    assert broker.llen("train") == 2
    consumer.acknowledge([first])
    assert receive(consumer)[0].documents == [{"number": 1}]


def test_what_a_killed_consumer_had_taken_comes_to_another_when_its_time_is_over(
    publisher: Publisher, consume: MakeConsumer, broker: redis.Redis
) -> None:
    publisher.send("train", COMMAND)
    receive(consume("train"))  # and never acknowledged
    [tag] = broker.hkeys("unacked.test")
    broker.zadd("unacked_index.test", {tag: 0})  # it was taken long ago
    assert receive(consume("train"))[0].documents == [COMMAND]


def test_services_do_not_restore_each_other_s_messages(
    publisher: Publisher, consume: MakeConsumer, broker: redis.Redis
) -> None:
    publisher.send("train", COMMAND)
    receive(consume("train", service="trainer"))
    assert unacknowledged(broker, "trainer") == 1
    [tag] = broker.hkeys("unacked.trainer")
    broker.zadd("unacked_index.trainer", {tag: 0})
    other = consume("train", service="evaluator")
    assert other.receive(0.1) == []
    assert unacknowledged(broker, "trainer") == 1


# --- what cannot be understood ---


def message(body: str | bytes, /, **changes: Any) -> bytes:
    """A message as kombu lays it on a queue, with parts changed."""
    raw = body.encode() if isinstance(body, str) else body
    envelope = {
        "body": base64.b64encode(raw).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {},
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
            "delivery_info": {"exchange": "", "routing_key": "train"},
        },
    }
    properties = {**envelope["properties"], **changes.pop("properties", {})}  # type: ignore[dict-item]
    return orjson.dumps({**envelope, "properties": properties, **changes})


def bomb(size_bytes: int) -> bytes:
    """A gzip file of zeros, made without ever holding them."""
    packer = zlib.compressobj(level=9, wbits=31)
    block = bytes(2**20)
    return b"".join(packer.compress(block) for _ in range(size_bytes // len(block))) + packer.flush()


POISON: dict[str, tuple[bytes, str]] = {
    "an empty item": (b"", "not JSON"),
    "text that is not JSON": (b"hello", "not JSON"),
    "a list": (b'["body"]', "not list"),
    "a text": (b'"body"', "not str"),
    "bad UTF-8": (b'{"body": "\xff\xfe"}', "not JSON"),
    "cut-off JSON": (message(b"{}")[:-5], "not JSON"),
    "deep nesting": (b'{"body":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not JSON"),
    "no body": (b'{"properties": {}}', "body is missing"),
    "properties that are a list": (b'{"body": "{}", "properties": []}', "properties is not"),
    "headers that are text": (b'{"body": "{}", "headers": "x"}', "headers is not"),
    "delivery info that is text": (b'{"body":"{}","properties":{"delivery_info":"x"}}', "delivery_info is not"),
    "a delivery tag that is a number": (b'{"body":"{}","properties":{"delivery_tag":7}}', "delivery_tag is not"),
    "an unknown body encoding": (message("{}", properties={"body_encoding": "rot13"}), "body encoding"),
    "bad base64": (message("{}", body="***"), "not base64"),
    "a gzip bomb": (
        message(bomb(128 * 2**20), headers={"compression": "application/x-gzip"}),
        "compressed bodies are not accepted",
    ),
    "pickled content": (message(b"\x80\x04N.", **{"content-type": "application/x-python-serialize"}), "content type"),
    "YAML content": (message("a: 1", **{"content-type": "application/x-yaml"}), "content type"),
    "too many bytes": (message(b" " * MESSAGE_LIMIT_BYTES), "the limit is"),
    "a body that is not JSON": (message("TrainModel"), "the body is not JSON"),
    "a body of other bytes": (message(b"\xff\xfe"), "the body is not JSON"),
    "an empty body": (message(""), "the body is not JSON"),
    "a body that is a number": (message("42"), "not int"),
    "a body that is null": (message("null"), "not NoneType"),
    "an array with a number": (message('[{"command": "TrainModel"}, 42]'), "an element of the array"),
    "a body with NaN": (message('{"rows": [{"a": NaN}]}'), "the body is not JSON"),
}


def resident_peak_bytes() -> int:
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def forget_resident_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except PermissionError:
        pytest.skip("this machine does not let a process reset its own memory peak")


def test_whatever_lies_on_a_queue_is_moved_aside_and_the_consumer_goes_on(
    broker: redis.Redis, consume: MakeConsumer, publisher: Publisher
) -> None:
    for number, (raw, _) in enumerate(POISON.values()):
        broker.lpush("train", raw)
        publisher.send("train", {"number": number})
    consumer = consume("train")
    deliveries = receive(consumer, len(POISON))
    assert [delivery.documents[0]["number"] for delivery in deliveries] == list(range(len(POISON)))
    consumer.acknowledge(deliveries)
    records = bodies(broker, poison_queue("train"))
    for (name, (raw, reason)), record in zip(POISON.items(), records, strict=True):
        assert reason in record["reason"], name
        assert (record["queue"], record["service"]) == ("train", "test")
        kept = base64.b64decode(record["raw_base64"])
        assert kept == raw or kept in base64.b64decode(orjson.loads(raw)["body"]), "it can be read and sent again"
    assert unacknowledged(broker) == broker.llen("train") == 0


def test_a_bomb_is_never_inflated(broker: redis.Redis, consume: MakeConsumer) -> None:
    consumer = consume("train")
    consumer.receive(0.05)
    raw, _ = POISON["a gzip bomb"]
    broker.lpush("train", raw)
    forget_resident_peak()
    before = resident_peak_bytes()
    wait_until(lambda: consumer.receive(0.2) or broker.llen(poison_queue("train")), "the bomb is moved aside")
    assert resident_peak_bytes() - before < 20 * 2**20


def test_a_consumer_can_move_aside_what_it_understood_and_could_not_handle(
    broker: redis.Redis, consume: MakeConsumer, publisher: Publisher
) -> None:
    publisher.send("train", COMMAND, correlation_id="7")
    consumer = consume("train")
    consumer.quarantine(receive(consumer)[0], "KeyError: 'x'")
    [record] = bodies(broker, poison_queue("train"))
    assert (record["reason"], record["correlation_id"]) == ("KeyError: 'x'", "7")
    assert orjson.loads(base64.b64decode(record["raw_base64"])) == COMMAND
    assert unacknowledged(broker) == 0


# --- events ---


def changed(**fields: Any) -> JobChanged:
    return JobChanged.model_validate(
        {
            "correlation_id": new_correlation_id(),
            "command": "TrainModel",
            "service": "trainer",
            "status": "running",
            **fields,
        }
    )


MakeSubscriber = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def subscribe(bus_url: str) -> Iterator[MakeSubscriber]:
    """Makes subscribers; gives the list to which each adds what it hears."""
    subscribers: list[EventSubscriber] = []

    def subscribe(url: str = bus_url) -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = []
        subscriber = EventSubscriber(url, "test", heard.extend)
        subscribers.append(subscriber)
        subscriber.start()
        assert subscriber.wait_subscribed(10)
        return heard

    yield subscribe
    for subscriber in subscribers:
        subscriber.stop()


def test_events_reach_every_subscriber(publisher: Publisher, subscribe: MakeSubscriber) -> None:
    one, other = subscribe(), subscribe()
    events = [changed(), changed(status="failed", error={"code": "crashed", "message": "died"})]
    EventPublisher(publisher).publish(events)
    expected = [event.model_dump(mode="json", exclude_none=True) for event in events]
    wait_until(lambda: one == other == expected, "both hear both events", state=lambda: (one, other))


def test_the_final_event_goes_to_the_queue_that_its_sender_named(publisher: Publisher, consume: MakeConsumer) -> None:
    event = changed(status="succeeded")
    EventPublisher(publisher).publish([event], [("answers", event)])
    [delivery] = receive(consume("answers"))
    assert delivery.correlation_id == event.correlation_id
    assert delivery.documents[0]["status"] == "succeeded"


def test_something_else_on_the_events_exchange_does_not_end_a_subscriber(
    publisher: Publisher, subscribe: MakeSubscriber, broker: redis.Redis
) -> None:
    heard = subscribe()
    for raw in (b"", b"hello", b"[]", b"{}", b"\xff", message("42"), message("[1, null]"), message("x")):
        assert broker.publish("/0.events", raw) == 1
    EventPublisher(publisher).publish([changed(status="succeeded")])
    wait_until(lambda: [event["status"] for event in heard] == ["succeeded"], "the event is heard", state=lambda: heard)


def test_events_read_together_with_something_else_are_heard(subscribe: MakeSubscriber, broker: redis.Redis) -> None:
    heard = subscribe()
    with broker.pipeline(transaction=False) as at_once:
        for raw in (message("[]"), b"hello", b"\xff", message('[{"status": "succeeded"}]')):
            at_once.publish("/0.events", raw)
        at_once.execute()
    wait_until(lambda: heard == [{"status": "succeeded"}], "the event is heard", state=lambda: heard)


def test_an_event_without_a_broker_is_no_error() -> None:
    publisher = Publisher("redis://127.0.0.1:1/0", "test")
    EventPublisher(publisher).publish([changed()])
    publisher.close()


# --- a broker that fails ---


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
    fragile: LocalStack, fragile_publisher: Publisher, consume: MakeConsumer, subscribe: MakeSubscriber
) -> None:
    consumer = consume("train", url=fragile.bus_url)
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
        EventPublisher(fragile_publisher).publish([changed(status="succeeded")])
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
    publisher: Publisher, consume: MakeConsumer, broker: redis.Redis, subscribe: MakeSubscriber
) -> None:
    consumer, heard = consume("train"), subscribe()
    publisher.send("train", COMMAND)
    receive(consumer)
    broker.flushall()
    publisher.send("train", COMMAND)
    assert receive(consumer)[0].documents == [COMMAND]
    EventPublisher(publisher).publish([changed()])
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
