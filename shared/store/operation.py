"""The building blocks of the job protocol: the operation, helpers for its expressions, and parts that all steps share.

An operation is a filter and a pipeline update, without a connection: run as one single-document operation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from modelbus.shared.contracts.checks.dataset_use import DatasetUse
from modelbus.shared.contracts.documents.job_documents import BoundDatasetDocument

Document = dict[str, Any]
Pipeline = list[Document]

NOW: Final = "$$NOW"
"""The server's time: a worker's clock decides nothing."""
HISTORY_LIMIT: Final = 20
"""The maximum number of entries kept of a job's history."""


@dataclass(frozen=True)
class Operation:
    """One update, for the drivers' ``change``, ``upsert`` and ``update``."""

    filter: Document
    update: Pipeline | Document


@dataclass(frozen=True)
class Terms:
    """The times of the protocol; seconds, from the settings."""

    lease_s: float
    republish_s: float
    retry_backoff_s: float
    job_retention_s: float
    dead_retention_s: float
    max_attempts: int


@dataclass(frozen=True)
class NewJob:
    """The command that acceptance records, and how it is kept."""

    correlation_id: str
    command: str
    queue: str
    spec: Document
    spec_hash: str
    owner: str
    door: str
    reply_to: str | None = None
    given_correlation_id: str | None = None
    """What its sender calls it and finds the reply by, if that is not ``correlation_id``."""
    headers: Mapping[str, Any] = field(default_factory=dict)
    retention_s: float | None = None
    """Seconds for which the job is kept after its end, however it ends; by default what the terms say."""
    use: DatasetUse = field(default_factory=DatasetUse)
    """Which datasets its command reads."""
    datasets: Sequence[BoundDatasetDocument] = ()
    """The state of these datasets when the job is accepted (docs/adr/0022)."""


@dataclass(frozen=True)
class Claim:
    """A claimed job: who holds it and under which fence."""

    correlation_id: str
    fence: int
    worker: str

    @property
    def filter(self) -> Document:
        """A filter that matches the job only while this claim is the valid one."""
        return {"_id": self.correlation_id, "status": "running", "fence": self.fence}


def literal(value: Any) -> Document:
    """Wrap a value so that the server reads it literally."""
    return {"$literal": value}


def seconds_from_now(seconds: float | Document) -> Document:
    """The server's time plus some seconds (a number, or an expression)."""
    if isinstance(seconds, dict):
        return {"$add": [NOW, {"$toLong": {"$multiply": [seconds, 1000]}}]}
    return {"$add": [NOW, round(seconds * 1000)]}


def happened(what: str, **facts: Any) -> Document:
    """Append an entry to the history, and keep only the last ones."""
    entry = {"at": NOW, "event": what, **facts}
    return {"$slice": [{"$concatArrays": [{"$ifNull": ["$history", []]}, [entry]]}, -HISTORY_LIMIT]}


def either(condition: Any, changes: Document, otherwise: Document) -> Document:
    """The update that makes ``changes`` if the condition holds, and otherwise the other changes."""
    return {
        "$set": {
            name: {"$cond": [condition, changes.get(name, f"${name}"), otherwise.get(name, f"${name}")]}
            for name in sorted({*changes, *otherwise})
        }
    }


def kept_until(retention_s: float | Document) -> Document:
    """The moment until which a job that ends now is kept: for its own retention, or else for ``retention_s``.

    Jobs that an earlier release accepted have no such field.
    """
    return seconds_from_now({"$ifNull": ["$retention_s", retention_s]})


def ended(status: str, terms: Terms, **changes: Any) -> Document:
    """The update that all terminal statuses share. A job that was cancelled for a reason ends with it as its error."""
    retention_s = terms.dead_retention_s if status == "dead" else terms.job_retention_s
    reason = {"error": {"$ifNull": ["$cancel_reason", "$error"]}} if status == "cancelled" else {}
    return {
        "$set": {
            "status": status,
            "lease": None,
            "finished_at": NOW,
            "updated_at": NOW,
            "expires_at": kept_until(retention_s),
            "history": happened(status),
            **reason,
            **changes,
        }
    }
