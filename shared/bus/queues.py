"""The names of all queues.

Commands are sent only to the default exchange (routing key = queue): if Redis has lost its data, a named exchange drops
messages silently (docs/adr/0002).
"""

from typing import Final

QUEUES: Final = ("train", "predict", "predict.bulk", "evaluate", "profile", "read", "export", "check")
"""One queue per lane; ``modelbus.shared.contracts`` maps commands to queues."""

EVENTS_EXCHANGE: Final = "events"
"""The only fanout exchange."""


def poison_queue(queue: str) -> str:
    """The poison queue for messages of ``queue`` that cannot be read."""
    return f"{queue}.poison"


OWNER_HEADER: Final = "modelbus-owner"
"""The owner of a message's commands. The gateway sets it for predictions, which it sends before they are recorded. It
is trusted, like everything that is sent by clients with access to the broker."""

INTERACTIVE_HEADER: Final = "modelbus-interactive"
"""Marks messages whose senders wait for the answer and would repeat the request: fast writes are enough."""

SENT_AT_HEADER: Final = "modelbus-sent-at"
"""When a message was sent: seconds since 1970, by its sender's clock. Messages older than the oldest of a queue must
have been taken already."""

SENT_AGAIN_HEADER: Final = "modelbus-sent-again"
"""Marks a message that a sweep sent because an earlier one of the same job may be lost. The earlier one may have killed
its consumer, so it is treated like a redelivered message."""
