"""Messages that nobody can understand: kept aside, and none of them ends a consumer."""

import base64
import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from modelbus.shared.bus import Publisher, poison_queue
from modelbus.shared.contracts import JobChanged
from modelbus.shared.contracts.base import canonical_uuid
from tests.integration.conftest import MESSAGE_LIMIT_BYTES, MakeConsumer
from tests.integration.messages import COMMAND, message, receive, unacknowledged
from tests.waiting import wait_until


def bodies(broker: redis.Redis, queue: str) -> list[Any]:
    """What our messages on a queue hold, the oldest first."""
    envelopes = [orjson.loads(raw) for raw in broker.lrange(queue, 0, -1)]
    return [orjson.loads(envelope["body"]) for envelope in reversed(envelopes)]


def bomb(size_bytes: int) -> bytes:
    """A gzip file of zeros, made without ever holding them."""
    packer = zlib.compressobj(level=9, wbits=31)
    block = bytes(2**20)
    return b"".join(packer.compress(block) for _ in range(size_bytes // len(block))) + packer.flush()


POISON: dict[str, tuple[bytes, str]] = {
    "an empty item": (b"", "not valid JSON"),
    "text that is not JSON": (b"hello", "not valid JSON"),
    "a list": (b'["body"]', "not list"),
    "a text": (b'"body"', "not str"),
    "bad UTF-8": (b'{"body": "\xff\xfe"}', "not valid JSON"),
    "cut-off JSON": (message(b"{}")[:-5], "not valid JSON"),
    "deep nesting": (b'{"body":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not valid JSON"),
    "no body": (b'{"properties": {}}', "body is missing"),
    "properties that are a list": (b'{"body": "{}", "properties": []}', "properties must be"),
    "headers that are text": (b'{"body": "{}", "headers": "x"}', "headers must be"),
    "delivery info that is text": (b'{"body":"{}","properties":{"delivery_info":"x"}}', "delivery_info must be"),
    "a delivery tag that is a number": (b'{"body":"{}","properties":{"delivery_tag":7}}', "delivery_tag must be"),
    "an unknown body encoding": (message("{}", properties={"body_encoding": "rot13"}), "body encoding"),
    "bad base64": (message("{}", body="***"), "not valid base64"),
    "a gzip bomb": (
        message(bomb(128 * 2**20), headers={"compression": "application/x-gzip"}),
        "compressed bodies are not supported",
    ),
    "pickled content": (message(b"\x80\x04N.", **{"content-type": "application/x-python-serialize"}), "content type"),
    "YAML content": (message("a: 1", **{"content-type": "application/x-yaml"}), "content type"),
    "too many bytes": (message(b" " * MESSAGE_LIMIT_BYTES), "the limit is"),
    "a body that is not JSON": (message("TrainModel"), "the body is not valid JSON"),
    "a body of other bytes": (message(b"\xff\xfe"), "the body is not valid JSON"),
    "an empty body": (message(""), "the body is not valid JSON"),
    "a body that is a number": (message("42"), "not int"),
    "a body that is null": (message("null"), "not NoneType"),
    "an array with a number": (message('[{"command": "TrainModel"}, 42]'), "each element of the array"),
    "an empty array": (message("[]"), "not an empty array"),
    "a key twice": (message('{"command": "TrainModel", "command": "Predict"}'), "duplicate key 'command'"),
    "a body that is nested deep": (message('{"a":' * 100 + "1" + "}" * 100), "nested deeper than 64 levels"),
    "another charset": (message("{}", **{"content-type": "application/json; charset=latin-1"}), "charset 'latin-1'"),
    "another encoding": (message("{}", **{"content-encoding": "utf-16"}), "content encoding 'utf-16'"),
    "a body with NaN": (message('{"rows": [{"a": NaN}]}'), "the body is not valid JSON"),
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


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "a body that is no JSON": (b'{"body": "hello", "properties": %s}', "bad_request"),
    "an empty array": (b'{"body": "[]", "properties": %s}', "bad_request"),
    "a key twice": (b'{"body": "{\\"a\\": 1, \\"a\\": 2}", "properties": %s}', "bad_request"),
    "no body": (b'{"properties": %s}', "bad_request"),
    "a body that is no text": (b'{"body": {"command": "TrainModel"}, "properties": %s}', "bad_request"),
    "headers that are none": (b'{"body": "{}", "headers": 7, "properties": %s}', "bad_request"),
    "another type": (b'{"body": "{}", "content-type": "text/csv", "properties": %s}', "unsupported_media_type"),
    "a compressed body": (
        b'{"body": "", "headers": {"compression": "gzip"}, "properties": %s}',
        "unsupported_media_type",
    ),
    "too large": (b'{"body": "' + b"x" * MESSAGE_LIMIT_BYTES + b'", "properties": %s}', "limit_exceeded"),
}


@pytest.mark.parametrize("given_id", [None, "order-17", "0B5C1E0E-5C0A-4E0B-9D7D-2F6A4F1C9A11"])
def test_whoever_sent_what_is_unreadable_is_told_where_a_reply_was_asked_for(
    broker: redis.Redis, consume: MakeConsumer, given_id: str | None
) -> None:
    ids = {} if given_id is None else {"correlation_id": given_id}
    for number, (raw, _) in enumerate(UNREADABLE.values()):
        broker.lpush("train", raw % orjson.dumps({"reply_to": f"answers-{number}", **ids}))

    consumer = consume("train")
    wait_until(
        lambda: consumer.receive(0.1) or broker.llen(poison_queue("train")) == len(UNREADABLE), "all are put aside"
    )
    records = bodies(broker, poison_queue("train"))
    for number, ((name, (_, code)), record) in enumerate(zip(UNREADABLE.items(), records, strict=True)):
        [envelope] = [orjson.loads(raw) for raw in broker.lrange(f"answers-{number}", 0, -1)]
        [event] = bodies(broker, f"answers-{number}")
        assert (event["event"], event["status"], event["error"]["code"]) == ("JobChanged", "failed", code), name
        assert event["error"]["message"] == record["reason"]
        assert event["dead_letter"] == record["id"]
        assert event["correlation_id"] == ((canonical_uuid(given_id) if given_id else None) or record["id"])
        assert event.get("given_correlation_id") == given_id
        assert envelope["properties"]["correlation_id"] == given_id or record["id"]
        JobChanged.model_validate(event)
    assert unacknowledged(broker) == broker.llen("train") == 0


def test_a_reply_that_cannot_be_sent_keeps_nothing_on_the_queue(broker: redis.Redis, consume: MakeConsumer) -> None:
    broker.set("no list", "7")
    broker.lpush("train", b'{"body": "[]", "properties": {"reply_to": "no list"}}')
    consumer = consume("train")
    wait_until(lambda: consumer.receive(0.1) or broker.llen(poison_queue("train")) == 1, "it is put aside")
    wait_until(lambda: consumer.receive(0.1) or unacknowledged(broker) == broker.llen("train") == 0, "it is dealt with")
    assert broker.llen(poison_queue("train")) == 1
