"""Reads the requests of messages, or of the records that they name, and separates those that were answered before."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelbus.shared.bus import Delivery
from modelbus.shared.bus.queues import INTERACTIVE_HEADER, SENT_AT_HEADER
from modelbus.shared.contracts.documents.job_documents import AnsweredJob
from modelbus.shared.observing.tracing import TRACEPARENT
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.worker.queue_acceptance import Received, received_commands, received_job, recorded_ids

_FRESH_S: Final = 1.0
"""A younger message cannot have been answered before, because messages are not sent again so soon."""


@dataclass(frozen=True)
class Request:
    """One received command."""

    received: Received
    is_interactive: bool = False
    """Whether its caller waits for the answer, and would repeat the request."""
    is_recorded: bool = False
    """Whether its job was recorded before the message was sent."""

    @property
    def traceparent(self) -> str | None:
        """The traceparent of its cause."""
        return self.received.job.headers.get(TRACEPARENT)


@dataclass(frozen=True)
class Requests:
    """The requests of some messages."""

    new: list[Request]
    """Requests to answer."""
    repeated: list[Request]
    """Requests that were answered before."""
    answers: Mapping[str, AnsweredJob]
    """The jobs of the repeated ones, by correlation id."""


def read_requests(deliveries: Sequence[Delivery], ledger: JobLedger) -> Requests:
    """Read the requests of messages.

    At most two queries for all of them: one for the commands of the jobs that they name, and one for requests that were
    answered before, so that a duplicate is not computed again. Recent messages need neither.

    Raises:
        StoreUnavailable: MongoDB does not answer.
    """
    given: list[Request] = []
    doubtful: list[str] = []
    for delivery in deliveries:
        requests = [
            Request(received, is_interactive=INTERACTIVE_HEADER in delivery.headers)
            for received in received_commands(delivery)
        ]
        given += requests
        if _may_be_answered(delivery):
            doubtful += [request.received.correlation_id for request in requests]
    named = [correlation_id for delivery in deliveries for correlation_id in recorded_ids(delivery)]
    answers = ledger.find_ended(doubtful) if doubtful else {}
    recorded = ledger.find_queued(named) if named else []
    return Requests(
        new=[
            *(request for request in given if request.received.correlation_id not in answers),
            *(Request(received_job(job), is_recorded=True) for job in recorded),
        ],
        repeated=[request for request in given if request.received.correlation_id in answers],
        answers=answers,
    )


def _may_be_answered(delivery: Delivery) -> bool:
    sent_at = delivery.headers.get(SENT_AT_HEADER)
    return not isinstance(sent_at, (int, float)) or abs(time.time() - sent_at) > _FRESH_S
