"""Every queue's name, in one place.

Commands go to the default exchange only (routing key = queue): after Redis lost its data, a named exchange drops
messages silently (docs/adr/0002).
"""

from typing import Final

QUEUES: Final = ("train", "predict", "predict.bulk", "evaluate", "profile", "read", "export", "check")
"""One queue a lane, named after what it carries; ``modelbus.shared.contracts`` says which command goes where."""

EVENTS_EXCHANGE: Final = "events"
"""The one fanout exchange."""


def poison_queue(queue: str) -> str:
    """Where messages of ``queue`` that cannot be understood are kept."""
    return f"{queue}.poison"


OWNER_HEADER: Final = "modelbus-owner"
"""Whose the commands of a message are. The gateway says it of predictions, which it sends before they are recorded; its
word is taken, as that of all who reach the broker."""

INTERACTIVE_HEADER: Final = "modelbus-interactive"
"""Marks messages whose senders wait for the answer and would ask again: their record may be written fast."""

SENT_AGAIN_HEADER: Final = "modelbus-sent-again"
"""Marks messages of jobs that were recorded before and sent already: what happened to them the first time is not known,
and it may be that they ended the process that had them."""
