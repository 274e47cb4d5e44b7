"""Raw queue items: what may be a message, and the reason why anything else is none."""

import base64
import gzip
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelbus.shared.bus.queues import QUEUES, poison_queue
from modelbus.shared.bus.transport import MALFORMED_HEADER, MalformedEnvelope, open_envelope, wrap_malformed

LIMIT_BYTES = 10_000
BODY = '{"command": "TrainModel"}'


def opened(envelope: Any) -> dict[str, Any]:
    return open_envelope(orjson.dumps(envelope), "train", LIMIT_BYTES)


@pytest.mark.parametrize(
    "envelope",
    [
        {"body": BODY},
        {"body": BODY, "properties": None, "headers": None},
        {"body": BODY, "properties": {}, "headers": {}},
        {"body": BODY, "properties": {"delivery_info": None}},
        {"body": BODY, "content-type": "application/json", "content-encoding": "utf-8"},
        {"body": BODY, "content-type": "json"},
        {"body": base64.b64encode(BODY.encode()).decode(), "properties": {"body_encoding": "base64"}},
        {"body": BODY, "something": "else"},
    ],
    ids=str,
)
def test_a_minimal_envelope_is_filled_in(envelope: dict[str, Any]) -> None:
    full = opened(envelope)
    assert full["content-type"] in ("application/json", "json")
    assert full["properties"]["delivery_info"] == {"exchange": "", "routing_key": "train"}
    assert full["properties"]["delivery_tag"]
    assert full["headers"] == {}


def test_two_minimal_envelopes_have_different_tags() -> None:
    assert opened({"body": BODY})["properties"]["delivery_tag"] != opened({"body": BODY})["properties"]["delivery_tag"]


def test_a_delivery_tag_is_kept_so_that_a_redelivery_is_the_same_message() -> None:
    assert opened({"body": BODY, "properties": {"delivery_tag": "a"}})["properties"]["delivery_tag"] == "a"


def test_a_sender_cannot_have_its_message_put_back_anywhere_else() -> None:
    info = {"exchange": "events", "routing_key": "profile", "priority": 9}
    full = opened({"body": BODY, "properties": {"delivery_info": info}})
    assert full["properties"]["delivery_info"] == {"exchange": "", "routing_key": "train", "priority": 9}


MALFORMED: list[tuple[bytes | Any, str]] = [
    (b"", "not valid JSON"),
    (b"hello", "not valid JSON"),
    (b'{"body": ', "not valid JSON"),
    (b"\xff\xfe{}", "not valid JSON"),
    (b'{"body": NaN}', "not valid JSON"),
    (b"[" * 9000, "not valid JSON"),
    (b'{"body": ' + b"[" * 500 + b"]" * 500 + b"}", "nested deeper than 64 levels"),
    (b'"text"', "not str"),
    (b"null", "not NoneType"),
    ([BODY], "not list"),
    ({}, "body is missing"),
    ({"body": None}, "body is missing"),
    ({"body": {"command": "TrainModel"}}, "not text"),
    ({"body": BODY, "properties": []}, "properties must be a JSON object"),
    ({"body": BODY, "properties": {"delivery_info": "train"}}, "delivery_info must be a JSON object"),
    ({"body": BODY, "properties": {"delivery_tag": 7}}, "delivery_tag must be text"),
    ({"body": BODY, "headers": "none"}, "headers must be a JSON object"),
    ({"body": BODY, "properties": {"body_encoding": "rot13"}}, "body encoding 'rot13'"),
    ({"body": BODY, "properties": {"body_encoding": ["base64"]}}, "body encoding"),
    ({"body": "***", "properties": {"body_encoding": "base64"}}, "not valid base64"),
    ({"body": "YQ", "properties": {"body_encoding": "base64"}}, "not valid base64"),
    ({"body": BODY, "headers": {"compression": "application/x-gzip"}}, "compressed"),
    (b'{"body": "{}", "body": "[]"}', "duplicate key 'body'"),
    (b'{"body": "{}", "properties": {"reply_to": "a", "reply_to": "b"}}', "duplicate key 'reply_to'"),
    ({"body": "x" * LIMIT_BYTES}, f"the limit is {LIMIT_BYTES:,}"),
]


@pytest.mark.parametrize(("item", "reason"), MALFORMED, ids=[reason for _, reason in MALFORMED])
def test_anything_else_is_refused_with_its_reason(item: Any, reason: str) -> None:
    raw = item if isinstance(item, bytes) else orjson.dumps(item)
    with pytest.raises(MalformedEnvelope, match=reason):
        open_envelope(raw, "train", LIMIT_BYTES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "body": JSON | st.just(BODY),
        "headers": JSON,
        "content-type": JSON | st.just("application/json"),
        "properties": JSON | st.fixed_dictionaries({}, optional={"body_encoding": JSON, "delivery_info": JSON}),
    },
)


@given(st.binary() | ENVELOPES.map(orjson.dumps) | JSON.map(orjson.dumps))
def test_whatever_lies_on_a_queue_is_opened_or_refused_and_nothing_else(raw: bytes) -> None:
    try:
        envelope = open_envelope(raw, "train", LIMIT_BYTES)
    except MalformedEnvelope:
        return
    assert isinstance(envelope["body"], str)
    assert envelope["properties"]["delivery_info"]["routing_key"] == "train"


@given(st.binary(max_size=1000))
def test_a_malformed_item_is_wrapped_whole_and_can_be_delivered(raw: bytes) -> None:
    wrapped = wrap_malformed(raw, "train", MalformedEnvelope("not JSON"))
    again = open_envelope(orjson.dumps(wrapped), "train", LIMIT_BYTES)
    assert again["headers"][MALFORMED_HEADER] == "not JSON"
    assert base64.b64decode(again["body"]) == raw


def test_a_compressed_body_is_refused_before_anything_inflates_it() -> None:
    bomb = base64.b64encode(gzip.compress(bytes(5_000_000))).decode()
    envelope = {"body": bomb, "headers": {"compression": "gzip"}, "properties": {"body_encoding": "base64"}}
    with pytest.raises(MalformedEnvelope, match="compressed bodies are not supported"):
        opened(envelope)


def test_each_queue_has_a_poison_queue_that_nobody_consumes() -> None:
    assert poison_queue("train") == "train.poison"
    assert not {poison_queue(queue) for queue in QUEUES} & set(QUEUES)
