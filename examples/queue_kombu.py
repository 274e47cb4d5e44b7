"""Publish a command and receive its reply with plain kombu, without importing Modelbus.

Publish to the default exchange only (``exchange=""``, the queue's name as the routing key): once Redis has lost its
data, a named exchange drops messages silently.

    pip install 'kombu[redis]'
    python examples/queue_kombu.py [redis://127.0.0.1:6379/0 [prices]]

The default address is that of the local stack running in this folder or above it (`modelbus up`), or
``MODELBUS_BUS_URL``; the default model is that of the README.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import kombu


def predict(url: str, model: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Request predictions through the queue; returns the final event.

    Raises:
        TimeoutError: There was no reply within a minute.
    """
    correlation_id, events = str(uuid4()), []
    with kombu.Connection(url) as connection:
        replies = kombu.Queue(f"replies-{uuid4()}", auto_delete=True)
        with (
            connection.Consumer(replies, on_message=lambda message: events.append(message.payload), no_ack=True),
            connection.Producer(serializer="json") as producer,
        ):
            producer.publish(
                {"command": "Predict", "model": model, "rows": rows},
                exchange="",
                routing_key="predict",
                correlation_id=correlation_id,
                reply_to=replies.name,
            )
            while not events:
                connection.drain_events(timeout=60)
    return events[0]


def broker_url() -> str:
    """The broker of ``MODELBUS_BUS_URL``, else that of the local stack running in this folder or the nearest one above.

    Raises:
        SystemExit: There is neither.
    """
    if url := os.environ.get("MODELBUS_BUS_URL"):
        return url
    for folder in (Path.cwd(), *Path.cwd().parents):
        try:
            state = json.loads((folder / ".modelbus/run/state.json").read_text())
            os.kill(state["pid"], 0)  # fails for a stack that was killed
        except (OSError, ValueError):
            continue
        url = state["bus_url"]
        return str(url)
    sys.exit("no local stack is running in this folder or above it; start one, or pass a broker's address")


def main(url: str, model: str) -> None:
    """Predict one row, and print the reply."""
    event = predict(url, model, [{"size": 12, "color": "red"}])
    print(event["correlation_id"], event["status"], event.get("result", {}).get("predictions"), event.get("error"))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else broker_url(), sys.argv[2] if len(sys.argv) > 2 else "prices")
