"""A hardened version of kombu's Redis transport: no item on a queue, and no bookkeeping error, ends a consumer.

kombu 5.7 has these faults, which this subclass avoids (all verified, docs/adr/0003): it exits on an item that is not
JSON, not an object, not UTF-8 or has an unknown body encoding; it loses an item without properties; it leaves events
unread behind one that is not JSON; it decompresses a body before it checks the content type; it loses a message if
writing to ``unacked`` fails after the pop.

A malformed item is wrapped and delivered with the header ``modelbus-malformed`` (the reason) and the raw bytes as body,
so that it has the same bookkeeping as any message and the consumer can move it to the poison queue. The reply address
is kept if it is readable.
"""

import base64
import binascii
import time
from queue import Empty
from typing import Any, Final
from uuid import uuid4

import orjson
import structlog
from kombu.transport import TRANSPORT_ALIASES, redis, virtual
from redis.backoff import NoBackoff
from redis.retry import Retry

from modelbus.shared.contracts.json_text import parse_json
from modelbus.shared.errors import BadRequest, LimitExceeded, UnsupportedMediaType

MALFORMED_HEADER: Final = "modelbus-malformed"
MALFORMED_CODE_HEADER: Final = "modelbus-malformed-code"
_RESTORE_INTERVAL_S: Final = 1.0
_REPLY_SEARCH_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""Larger items are not searched for a reply address: parsing would take several times their size in memory."""
_ANSWER_PROPERTIES: Final = ("reply_to", "correlation_id")

log = structlog.get_logger()


class MalformedEnvelope(ValueError):
    """A raw queue item is not a valid message; the text is the reason."""

    def __init__(self, reason: str, code: str = BadRequest.code) -> None:
        super().__init__(reason)
        self.code = code
        """The code of the error that the sender gets."""


def register_hardened_transport() -> None:
    """Make ``redis://`` and ``rediss://`` URLs use this transport (a ``transport=`` argument would be ignored)."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:HardenedTransport"


def open_envelope(raw: bytes, queue: str, limit_bytes: int) -> dict[str, Any]:
    """Check a raw queue item and fill in what a minimal producer may omit.

    Raises:
        MalformedEnvelope: The item is not a valid message; the text is the reason.
    """
    if len(raw) > limit_bytes:
        raise MalformedEnvelope(
            f"the message has {len(raw):,} bytes; the limit is {limit_bytes:,} (MODELBUS_MESSAGE_LIMIT_BYTES)",
            LimitExceeded.code,
        )
    envelope = _object(raw)
    properties = _section(envelope, "properties")
    headers = _section(envelope, "headers")
    delivery_info = _section(properties, "delivery_info")
    if headers.get("compression"):
        raise MalformedEnvelope("compressed bodies are not supported", UnsupportedMediaType.code)
    # The consumer checks the content type, for every broker.
    envelope.setdefault("content-type", "application/json")
    envelope.setdefault("content-encoding", "utf-8")
    if not isinstance(properties.setdefault("delivery_tag", str(uuid4())), str):
        raise MalformedEnvelope("properties.delivery_tag must be text")
    delivery_info["exchange"] = ""
    delivery_info["routing_key"] = queue
    _check_body(envelope, properties)
    return envelope


def _object(raw: bytes) -> dict[str, Any]:
    try:
        envelope = parse_json(raw)
    except orjson.JSONDecodeError as error:
        raise MalformedEnvelope(f"the message is not valid JSON: {error}") from error
    except ValueError as error:
        raise MalformedEnvelope(f"the message is invalid: {error}") from error
    if not isinstance(envelope, dict):
        raise MalformedEnvelope(f"a message must be a JSON object, not {type(envelope).__name__}")
    return envelope


def _section(parent: dict[str, Any], name: str) -> dict[str, Any]:
    if parent.get(name) is None:
        parent[name] = {}
    section = parent[name]
    if not isinstance(section, dict):
        raise MalformedEnvelope(f"{name} must be a JSON object")
    return section


def _check_body(envelope: dict[str, Any], properties: dict[str, Any]) -> None:
    body, encoding = envelope.get("body"), properties.get("body_encoding")
    if not isinstance(body, str):
        raise MalformedEnvelope("body is missing or is not text")
    if encoding not in (None, "base64"):
        raise MalformedEnvelope(f"body encoding {encoding!r} is not supported; use base64 or none")
    if encoding == "base64":
        try:
            base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise MalformedEnvelope(f"body is not valid base64: {error}") from error


def wrap_malformed(raw: bytes, queue: str, malformed: MalformedEnvelope) -> dict[str, Any]:
    """Wrap an item that is not a valid message in a deliverable envelope."""
    return {
        "body": base64.b64encode(raw).decode(),
        "content-type": "application/octet-stream",
        "content-encoding": "binary",
        "headers": {MALFORMED_HEADER: str(malformed), MALFORMED_CODE_HEADER: malformed.code},
        "properties": {
            **_whom_to_answer(raw),
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
            "delivery_info": {"exchange": "", "routing_key": queue},
        },
    }


def _whom_to_answer(raw: bytes) -> dict[str, str]:
    """The reply queue and the id that the sender waits for, as far as they are readable."""
    if len(raw) > _REPLY_SEARCH_LIMIT_BYTES:
        return {}
    try:
        properties = orjson.loads(raw)["properties"]
        return {name: properties[name] for name in _ANSWER_PROPERTIES if isinstance(properties.get(name), str)}
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        return {}


class HardenedQoS(redis.QoS):
    """Delivers even if its bookkeeping fails, acknowledges in batches, and requeues to the front."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unnoted: set[str] = set()
        """Tags of deliveries that are not recorded in Redis, only in this process."""

    def append(self, message: Any, delivery_tag: str) -> None:
        """Record a delivery as unacknowledged, in Redis if possible."""
        try:
            super().append(message, delivery_tag)
        except (*self.channel.connection_errors, self.channel.ResponseError) as error:
            # The item has been popped: raising here would lose it. The callback records the job first, so a delivery
            # without an `unacked` entry is safe too.
            log.warning("bus.bookkeeping_failed", reason=str(error))
            self._unnoted.add(delivery_tag)
            virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a delivery."""
        super().ack(delivery_tag)
        self._unnoted.discard(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Drop a delivery, or put it back to the front of the queue; kombu would put it to the end."""
        if not requeue:
            super().reject(delivery_tag)
            return
        self.restore_by_tag(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        """Put an unacknowledged message back, even if it is recorded only in this process."""
        if tag not in self._unnoted or tag not in self._delivered:
            super().restore_by_tag(tag, client=client, leftmost=leftmost)
            return
        message = self._delivered[tag]
        info = message.delivery_info
        with self.pipe_or_acquire(client=client) as pipe:
            self.channel._do_restore_message(message._raw, info["exchange"], info["routing_key"], pipe, leftmost)
            pipe.execute()
        self._unnoted.discard(tag)

    def acknowledge_many(self, delivery_tags: list[str]) -> None:
        """Acknowledge deliveries in a single round trip."""
        with self.pipe_or_acquire() as pipe:
            pipe.zrem(self.unacked_index_key, *delivery_tags)
            pipe.hdel(self.unacked_key, *delivery_tags)
            pipe.execute()
        self.forget(delivery_tags)

    def forget(self, delivery_tags: list[str]) -> None:
        """Forget deliveries, so that this process does not put them back."""
        for delivery_tag in delivery_tags:
            virtual.QoS.ack(self, delivery_tag)
        self._unnoted.difference_update(delivery_tags)


class HardenedChannel(redis.Channel):
    """Wraps items that it cannot read, instead of raising an error."""

    QoS = HardenedQoS
    message_limit_bytes = 16 * 1024 * 1024

    from_transport_options = (*redis.Channel.from_transport_options, "message_limit_bytes")

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        # redis-py would retry for seconds inside each command; our callers have their own retries.
        return {**super()._connparams(asynchronous=asynchronous), "retry": Retry(NoBackoff(), 0)}

    def encode_body(self, body: Any, encoding: str | None = None) -> tuple[Any, str | None]:
        """Encode text unchanged, because base64 would be a third longer."""
        try:
            return (body if isinstance(body, str) else bytes(body).decode()), None
        except UnicodeDecodeError:
            encoded: tuple[Any, str | None] = super().encode_body(body, encoding)
            return encoded

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        with self.conn_or_acquire() as client:
            client.lpush(queue, orjson.dumps(message))

    def _do_restore_message(
        self, payload: dict[str, Any], exchange: str, routing_key: str, pipe: Any, leftmost: bool = False
    ) -> None:
        # kombu escapes non-ASCII characters to six characters: a restored message would exceed the limit.
        payload["headers"]["redelivered"] = True
        payload["properties"]["delivery_info"]["redelivered"] = True
        for queue in self._lookup(exchange, routing_key):
            (pipe.lpush if leftmost else pipe.rpush)(queue, orjson.dumps(payload))

    def oldest(self, queue: str) -> bytes | None:
        """The raw next message of a queue; None if there is none."""
        with self.conn_or_acquire() as client:
            found: bytes | None = client.lindex(queue, -1)
        return found

    def _brpop_read(self, **options: Any) -> bool:
        try:
            popped = self._read_popped(**options)
            if not popped:
                raise Empty
            queue = popped[0].decode("utf-8", "replace").rsplit(self.sep, 1)[0]
            self._queue_cycle.rotate(queue)
            self.connection._deliver(self._envelope(popped[1], queue), queue)
            return True
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()

    def _read_popped(self, **options: Any) -> tuple[bytes, bytes] | None:
        connection = self.client.connection
        try:
            popped: tuple[bytes, bytes] | None = self.client.parse_response(connection, "BRPOP", **options)
        except self.connection_errors:
            # The next poll reconnects.
            connection.disconnect()
            raise
        return popped

    def _get(self, queue: str) -> dict[str, Any]:
        # Used for fetching single messages; lists of other priorities are not used.
        with self.conn_or_acquire() as client:
            raw = client.rpop(queue)
        if raw is None:
            raise Empty
        return self._envelope(raw, queue)

    def _envelope(self, raw: bytes, queue: str) -> dict[str, Any]:
        try:
            return open_envelope(raw, queue, self.message_limit_bytes)
        except MalformedEnvelope as error:
            return wrap_malformed(raw, queue, error)

    def _receive_one(self, c: Any) -> bool:
        try:
            return bool(super()._receive_one(c))
        except Empty:
            # Not JSON. kombu would stop reading here: messages of the same read would stay in the parser, invisible to
            # polls, until the next one arrives.
            return False

    def _deliver_fanout_message(self, message: Any, exchange: str) -> bool:
        try:
            envelope = open_envelope(orjson.dumps(message), exchange, self.message_limit_bytes)
        except MalformedEnvelope as error:
            # Events are hints; waiters read the record anyway.
            log.warning("bus.event_malformed", exchange=exchange, reason=str(error))
            return True
        return bool(super()._deliver_fanout_message(envelope, exchange))


class HardenedPoller(redis.MultiChannelPoller):
    """Looks for messages to restore once per second, independent of the frequency of polls."""

    def __init__(self) -> None:
        super().__init__()
        self._restored_at = float("-inf")

    def maybe_restore_messages(self) -> None:
        """Restore messages that other consumers did not acknowledge in time."""
        now = time.monotonic()
        if now - self._restored_at < _RESTORE_INTERVAL_S:
            return
        self._restored_at = now
        super().maybe_restore_messages()


class HardenedTransport(redis.Transport):
    """kombu's Redis transport with the parts above."""

    Channel = HardenedChannel

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cycle = HardenedPoller()
