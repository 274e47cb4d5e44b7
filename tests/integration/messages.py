"""Messages on the queues of a real Redis: received, and laid there without a producer."""

import base64
from typing import Any
from uuid import uuid4

import orjson
import redis

from modelbus.shared.bus import Consumer, Delivery
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


def unacknowledged(broker: redis.Redis, service: str = "test") -> int:
    """How many messages a service has taken and not acknowledged."""
    return int(broker.hlen(f"unacked.{service}"))


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
