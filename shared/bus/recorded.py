"""Messages of recorded jobs, which contain only the job's id.

Regardless of the command, such a message has a few hundred bytes, so that it is never too large for its queue. The
consumer reads the command from the record.
"""

from typing import Any, Final

import orjson

from modelbus.shared.bus.publisher import Publisher
from modelbus.shared.bus.queues import SENT_AGAIN_HEADER

_FIELD: Final = "job"


def recorded_message(correlation_id: str) -> bytes:
    """The body of the message of a recorded job."""
    return orjson.dumps({_FIELD: correlation_id})


def recorded_id(document: dict[str, Any]) -> str | None:
    """The correlation id, if a document is such a message; None if it is a command."""
    correlation_id = document.get(_FIELD)
    return correlation_id if isinstance(correlation_id, str) and len(document) == 1 else None


def send_recorded(publisher: Publisher, queue: str, correlation_id: str, *, is_again: bool = False) -> None:
    """Send the message of a recorded job.

    Args:
        publisher: The publisher.
        queue: The job's queue.
        correlation_id: The job's id.
        is_again: Whether the message is sent again, because an earlier one may be lost.

    Raises:
        BusUnavailable: The broker does not answer.
    """
    headers = {SENT_AGAIN_HEADER: 1} if is_again else None
    publisher.send(queue, recorded_message(correlation_id), correlation_id=correlation_id, headers=headers)
