"""Messages of jobs that are recorded already: they say which job, and nothing else.

Whatever a command holds, its message is some hundred bytes, so that none is too large for its queue and a thousand that
wait cost nothing. The consumer reads what is to be done from the record.
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
    """The correlation id, if a document is such a message; else it is a command."""
    correlation_id = document.get(_FIELD)
    return correlation_id if isinstance(correlation_id, str) and len(document) == 1 else None


def send_recorded(publisher: Publisher, queue: str, correlation_id: str, *, is_again: bool = False) -> None:
    """Send the message of a recorded job.

    Args:
        publisher: Through which.
        queue: The job's.
        correlation_id: The job's.
        is_again: Whether an earlier message of this job may be lost.

    Raises:
        BusUnavailable: The broker does not answer.
    """
    headers = {SENT_AGAIN_HEADER: 1} if is_again else None
    publisher.send(queue, recorded_message(correlation_id), correlation_id=correlation_id, headers=headers)
