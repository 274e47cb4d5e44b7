"""Messages on a real Redis: what arrives, and what comes again."""

import base64
import time
from typing import Any

import orjson
import pytest
import redis

from modelbus.shared.bus import Publisher
from modelbus.shared.bus.queues import SENT_AT_HEADER
from modelbus.shared.contracts import new_correlation_id
from tests.integration.conftest import MakeConsumer
from tests.integration.messages import COMMAND, receive, unacknowledged

# --- sending and receiving ---


def test_a_message_arrives_with_all_that_was_sent(publisher: Publisher, consume: MakeConsumer) -> None:
    correlation_id = new_correlation_id()
    publisher.send("train", COMMAND, correlation_id=correlation_id, reply_to="answers", headers={"tried": 1})
    [delivery] = receive(consume("train"))
    assert (delivery.queue, delivery.documents) == ("train", [COMMAND])
    assert (delivery.correlation_id, delivery.reply_to) == (correlation_id, "answers")
    assert delivery.headers == {"tried": 1, SENT_AT_HEADER: pytest.approx(time.time(), abs=60)}


@pytest.mark.parametrize("text", ["plain", 'a "quoted" \\ word', "Grüße, 東京 und 🙂"])
def test_a_body_travels_as_text_and_comes_back_no_longer(
    publisher: Publisher, consume: MakeConsumer, broker: redis.Redis, text: str
) -> None:
    publisher.send("train", {**COMMAND, "text": text})
    [sent] = broker.lrange("train", 0, -1)
    assert orjson.loads(orjson.loads(sent)["body"]) == {**COMMAND, "text": text}, "not in base64"
    first = consume("train")
    receive(first)
    first.close()
    [again] = broker.lrange("train", 0, -1)
    assert len(again) <= len(sent) + len(',"redelivered":true') * 2
    assert receive(consume("train"))[0].documents == [{**COMMAND, "text": text}]


def test_an_array_is_one_delivery_of_several_documents(publisher: Publisher, consume: MakeConsumer) -> None:
    publisher.send("predict", [{"a": 1}, {"a": 2}])
    [array] = receive(consume("predict"))
    assert (array.documents, array.correlation_id) == ([{"a": 1}, {"a": 2}], None)


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
