"""Publish a command and hear its reply with plain kombu; nothing of Modelbus is imported.

Publish to the default exchange only (``exchange=""``, the queue's name as the routing key): after Redis lost its data,
a named exchange drops messages silently.

    pip install 'kombu[redis]'
    python examples/queue_kombu.py [redis://127.0.0.1:6379/0 [prices]]

Without an address it takes the broker of the local stack that runs in this folder (`make up`); without a model, the
README's.
"""

import json
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import kombu


def predict(url: str, model: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Ask a model by the queue; returns the final event.

    Raises:
        TimeoutError: Nobody answered for a minute.
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


def local_broker() -> str:
    """Where the local stack of this folder has its broker.

    Raises:
        SystemExit: None runs here.
    """
    try:
        url: str = json.loads(Path(".modelbus/run/state.json").read_text())["bus_url"]
    except FileNotFoundError:
        sys.exit("no local stack runs in this folder; give the broker's address, such as redis://127.0.0.1:6379/0")
    return url


def main(url: str, model: str) -> None:
    """Predict one row, and print what came back."""
    event = predict(url, model, [{"size": 12, "color": "red"}])
    print(event["correlation_id"], event["status"], event.get("result", {}).get("predictions"), event.get("error"))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else local_broker(), sys.argv[2] if len(sys.argv) > 2 else "prices")
