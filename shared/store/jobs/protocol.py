"""The job protocol: each operation is a filter and a pipeline update on a single document.

Rules for all of them:
- All times are the server's (``$$NOW``), never a worker's.
- User data is wrapped in ``$literal``, because text such as ``"$status"`` would be evaluated.
- Every claim increments ``fence``, and every write of a result contains the fence of its claim, so that a worker that
  was declared dead cannot overwrite its successor (a fencing token, Kleppmann 2016).
- ``outcome`` is the commit point: once it is written, the job is never executed again, only finished.
- A job that has ended is kept for its ``retention_s``, from its command's class, or else as the terms say.

``docs/architecture.md`` draws the life of a job.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from modelbus.shared.contracts.documents.job_documents import BoundDatasetDocument, ErrorDocument
from modelbus.shared.store.operation import (
    NOW,
    Claim,
    Document,
    NewJob,
    Operation,
    Terms,
    either,
    ended,
    happened,
    literal,
    seconds_from_now,
)
from modelbus.shared.store.packed_values import packed


def _new_fields(job: NewJob, terms: Terms) -> Document:
    """What a job's document holds from the beginning, but for its times; plain values."""
    return {
        "_id": job.correlation_id,
        "command": job.command,
        "queue": job.queue,
        "spec": packed(job.spec),
        "spec_hash": job.spec_hash,
        "datasets": list(job.datasets),
        "owner": job.owner,
        "door": job.door,
        "reply_to": job.reply_to,
        "given_correlation_id": job.given_correlation_id,
        "headers": dict(job.headers),
        "retention_s": job.retention_s,
        "status": "queued",
        "progress": None,
        "attempt": 0,
        "max_attempts": terms.max_attempts,
        "fence": 0,
        "lease": None,
        "cancel_requested": False,
        "cancel_reason": None,
        "publish_count": 1,
        "outcome": None,
        "result": None,
        "error": None,
        "started_at": None,
        "finished_at": None,
        "expires_at": None,
    }


def new_job_document(job: NewJob, terms: Terms) -> Document:
    """The document of a job that was just accepted, as an aggregation expression."""
    return {
        **{name: literal(value) for name, value in _new_fields(job, terms).items()},
        "not_before": NOW,
        "next_publish_at": seconds_from_now(terms.republish_s),
        "published_at": NOW,
        "created_at": NOW,
        "updated_at": NOW,
        "history": [{"at": NOW, "event": "accepted", "door": job.door}],
    }


def finished_document(
    job: NewJob, *, result: Document | None, error: ErrorDocument | None, worker: str, terms: Terms, now: datetime
) -> Document:
    """The document of a job that ended before it was recorded: a prediction, or a command that was refused.

    It is inserted as it is, four times as fast as an upsert with a pipeline. So its times are the worker's; nothing is
    decided by them but the order of lists and the day on which it expires.
    """
    status = "succeeded" if error is None else "failed"
    retention_s = terms.job_retention_s if job.retention_s is None else job.retention_s
    times = ("not_before", "next_publish_at", "published_at", "created_at", "updated_at", "started_at", "finished_at")
    return {
        **_new_fields(job, terms),
        **dict.fromkeys(times, now),
        "status": status,
        "attempt": 1,
        "fence": 1,
        "result": result,
        "error": error,
        "expires_at": now + timedelta(seconds=retention_s),
        "history": [{"at": now, "event": status, "worker": worker}],
    }


def finish_queued(
    job: NewJob, *, result: Document | None, error: ErrorDocument | None, worker: str, terms: Terms
) -> Operation:
    """End a job that was accepted under the same id before its prediction was recorded (its caller stopped waiting).

    One that ended, that another worker runs, that was cancelled, or that has another specification, does not match.
    """
    status = "succeeded" if error is None else "failed"
    return Operation(
        {"_id": job.correlation_id, "status": "queued", "spec_hash": job.spec_hash, "cancel_requested": False},
        [
            ended(
                status,
                terms,
                result=literal(result),
                error=literal(error),
                attempt={"$add": ["$attempt", 1]},
                fence={"$add": ["$fence", 1]},
                started_at=NOW,
                history=happened(status, worker=worker),
            )
        ],
    )


def end_queued(correlation_id: str, error: ErrorDocument, worker: str, terms: Terms) -> Operation:
    """End a queued job that no worker can so much as begin."""
    failed = ended(
        "failed",
        terms,
        error=literal(error),
        fence={"$add": ["$fence", 1]},
        history=happened("failed", worker=worker),
    )
    return Operation({"_id": correlation_id, "status": "queued"}, [failed])


def accept(job: NewJob, terms: Terms) -> Operation:
    """Record a job unless one of its id is there; to be run as an upsert. Compare ``spec_hash`` afterwards."""
    is_new = {"$eq": [{"$type": "$status"}, "missing"]}
    return Operation(
        {"_id": job.correlation_id},
        [{"$replaceWith": {"$cond": [is_new, new_job_document(job, terms), "$$ROOT"]}}],
    )


def claim(correlation_id: str, worker: str, terms: Terms) -> Operation:
    """Take a job that is due, or one whose worker let its lease lapse, and start its next attempt."""
    is_due = {"status": "queued", "$expr": {"$lte": ["$not_before", NOW]}}
    has_lapsed = {"status": "running", "$expr": {"$lt": ["$lease.until", NOW]}}
    return Operation(
        {
            "_id": correlation_id,
            "cancel_requested": False,
            "outcome": None,
            "$or": [is_due, has_lapsed],
            "$expr": {"$lt": ["$attempt", "$max_attempts"]},
        },
        [
            {
                "$set": {
                    "status": "running",
                    "attempt": {"$add": ["$attempt", 1]},
                    "fence": {"$add": ["$fence", 1]},
                    "lease": {"worker": worker, "until": seconds_from_now(terms.lease_s)},
                    "progress": None,
                    "error": None,
                    "started_at": {"$ifNull": ["$started_at", NOW]},
                    "updated_at": NOW,
                    "history": happened("claimed", worker=worker, attempt={"$add": ["$attempt", 1]}),
                }
            }
        ],
    )


def heartbeat(claim: Claim, progress: Document | None, terms: Terms) -> Operation:
    """Extend the lease and note the progress; no match means that the job is somebody else's now."""
    changes: Document = {"lease.until": seconds_from_now(terms.lease_s), "updated_at": NOW}
    if progress is not None:
        changes["progress"] = literal(progress)
    return Operation(claim.filter, [{"$set": changes}])


def commit(claim: Claim, outcome: Document, terms: Terms) -> Operation:
    """Record what the job's work gave. From here on it is finished, never executed again, and no longer cancellable.

    A job that was cancelled gives nothing, unless it was asked for beforehand that a cancellation keeps what there is:
    the outcome then has ``survives_cancel`` (ADR 0015). One that was ended for a reason gives nothing in any case.
    """
    is_wanted = {"cancel_reason": None} if outcome.get("survives_cancel") else {"cancel_requested": False}
    return Operation(
        {**claim.filter, "outcome": None, **is_wanted},
        [
            {
                "$set": {
                    "outcome": literal(outcome),
                    "lease.until": seconds_from_now(terms.lease_s),
                    "updated_at": NOW,
                }
            }
        ],
    )


def complete(claim: Claim, result: Document, terms: Terms) -> Operation:
    """End a job with its result, and with the files that its outcome tells of, which are found by it from now on."""
    files = {"$ifNull": ["$outcome.files", "$$REMOVE"]}
    return Operation(
        claim.filter, [ended("succeeded", terms, result=literal(result), files=files, error=None, outcome=None)]
    )


def fail(claim: Claim, error: ErrorDocument, *, is_retryable: bool, terms: Terms) -> Operation:
    """End a job with its error, or queue its next attempt when a retry may help.

    Retryable and attempts left: ``queued`` after a back-off that doubles. Retryable and none left: ``dead``.
    Otherwise ``failed``: the job's own fault, which a retry would repeat. What was to be tried again, but was cancelled
    meanwhile, is ``cancelled``: nobody could claim it any more.
    """
    if not is_retryable:
        return Operation(claim.filter, [ended("failed", terms, error=literal(error), outcome=None)])
    has_attempts = {"$lt": ["$attempt", "$max_attempts"]}
    back_off = seconds_from_now({"$multiply": [terms.retry_backoff_s, {"$pow": [2, {"$subtract": ["$attempt", 1]}]}]})
    again = {
        "status": "queued",
        "lease": None,
        "error": literal(error),
        "outcome": None,
        "not_before": back_off,
        "next_publish_at": back_off,
        "publish_count": literal(0),
        "updated_at": NOW,
        "history": happened("failed", code=literal(error.get("code")), attempt="$attempt"),
    }
    dead = ended("dead", terms, error=literal(error), outcome=None)["$set"]
    cancelled = ended("cancelled", terms, outcome=None)["$set"]
    return Operation(claim.filter, [either("$cancel_requested", cancelled, either(has_attempts, again, dead)["$set"])])


def release(claim: Claim, terms: Terms) -> Operation:
    """Hand a job back because the worker stops: it is due at once, and the attempt does not count.

    A job that was to be cancelled ends with it.
    """
    again = {
        "status": "queued",
        "attempt": {"$subtract": ["$attempt", 1]},
        "lease": None,
        "not_before": NOW,
        "next_publish_at": NOW,
        "publish_count": literal(0),
        "updated_at": NOW,
        "history": happened("released"),
    }
    cancelled = ended("cancelled", terms)["$set"]
    return Operation({**claim.filter, "outcome": None}, [either("$cancel_requested", cancelled, again)])


def request_cancel(correlation_id: str, terms: Terms, reason: ErrorDocument | None = None) -> Operation:
    """Cancel: a queued job ends at once; a running one is marked, and its worker ends it at its next heartbeat.

    Args:
        correlation_id: The job's id.
        terms: The protocol's times.
        reason: What the job is to end with as its error, because it is ended by something else than its owner's wish;
            then nothing is kept of it.
    """
    is_queued = {"$eq": ["$status", "queued"]}
    known = {"$ifNull": ["$cancel_reason", None]} if reason is None else literal(reason)
    changes = ended("cancelled", terms, outcome=None, error={"$ifNull": [known, "$error"]})["$set"]
    return Operation(
        {"_id": correlation_id, "status": {"$in": ["queued", "running"]}, "outcome": None},
        [
            {
                "$set": {
                    "cancel_requested": literal(True),
                    "cancel_reason": known,
                    "updated_at": NOW,
                    **{
                        name: {"$cond": [is_queued, value, f"${name}"]}
                        for name, value in changes.items()
                        if name != "updated_at"
                    },
                }
            }
        ],
    )


def cancelled(claim: Claim, terms: Terms) -> Operation:
    """End a job that its worker has stopped because it was cancelled."""
    return Operation({**claim.filter, "outcome": None}, [ended("cancelled", terms, outcome=None)])


def edit(correlation_id: str, spec: Document, spec_hash: str) -> Operation:
    """Lay another specification beside a dead job: a draft, which its next replay takes (docs/adr/0018).

    The record of what was asked and what came of it stays as it is.
    """
    draft = {"spec": literal(packed(spec)), "spec_hash": literal(spec_hash), "at": NOW}
    return Operation({"_id": correlation_id, "status": "dead"}, [{"$set": {"draft": draft}}])


def replay(correlation_id: str, terms: Terms, datasets: Sequence[BoundDatasetDocument] = ()) -> Operation:
    """Queue a job that ended without success once more, with fresh attempts, and as its draft says if it has one.

    Of a job that was edited the first specification is kept, and the hashes of all: whoever sends the first one again
    under the same id asks for this job.

    Args:
        correlation_id: The job's id.
        terms: The protocol's times.
        datasets: What the job reads, as it is now: a replay is an acceptance anew (docs/adr/0022).
    """
    is_edited = {"$eq": [{"$type": "$draft"}, "object"]}
    changes: Document = {
        "status": "queued",
        "attempt": literal(0),
        "max_attempts": literal(terms.max_attempts),
        "cancel_requested": literal(False),
        "cancel_reason": None,
        "datasets": literal(list(datasets)),
        "lease": None,
        "error": None,
        "progress": None,
        "outcome": None,
        "not_before": NOW,
        "next_publish_at": seconds_from_now(terms.republish_s),
        "published_at": NOW,
        "publish_count": literal(1),
        "finished_at": None,
        "expires_at": None,
        "updated_at": NOW,
        "history": happened("replayed", edited=is_edited),
    }
    edited: Document = {
        "spec": "$draft.spec",
        "spec_hash": "$draft.spec_hash",
        "first_spec": {"$ifNull": ["$first_spec", "$spec"]},
        "former_hashes": {"$setUnion": [{"$ifNull": ["$former_hashes", []]}, ["$spec_hash"]]},
        "draft": None,
    }
    return Operation(
        {"_id": correlation_id, "status": {"$in": ["failed", "dead", "cancelled"]}},
        [{"$set": {**changes, **either(is_edited, edited, {})["$set"]}}],
    )
