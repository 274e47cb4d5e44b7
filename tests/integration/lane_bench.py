"""The predictor's interactive lane at work in this process, for tests to send predictions to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from modelbus.predictor.__main__ import make_lanes
from modelbus.shared.bus.queues import INTERACTIVE_HEADER
from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document
from modelbus.shared.worker.service import Lane, Tools
from modelbus.stack import LocalStack
from tests.integration.worker_bench import quick_settings
from tests.unit.tables import features, rows_of
from tests.waiting import wait_until

RESULT_LIMIT_BYTES = 2048
ROWS_LIMIT = 50
ROW = rows_of(features())[0]


@dataclass
class LaneBench:
    """The lane at work, and what a test wants to know of it."""

    tools: Tools
    lane: Lane

    def send(self, *commands: Document, is_interactive: bool = False, **properties: Any) -> list[str]:
        """Publish commands as one message, an array; returns their jobs' ids."""
        ids = [command.setdefault("correlation_id", new_correlation_id()) for command in commands]
        headers = {INTERACTIVE_HEADER: True} if is_interactive else {}
        headers |= properties.pop("headers", {})
        self.tools.publisher.send("predict", list(commands), headers=headers, **properties)
        return ids

    def job(self, correlation_id: str) -> Document:
        """A job as it is now."""
        return self.tools.ledger.find(correlation_id) or {}

    def wait_for(self, correlation_id: str) -> Document:
        """A job, once it has ended."""
        return wait_until(
            lambda: job if (job := self.job(correlation_id)).get("finished_at") else None,
            "the prediction is recorded",
            state=lambda: self.job(correlation_id),
        )

    def answer(self, command: Document) -> Document:
        """Send a command; returns its job when that has ended."""
        return self.wait_for(self.send(command)[0])


def predict(*rows: Document, model: str = "churn", **fields: Any) -> Document:
    """A command."""
    return {"command": "Predict", "model": model, "rows": list(rows or [ROW]), **fields}


def lane_settings(servers: LocalStack, database_number: int, **changes: Any) -> Settings:
    """Settings with a Redis database of the lane's own, so that it takes no other's messages."""
    return quick_settings(
        servers,
        bus_url=servers.bus_url.removesuffix("/0") + f"/{database_number}",
        result_inline_bytes=RESULT_LIMIT_BYTES,
        predict_rows_limit=ROWS_LIMIT,
        **changes,
    )


@contextmanager
def predicting(tools: Tools) -> Iterator[LaneBench]:
    """A lane that works inside the block."""
    lane = make_lanes(tools)[0]
    thread = threading.Thread(target=lane.run, name="lane-of-test", daemon=True)
    thread.start()
    try:
        yield LaneBench(tools, lane)
    finally:
        lane.stop()
        thread.join(10)
        assert not thread.is_alive(), "the lane has stopped"
