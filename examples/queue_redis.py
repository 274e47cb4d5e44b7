"""Train, predict and evaluate by the queue alone, with nothing of Modelbus: plain redis-py, and JSON.

The least that is a message is ``{"body": "<the command as JSON text>"}``, pushed to the left of the list that is named
as the queue. ``reply_to`` names a list that gets the final event, with the result. docs/queue.md has the whole of it.

    pip install redis
    python examples/queue_redis.py [redis://127.0.0.1:6379/0]

Without an address it takes the broker of the local stack that runs in this folder (`make up`).
"""

import base64
import json
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

    Sent once more with the same correlation id it would be the same job: whoever gets no reply may send again.

    Raises:
        SystemExit: The command failed, or nobody answered for a minute.
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
        sys.exit(f"nobody answered; is a consumer of {queue!r} running?")
    event = body_of(popped[1])
    print(f"{replies[:7]:<9} -> {event['status']}")
    if event["status"] != "succeeded":
        sys.exit(f"{event['error']['code']}: {event['error']['message']}")
    result: dict[str, Any] = event["result"]
    return result


def body_of(message: bytes) -> dict[str, Any]:
    """What is in a message as kombu writes it: its body is JSON, in base64 where ``body_encoding`` says so."""
    envelope = json.loads(message)
    text = envelope["body"]
    if envelope["properties"].get("body_encoding") == "base64":
        text = base64.b64decode(text)
    body: dict[str, Any] = json.loads(text)
    return body


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


def main(url: str) -> None:
    """Make a dataset, a model, predictions and an evaluation."""
    # redis-py's own time-out of five seconds would end a longer wait for a reply
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
    main(sys.argv[1] if len(sys.argv) > 1 else local_broker())
