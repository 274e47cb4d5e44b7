"""Applies the outcomes of jobs: a dataset, a model version, an evaluation, stored files, or only an answer.

An outcome is first committed in the job and then applied here, by whoever finishes the job. It takes effect exactly
once, even if it is applied repeatedly, because everything that it creates has the job's correlation id.
"""

from collections.abc import Iterable
from typing import Any, Final, assert_never

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from modelbus.shared.contracts.documents.job_documents import JobDocument
from modelbus.shared.contracts.records.job_outcomes import (
    AnswerOutcome,
    DatasetOutcome,
    EvaluationOutcome,
    FilesOutcome,
    VersionOutcome,
    parse_outcome,
)
from modelbus.shared.errors import DatasetExists, EvaluationExists, UnknownUpload
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import CURRENT, DURABLE, Document, store_errors
from modelbus.shared.store.operation import NOW, literal
from modelbus.shared.store.records.catalog_queries import VERSION
from modelbus.shared.store.upserting import upsert

STORE_FIELDS: Final = frozenset({"_id", "blob_id", "candidates", "candidates_blob_id", "rows_blob_id", "files"})
"""Fields of a record that are internal to the store, or are returned separately."""


class Outcomes:
    """Applies outcomes; see ``apply``."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database.with_options(write_concern=DURABLE, read_concern=CURRENT)
        self._blobs = BlobStore(database)

    def apply(self, job: JobDocument) -> Document:
        """Make what the job's committed outcome describes; harmless when repeated.

        Args:
            job: The job's document, with its ``outcome``.

        Returns:
            The job's result.

        Raises:
            DatasetExists, EvaluationExists: Another job made one of that name meanwhile.
            NotFound: What the outcome stands on was removed meanwhile.
            StoreUnavailable: MongoDB does not answer.
            ModelbusError: The outcome breaks its contract.
        """
        outcome = parse_outcome(job["outcome"])
        with store_errors():
            match outcome:
                case DatasetOutcome():
                    return self._dataset(job, outcome)
                case VersionOutcome():
                    return self._version(job, outcome)
                case EvaluationOutcome():
                    return self._evaluation(job, outcome)
                case FilesOutcome():
                    return self._files(outcome)
                case AnswerOutcome():
                    return self._answer(outcome)
                case _:
                    assert_never(outcome)

    def _dataset(self, job: JobDocument, outcome: DatasetOutcome) -> Document:
        record = {**outcome.record, "owner": job["owner"], "correlation_id": job["_id"]}
        name = record["name"]
        stored = _insert_once(self._database["datasets"], name, {**record, "blob_id": outcome.blob_id})
        if stored["correlation_id"] != job["_id"]:
            raise DatasetExists(f"job {stored['correlation_id']} has created a dataset named {name!r} in the meantime")
        self._blobs.make_live(outcome.blob_id)
        if outcome.upload_id:
            self._blobs.delete(outcome.upload_id)
        return {"dataset": _public(stored)}

    def _version(self, job: JobDocument, outcome: VersionOutcome) -> Document:
        record = {**outcome.record, "owner": job["owner"], "correlation_id": job["_id"]}
        versions = self._database["versions"]
        stored = self._version_of(job["_id"])
        # A number may be taken by what is left of a deleted model of that name: then the next one is free.
        while stored is None or stored["correlation_id"] != job["_id"]:
            number = self._next_version(record["model"], job["owner"])
            apart = outcome.apart.model_dump(exclude_none=True)
            document = {**record, "version": number, "blob_id": outcome.blob_id, **apart}
            try:
                stored = _insert_once(versions, f"{record['model']}@{number}", document)
            except DuplicateKeyError:
                # A job has one version: whoever finishes the same job at the same time has made it under its number.
                stored = self._version_of(job["_id"])
        self._blobs.make_live(stored["blob_id"])
        for name in ("candidates_blob_id", "rows_blob_id"):
            if stored.get(name):
                self._blobs.make_live(stored[name])
        champion = self._list_version(stored["model"], stored["version"], job["owner"], outcome)
        is_champion = champion == stored["version"]
        if outcome.promote and not is_champion and outcome.depends_on_champion:
            stored = self._tell_overtaken(stored, outcome, champion)
        compared = {"comparison": stored["comparison"]} if stored.get("comparison") else {}
        return {"version": _public(stored), "is_champion": is_champion, **compared, **outcome.report}

    def _version_of(self, correlation_id: str) -> Document | None:
        """The version that a job made; None if it made none yet."""
        return self._database["versions"].find_one({"correlation_id": correlation_id}, projection=VERSION.projection)

    def _tell_overtaken(self, stored: Document, outcome: VersionOutcome, champion: int | None) -> Document:
        """Record in a version that should have become the champion which version is the champion instead."""
        seen = outcome.champion_seen or champion
        if seen is None:
            return stored
        now = f"version {champion}" if champion is not None else "no version"
        reason = f"this version was meant to replace the champion, but in the meantime {now} has become the champion"
        found = {"champion_version": seen, **(stored.get("comparison") or {}), "reason": reason}
        self._database["versions"].update_one({"_id": stored["_id"]}, {"$set": {"comparison": found}})
        return {**stored, "comparison": found}

    def _next_version(self, model: str, owner: str) -> int:
        # A worker that dies between this and the insert leaves a gap in the numbers, which is harmless.
        latest = {"latest_version": {"$add": [{"$ifNull": ["$latest_version", 0]}, 1]}}
        return int(upsert(self._database["models"], model, [{"$set": _model_fields(owner) | latest}])["latest_version"])

    def _list_version(self, model: str, version: int, owner: str, outcome: VersionOutcome) -> int | None:
        """Add a version to its model's list, and move ``champion`` if wanted, or if it is the model's only version.

        ``champion`` never goes back to an older version: a job that was retried must not undo a newer one's promotion.
        Where that was decided by which version was the champion (``champion_seen``; None if there was none), it moves
        only from that one. A model that was deleted since the number was taken is there again.

        Returns:
            The champion now.
        """
        champion = "$aliases.champion"
        is_only = {"$in": ["$versions", [[], [version]]]}
        # An absent champion compares as less than any number.
        moves: Any = {"$lt": [champion, version]} if outcome.promote else is_only
        if outcome.promote and outcome.depends_on_champion:
            is_as_seen = {"$eq": [{"$ifNull": [champion, None]}, literal(outcome.champion_seen)]}
            moves = {"$or": [is_only, {"$and": [moves, is_as_seen]}]}
        changes = {
            "versions": {"$setUnion": ["$versions", [version]]},
            "latest_version": {"$max": ["$latest_version", version]},
            "aliases.champion": {"$cond": [moves, version, champion]},
        }
        document = upsert(self._database["models"], model, [{"$set": _model_fields(owner)}, {"$set": changes}])
        found = document["aliases"].get("champion")
        return None if found is None else int(found)

    def _evaluation(self, job: JobDocument, outcome: EvaluationOutcome) -> Document:
        record = {**outcome.record, "owner": job["owner"], "correlation_id": job["_id"], "status": "succeeded"}
        files = [file.model_dump() for file in outcome.files]
        stored = _insert_once(self._database["evaluations"], record["id"], {**record, "files": files})
        if stored["correlation_id"] != job["_id"]:
            raise EvaluationExists(
                f"job {stored['correlation_id']} has created an evaluation {record['id']!r} in the meantime"
            )
        for file in outcome.files:
            self._blobs.make_live(file.blob_id)
        return {"evaluation": _public(stored)}

    def _files(self, outcome: FilesOutcome) -> Document:
        self._make_live(outcome.blobs.values())
        return {**outcome.report, "blobs": outcome.blobs}

    def _answer(self, outcome: AnswerOutcome) -> Document:
        # An upload that was only looked at; of a large answer its file is live already.
        if outcome.upload_id:
            self._blobs.delete(outcome.upload_id)
        self._make_live(file.blob_id for file in outcome.files)
        return outcome.result

    def _make_live(self, blob_ids: Iterable[str]) -> None:
        for blob_id in blob_ids:
            if not self._blobs.make_live(blob_id):
                raise UnknownUpload(f"the stored file {blob_id} has been removed in the meantime")


def _model_fields(owner: str) -> Document:
    """What a model's document has from the beginning; what is there already stays."""
    return {
        "owner": {"$ifNull": ["$owner", literal(owner)]},
        "latest_version": {"$ifNull": ["$latest_version", 0]},
        "versions": {"$ifNull": ["$versions", []]},
        "aliases": {"$ifNull": ["$aliases", literal({})]},
        "created_at": {"$ifNull": ["$created_at", NOW]},
    }


def _insert_once(collection: Collection[Document], key: str, document: Document) -> Document:
    """Insert under ``key`` unless something is there; returns what is there then."""
    is_new = {"$eq": [{"$type": "$created_at"}, "missing"]}
    fresh = {"$mergeObjects": [literal({**document, "_id": key}), {"created_at": NOW}]}
    return upsert(collection, key, [{"$replaceWith": {"$cond": [is_new, fresh, "$$ROOT"]}}])


def _public(document: Document) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in STORE_FIELDS}
