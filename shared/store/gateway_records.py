"""The records, for the gateway: read and changed over asyncio. What workers do is in ``ledger``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, PyMongoError

from modelbus.shared.contracts import EvaluateModel, EvaluatePredictions
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.errors import JobFinished, ModelbusError, UnknownDataset, UnknownJob, UnknownModel
from modelbus.shared.store.connection import CURRENT, DURABLE, Document, store_errors
from modelbus.shared.store.jobs import protocol
from modelbus.shared.store.jobs.acceptance import require_same
from modelbus.shared.store.jobs.binding import bind_async, use_of_job
from modelbus.shared.store.jobs.dataset_users import using
from modelbus.shared.store.jobs.ledger import error_document
from modelbus.shared.store.operation import NewJob, Operation, Terms
from modelbus.shared.store.records.library import unknown_dataset, version_number

PAGE_LIMIT = 200
EVALUATING = (EvaluateModel.__name__, EvaluatePredictions.__name__)
"""The commands that make evaluations."""


class JobRecords:
    """The jobs, as the gateway needs them.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: AsyncDatabase[Document], terms: Terms) -> None:
        self._database = database
        self._jobs = database.get_collection("jobs", write_concern=DURABLE, read_concern=CURRENT)
        self._terms = terms

    async def accept(self, job: NewJob) -> Document:
        """Record a job, bound to the datasets that it reads as they are now (docs/adr/0022).

        Again with the same id and specification gives the job that is there.

        Raises:
            CorrelationIdReused: The id belongs to a job with another specification or owner.
        """
        bound = replace(job, datasets=await bind_async(self._database, job.use))
        return require_same(await self._upsert(protocol.accept(bound, self._terms)), job)

    async def find(self, correlation_id: str) -> Document:
        """Read one job.

        Raises:
            UnknownJob: There is none of that id.
        """
        with store_errors():
            document = await self._jobs.find_one({"_id": correlation_id})
        if document is None:
            raise UnknownJob(f"there is no job with correlation id {correlation_id}")
        return document

    async def find_ended(self, correlation_ids: Sequence[str]) -> list[Document]:
        """Those of some jobs that have ended, in one query."""
        query = {"_id": {"$in": list(correlation_ids)}, "status": {"$in": sorted(TERMINAL_STATUSES)}}
        with store_errors():
            return await self._jobs.find(query).to_list()

    async def page(self, query: Document, *, after: Document | None, limit: int) -> list[Document]:
        """Jobs that match, newest first.

        Args:
            query: Field and value pairs, of the gateway's own making.
            after: The last job of the page before, with ``created_at`` and ``_id``.
            limit: How many at most.
        """
        with store_errors():
            found = self._jobs.find({**query, **older_than(after)})
            return await found.sort([("created_at", -1), ("_id", 1)]).limit(min(limit, PAGE_LIMIT)).to_list()

    async def count_ahead(self, job: Document) -> int:
        """How many queued jobs of the same queue were accepted before a job."""
        query = {"status": "queued", "queue": job["queue"], "created_at": {"$lt": job["created_at"]}}
        with store_errors():
            return await self._jobs.count_documents(query)

    async def recent_seconds(self, command: str, limit: int) -> list[float]:
        """How many seconds the last jobs of a command took that succeeded, newest first."""
        query = {"command": command, "status": "succeeded", "started_at": {"$ne": None}}
        with store_errors():
            found = self._jobs.find(query, {"started_at": 1, "finished_at": 1}).sort("created_at", -1).limit(limit)
            return [(one["finished_at"] - one["started_at"]).total_seconds() async for one in found]

    async def find_using(self, dataset: Document) -> list[Document]:
        """The queued and running jobs that read a dataset, oldest first, but for its readings (``Readings``).

        Args:
            dataset: The dataset's document. Jobs that are bound to another of its name do not read this one.

        Returns:
            ``_id``, ``command``, ``status`` and ``owner`` of each.
        """
        with store_errors():
            return (
                await self._jobs.find(using(dataset), {"command": 1, "status": 1, "owner": 1})
                .sort("created_at", 1)
                .to_list()
            )

    async def request_cancel(self, correlation_id: str, reason: ModelbusError | None = None) -> Document:
        """Cancel a job.

        Args:
            correlation_id: Its id.
            reason: What it ends with as its error, where something else than its owner's wish ends it.

        Raises:
            UnknownJob: There is none of that id.
            JobFinished: It has ended, or its outcome is being recorded.
        """
        told = None if reason is None else error_document(reason)
        changed = await self._run(protocol.request_cancel(correlation_id, self._terms, told))
        if changed is None:
            job = await self.find(correlation_id)
            state = "is being finished" if job["outcome"] else f"has ended: {job['status']}"
            raise JobFinished(f"job {correlation_id} cannot be cancelled, it {state}")
        return changed

    async def replay(self, correlation_id: str) -> Document:
        """Queue an unsuccessful job once more, with fresh attempts, bound to what its datasets are now.

        Raises:
            UnknownJob: There is none of that id.
            JobFinished: It has not ended, or it succeeded.
        """
        datasets = await bind_async(self._database, use_of_job(await self.find(correlation_id)))
        changed = await self._run(protocol.replay(correlation_id, self._terms, datasets))
        if changed is None:
            job = await self.find(correlation_id)
            raise JobFinished(
                f"job {correlation_id} is {job['status']}; only failed, dead and cancelled jobs can be replayed"
            )
        return changed

    async def find_of_evaluation(self, evaluation_id: str) -> Document | None:
        """The newest job that computes an evaluation: named by its command, or by the job's own id."""
        query = {**_of_evaluation(evaluation_id), "is_forgotten": {"$ne": True}}
        with store_errors():
            found = await self._jobs.find(query).sort("created_at", -1).limit(1).to_list()
        return found[0] if found else None

    async def forget_evaluation(self, evaluation_id: str) -> bool:
        """Let an evaluation that was never filled be no evaluation any more; its jobs stay as they are.

        Returns:
            Whether there was one.
        """
        unfilled = {
            **_of_evaluation(evaluation_id),
            "status": {"$in": ["failed", "dead"]},
            "is_forgotten": {"$ne": True},
        }
        with store_errors():
            return (await self._jobs.update_many(unfilled, {"$set": {"is_forgotten": True}})).modified_count > 0

    async def _run(self, operation: Operation) -> Document | None:
        with store_errors():
            return await self._jobs.find_one_and_update(
                operation.filter, operation.update, return_document=ReturnDocument.AFTER
            )

    async def _upsert(self, operation: Operation) -> Document:
        with store_errors():
            for is_last in (False, True):
                try:
                    document = await self._jobs.find_one_and_update(
                        operation.filter, operation.update, upsert=True, return_document=ReturnDocument.AFTER
                    )
                    assert document is not None  # an upsert always has a document to return
                    return document
                except DuplicateKeyError:
                    # Two senders raced; the loser reads the winner's record on its second try.
                    if is_last:
                        raise
        raise AssertionError("unreachable")


def older_than(last: Document | None, moment: str = "created_at") -> Document:
    """What documents match that follow the last one of a page, in the order from new to old.

    Args:
        last: That document, with ``_id`` and the field; None on the first page.
        moment: The field that they are in the order of.
    """
    if last is None:
        return {}
    older = {moment: {"$lt": last[moment]}}
    same = {moment: last[moment], "_id": {"$gt": last["_id"]}}
    return {"$or": [older, same]}


def _of_evaluation(evaluation_id: str) -> Document:
    mine = [{"spec.evaluation": evaluation_id}, {"_id": evaluation_id}]
    return {"command": {"$in": list(EVALUATING)}, "$or": mine}


class CatalogReader:
    """Datasets, models, evaluations, estimators and services, as the gateway needs them.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database.with_options(write_concern=DURABLE, read_concern=CURRENT)

    async def find(self, collection: str, key: str) -> Document | None:
        """Read one document by its name."""
        with store_errors():
            return await self._database[collection].find_one({"_id": key})

    async def list_all(self, collection: str, query: Document | None = None, sort: str = "_id") -> list[Document]:
        """All documents that match, in order of ``sort``."""
        with store_errors():
            return await self._database[collection].find(query or {}).sort(sort, 1).to_list()

    async def page_by_name(self, collection: str, query: Document, *, after: str | None, limit: int) -> list[Document]:
        """Documents that match, in order of their names.

        Args:
            collection: Where they are.
            query: Field and value pairs, of the gateway's own making.
            after: The name of the last one of the page before.
            limit: How many at most.
        """
        wanted = query if after is None else {**query, "_id": {"$gt": after}}
        with store_errors():
            return await self._database[collection].find(wanted).sort("_id", 1).limit(limit).to_list()

    async def page(
        self, collection: str, query: Document, *, after: Document | None, limit: int, without: Sequence[str] = ()
    ) -> list[Document]:
        """Documents that match, newest first.

        Args:
            collection: The collection.
            query: Field and value pairs, of the gateway's own making.
            after: The last document of the page before, with ``created_at`` and ``_id``.
            limit: How many at most.
            without: Fields that are not needed.
        """
        fields = dict.fromkeys(without, 0) or None
        with store_errors():
            found = self._database[collection].find({**query, **older_than(after)}, fields)
            return await found.sort([("created_at", -1), ("_id", 1)]).limit(min(limit, PAGE_LIMIT)).to_list()

    async def known(self, collection: str, keys: Sequence[str]) -> set[str]:
        """Which of some names are there."""
        with store_errors():
            found = await self._database[collection].find({"_id": {"$in": list(keys)}}, {"_id": 1}).to_list()
        return {document["_id"] for document in found}

    async def count(self, collection: str, query: Document) -> int:
        """How many documents match."""
        with store_errors():
            return await self._database[collection].count_documents(query)

    async def delete(self, collection: str, key: str) -> bool:
        """Delete one document; whether it was there."""
        with store_errors():
            return (await self._database[collection].delete_one({"_id": key})).deleted_count == 1

    async def dataset(self, name: str) -> Document:
        """A dataset's document.

        Raises:
            UnknownDataset: There is none of that name.
        """
        document = await self.find("datasets", name)
        if document is None:
            raise UnknownDataset(unknown_dataset(name))
        return document

    async def services(self) -> list[Document]:
        """The consumers' records, with ``silent_s``: seconds since each was last heard of, by the server's clock."""
        silent_s = {"$round": [{"$divide": [{"$subtract": ["$$NOW", "$seen_at"]}, 1000]}, 1]}
        stages: list[Document] = [{"$addFields": {"silent_s": silent_s}}, {"$sort": {"_id": 1}}]
        with store_errors():
            return await (await self._database["services"].aggregate(stages)).to_list()

    async def model(self, name: str) -> Document:
        """A model's document.

        Raises:
            UnknownModel: There is none of that name.
        """
        document = await self.find("models", name)
        if document is None:
            raise UnknownModel(f"there is no model named {name!r}")
        return document

    async def version(self, reference: str) -> Document:
        """The version that a reference means now.

        Raises:
            UnknownModel: There is no such model, alias or version.
        """
        name, selector = split_reference(reference)
        number = version_number(await self.model(name), selector)
        document = await self.find("versions", f"{name}@{number}")
        if document is None:
            raise UnknownModel(f"model {name!r} has no version {number}")
        return document

    async def change_version(
        self, key: str, *, set_tags: Mapping[str, str], removed: Collection[str], note: str | None
    ) -> Document:
        """Change what is to be remembered of a version; returns it as it is then.

        Args:
            key: Its ``_id``.
            set_tags: Tags to set; names have no dots.
            removed: Names of tags to remove.
            note: Another note; None leaves the one that is there.

        Raises:
            UnknownModel: It was deleted meanwhile.
        """
        update: Document = {"$set": {f"tags.{name}": value for name, value in set_tags.items()}}
        if note is not None:
            update["$set"]["note"] = note
        if removed:
            update["$unset"] = {f"tags.{name}": "" for name in removed}
        operation = {operator: fields for operator, fields in update.items() if fields}
        with store_errors():
            versions = self._database["versions"]
            if operation:
                document = await versions.find_one_and_update(
                    {"_id": key}, operation, return_document=ReturnDocument.AFTER
                )
            else:
                document = await versions.find_one({"_id": key})
        if document is None:
            raise UnknownModel(f"version {key!r} was deleted")
        return document

    async def usage(self, version: Document) -> Document:
        """How a version was used: ``requests``, ``rows``, ``report`` (rows by incident and column), ``updated_at``."""
        document = await self.find("usage", version["correlation_id"]) or {}
        report = {
            incident: {unquote(column): count for column, count in columns.items()}
            for incident, columns in document.get("report", {}).items()
        }
        return {
            "requests": document.get("requests", 0),
            "rows": document.get("rows", 0),
            "report": report,
            "updated_at": document.get("updated_at"),
        }

    async def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version that is there.

        Raises:
            UnknownModel: There is no such model or version.
        """
        await self.version(f"{model}@{version}")
        with store_errors():
            await self._database["models"].update_one({"_id": model}, {"$set": {f"aliases.{alias}": version}})

    async def remove_alias(self, model: str, alias: str) -> bool:
        """Remove an alias; whether it was there."""
        with store_errors():
            result = await self._database["models"].update_one(
                {"_id": model, f"aliases.{alias}": {"$exists": True}}, {"$unset": {f"aliases.{alias}": ""}}
            )
        return result.modified_count == 1

    async def unlist_all(self, model: str) -> None:
        """Take all versions and aliases out of a model's lists: from then on nothing finds them."""
        with store_errors():
            await self._database["models"].update_one({"_id": model}, {"$set": {"versions": [], "aliases": {}}})

    async def unlist_version(self, model: str, version: int) -> None:
        """Take a version out of its model's list, with the aliases that point at it: from then on nothing finds it."""
        document = await self.model(model)
        aliases = {f"aliases.{alias}": "" for alias, number in document["aliases"].items() if number == version}
        update: Document = {"$pull": {"versions": version}}
        with store_errors():
            await self._database["models"].update_one({"_id": model}, update | ({"$unset": aliases} if aliases else {}))

    async def is_answering(self) -> bool:
        """Whether MongoDB answers a ping within its time-out."""
        try:
            await self._database.client.admin.command("ping")
        except PyMongoError:
            return False
        return True
