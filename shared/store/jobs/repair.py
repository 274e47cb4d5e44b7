"""The repairs: how a sweep finds jobs that lost their worker or their message, and restarts each of them once.

As in ``protocol``, each is a filter and a pipeline update, to be run as one single-document operation.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from modelbus.shared.store.operation import (
    NOW,
    Document,
    Operation,
    Terms,
    happened,
    kept_until,
    literal,
    seconds_from_now,
)

REPUBLISH_LIMIT_S: Final = 300.0
"""The longest pause between two publications of a queued job."""
CLOCKS_S: Final = 5.0
"""By how much a message may seem to be sent after its job was published: sending takes time, and clocks differ."""
EMPTY_QUEUE_GRACE_S: Final = 1.0
"""If its queue is empty and its message is older than this, a job has lost its message."""


@dataclass(frozen=True)
class Waiting:
    """The messages that wait in a queue of the broker."""

    is_empty: bool
    oldest: datetime | None = None
    """When the next message to be delivered was sent, by its sender's clock; None if that is unknown."""


def lapsed(*, is_committed: bool) -> Document:
    """The filter of running jobs whose worker stopped responding, with or without a committed outcome."""
    outcome = {"$ne": None} if is_committed else None
    return {"status": "running", "outcome": outcome, "$expr": {"$lt": ["$lease.until", NOW]}}


def take_over_committed(correlation_id: str, worker: str, terms: Terms) -> Operation:
    """Take over a committed job whose worker died before it finished it."""
    return Operation(
        {"_id": correlation_id, **lapsed(is_committed=True)},
        [
            {
                "$set": {
                    "fence": {"$add": ["$fence", 1]},
                    "lease": {"worker": worker, "until": seconds_from_now(terms.lease_s)},
                    "updated_at": NOW,
                    "history": happened("finishing", worker=worker),
                }
            }
        ],
    )


def lapse(correlation_id: str, terms: Terms) -> Operation:
    """Take a running job from a worker whose lease lapsed: it becomes queued, cancelled or dead."""
    has_attempts = {"$lt": ["$attempt", "$max_attempts"]}
    next_status = {
        "$cond": ["$cancel_requested", "cancelled", {"$cond": [has_attempts, "queued", "dead"]}],
    }
    lost = {
        "code": "crashed",
        "message": {
            "$concat": [
                "the worker ",
                {"$ifNull": ["$lease.worker", "of this job"]},
                " stopped responding during attempt ",
                {"$toString": "$attempt"},
                " of ",
                {"$toString": "$max_attempts"},
            ]
        },
        "details": [],
    }
    is_again = {"$eq": ["$status", "queued"]}
    retention = {"$cond": [{"$eq": ["$status", "dead"]}, terms.dead_retention_s, terms.job_retention_s]}
    return Operation(
        {"_id": correlation_id, **lapsed(is_committed=False)},
        [
            {"$set": {"status": next_status, "error": lost, "history": happened("lapsed", attempt="$attempt")}},
            {
                "$set": {
                    "fence": {"$add": ["$fence", 1]},
                    "lease": None,
                    "error": {
                        "$cond": [{"$eq": ["$status", "cancelled"]}, {"$ifNull": ["$cancel_reason", None]}, "$error"]
                    },
                    "not_before": NOW,
                    "next_publish_at": NOW,
                    "publish_count": literal(0),
                    "finished_at": {"$cond": [is_again, None, NOW]},
                    "expires_at": {"$cond": [is_again, None, kept_until(retention)]},
                    "updated_at": NOW,
                }
            },
        ],
    )


def due_for_publication(queue: str, waiting: Waiting) -> Document:
    """The filter of queued jobs whose message must be lost.

    The message is lost if none was sent since the job's last attempt, or if no message in its queue is as old:
    messages are delivered in order. If the age of the waiting messages is unknown, it is presumed lost when its
    interval has passed. While the message may still wait, another one would only make the queue longer.

    Args:
        queue: The queue's name.
        waiting: What waits there.
    """
    is_due: Document = {"$lte": ["$next_publish_at", NOW]}
    if waiting.is_empty:
        is_due = {"$or": [is_due, {"$lte": ["$published_at", seconds_from_now(-EMPTY_QUEUE_GRACE_S)]}]}
    elif waiting.oldest is not None:
        before = waiting.oldest - timedelta(seconds=CLOCKS_S)
        was_taken = {"$or": [{"$eq": ["$publish_count", 0]}, {"$lt": ["$published_at", literal(before)]}]}
        is_due = {"$and": [is_due, was_taken]}
    return {"status": "queued", "queue": queue, "$expr": {"$and": [is_due, {"$lte": ["$not_before", NOW]}]}}


def republish(correlation_id: str, queue: str, terms: Terms, waiting: Waiting) -> Operation:
    """Reserve the next publication of a queued job; the winner publishes it. The intervals double."""
    pause = {"$min": [REPUBLISH_LIMIT_S, {"$multiply": [terms.republish_s, {"$pow": [2, "$publish_count"]}]}]}
    return Operation(
        {"_id": correlation_id, **due_for_publication(queue, waiting)},
        [
            {
                "$set": {
                    "next_publish_at": seconds_from_now(pause),
                    "published_at": NOW,
                    "publish_count": {"$min": [{"$add": ["$publish_count", 1]}, 20]},
                }
            }
        ],
    )
