"""Replies to the senders of messages that could not be read: a failed job, and the dead letter of the message."""

from collections.abc import Mapping
from typing import Any

from modelbus.shared.contracts import ErrorRecord, JobChanged
from modelbus.shared.contracts.base import canonical_uuid
from modelbus.shared.errors import ModelbusError


def refusal_of(record: Mapping[str, Any], error: ModelbusError) -> JobChanged:
    """The final event for a quarantined message.

    Args:
        record: Its record on the poison queue.
        error: Why it could not be read.

    Returns:
        The event of a failed job. Its id is the message's, if that is a UUID, or else the dead letter's.
    """
    given = record["correlation_id"]
    correlation_id = canonical_uuid(given) or record["id"]
    return JobChanged(
        correlation_id=correlation_id,
        given_correlation_id=None if given in (None, correlation_id) else str(given),
        command="unknown",
        service=record["service"],
        status="failed",
        error=ErrorRecord(code=error.code, message=error.message, details=error.details),
        dead_letter=record["id"],
    )
