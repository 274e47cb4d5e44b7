"""Train, predict and evaluate through the queue alone, with plain redis-py and JSON, without importing Modelbus.

A minimal message is ``{"body": "<the command as JSON text>"}``, pushed to the left of the list named as the queue.
``reply_to`` names a list that receives the final event, with the result. docs/queue.md describes all of it.

    pip install redis
    python examples/queue_redis.py [redis://127.0.0.1:6379/0]

The default address is that of the local stack running in this folder or above it (`modelbus up`), or
``MODELBUS_BUS_URL``.
"""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis

RUN = uuid4().hex[:8]
DATASET, MODEL, EVALUATION = f"shop-{RUN}", f"prices-{RUN}", f"first-{RUN}"
TABLE = "size,color,price\n" + "".join(f"{n},{('red', 'blue')[n % 2]},{7 * n + 3 * (n % 2)}\n" for n in range(1, 41))


def ask(broker: redis.Redis, queue: str, command: dict[str, Any]) -> dict[str, Any]:
    """Publish a command and wait for its reply; returns the result.

    A command sent again under the same correlation id is the same job, so it is safe to repeat one without a reply.

    Raises:
        SystemExit: The command failed, or there was no reply within a minute.
    """
    correlation_id, replies = str(uuid4()), f"replies-{uuid4()}"
    envelope = {
        "body": json.dumps(command),
        "properties": {"correlation_id": correlation_id, "reply_to": replies},
    }
    broker.lpush(queue, json.dumps(envelope))
    print(f"{queue:<9} <- {command['command']} ({correlation_id})")
    popped = broker.brpop([replies], timeout=60)
    if popped is None:
        sys.exit(f"no reply within a minute; check that a consumer of the queue {queue!r} is running")
    event = body_of(popped[1])
    print(f"{replies[:7]:<9} -> {event['status']}")
    if event["status"] != "succeeded":
        sys.exit(f"{event['error']['code']}: {event['error']['message']}")
    result: dict[str, Any] = event["result"]
    return result


def body_of(message: bytes) -> dict[str, Any]:
    """The body of a message as kombu writes it: JSON, in base64 if ``body_encoding`` says so."""
    envelope = json.loads(message)
    text = envelope["body"]
    if envelope["properties"].get("body_encoding") == "base64":
        text = base64.b64decode(text)
    body: dict[str, Any] = json.loads(text)
    return body


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


def main(url: str) -> None:
    """Create a dataset, a model, predictions and an evaluation."""
    # the default timeout of redis-py, five seconds, would end the wait for a reply
    with redis.Redis.from_url(url, socket_timeout=None) as broker:
        source = {"kind": "inline", "text": TABLE}
        made = ask(broker, "profile", {"command": "ProfileDataset", "dataset": DATASET, "source": source})
        print(f"          {made['dataset']['row_count']} rows")

        training = {"model": MODEL, "dataset": DATASET, "target": "price", "estimator": "Ridge"}
        trained = ask(broker, "train", {"command": "TrainModel", **training})
        print(f"          version {trained['version']['version']}, r2 {trained['version']['metrics']['r2']:.3f}")

        rows = [{"size": 12, "color": "red"}, {"size": 13, "color": "blue"}]
        predicted = ask(broker, "predict", {"command": "Predict", "model": MODEL, "rows": rows})
        print(f"          {[round(price) for price in predicted['predictions']]}")

        measured = {"command": "EvaluateModel", "evaluation": EVALUATION, "model": MODEL, "dataset": DATASET}
        evaluated = ask(broker, "evaluate", measured)
        print(f"          r2 {evaluated['evaluation']['metrics']['r2']:.3f} on {DATASET}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else broker_url())
