"""Reads datasets and models for workers' jobs, and writes the catalogue of estimators that a service declares."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from pymongo import ReplaceOne
from pymongo.database import Database

from modelbus.shared.contracts import EstimatorRecord
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.documents.job_documents import JobDocument, ServedJob
from modelbus.shared.contracts.documents.model_documents import ModelDocument, VersionDocument
from modelbus.shared.errors import DatasetChanged, UnknownDataset
from modelbus.shared.store.connection import Document, store_errors
from modelbus.shared.store.drivers.worker_store import WorkerStore
from modelbus.shared.store.indexes import CATALOGUE, DATASETS, ESTIMATORS, EVALUATIONS
from modelbus.shared.store.job_queries import jobs_served_by
from modelbus.shared.store.queries import by_id
from modelbus.shared.store.records import catalog_queries as catalog


class Library:
    """Looks things up by name.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: Database[Document], digests: Mapping[str, str] | None = None) -> None:
        """Args:
        database: The database.
        digests: The SHA-256 of each dataset that the job is bound to, by name (docs/adr/0022).
        """
        self._store = WorkerStore(database)
        self._digests = dict(digests or {})

    def dataset(self, name: str) -> DatasetDocument:
        """The document of the dataset, provided it is the one that the job was accepted for.

        Raises:
            UnknownDataset: There is no dataset of that name, or it was deleted.
            DatasetChanged: Another one has its name now.
        """
        return self._dataset(name, self._digests.get(name))

    def dataset_read_by(self, job: JobDocument | ServedJob) -> DatasetDocument:
        """The dataset that another job read, as its specification names it.

        Raises:
            UnknownDataset: There is none of that name any more.
            DatasetChanged: Another one has its name now.
        """
        name = job["spec"]["dataset"]
        bound = {each["name"]: each["sha256"] for each in job.get("datasets", [])}
        return self._dataset(name, bound.get(name))

    def _dataset(self, name: str, sha256: str | None) -> DatasetDocument:
        document = self._store.one(catalog.dataset_named(name))
        if document is None and sha256 is not None:
            raise UnknownDataset(_removed(name))
        document = catalog.require_dataset(document, name)
        if sha256 is not None and document.get("sha256") != sha256:
            raise DatasetChanged(_replaced(name))
        return document

    def has_dataset(self, name: str) -> bool:
        """Whether a dataset of that name exists."""
        return self._store.one(by_id(DATASETS, name, catalog.NAMED)) is not None

    def has_evaluation(self, evaluation_id: str) -> bool:
        """Whether an evaluation of that id exists."""
        return self._store.one(by_id(EVALUATIONS, evaluation_id, catalog.NAMED)) is not None

    def model(self, name: str) -> ModelDocument:
        """The model's document: its versions' numbers and its aliases.

        Raises:
            UnknownModel: There is none of that name.
        """
        return catalog.require_model(self._store.one(catalog.model_named(name)), name)

    def version(self, reference: str) -> VersionDocument:
        """The version that a reference means now (an alias is resolved).

        Raises:
            UnknownModel: There is no such model, alias or version.
        """
        name, selector = split_reference(reference)
        model = self.model(name)
        return self.version_of(model, catalog.version_number(model, selector))

    def version_of(self, model: ModelDocument, number: int) -> VersionDocument:
        """A version of a model whose document was read already.

        Raises:
            UnknownModel: It has no such version.
        """
        name = model["_id"]
        return catalog.require_version(self._store.one(catalog.version_numbered(name, number)), name, number)

    def served_jobs(self, version: VersionDocument, since: datetime) -> Iterator[ServedJob]:
        """The predictions that a version may have answered, the newest first; see ``jobs_served_by``."""
        return self._store.each(jobs_served_by(version, since))

    def declare_estimators(self, estimators: list[EstimatorRecord], left_out: Mapping[str, str]) -> None:
        """Replace the catalogue that `GET /estimators` answers from.

        Args:
            estimators: The estimators that can be trained.
            left_out: The estimators that are not offered on purpose, with the reason.
        """
        names = [estimator.name for estimator in estimators]
        writes = [
            ReplaceOne[Document]({"_id": estimator.name}, estimator.model_dump(mode="json"), upsert=True)
            for estimator in estimators
        ]
        reasons = {"_id": catalog.LEFT_OUT_KEY, "reasons": dict(left_out)}
        with store_errors():
            self._store.collection(ESTIMATORS).bulk_write(writes, ordered=False)
            self._store.collection(CATALOGUE).replace_one({"_id": catalog.LEFT_OUT_KEY}, reasons, upsert=True)
        self._store.delete_all(ESTIMATORS, {"_id": {"$nin": names}})


def _removed(name: str) -> str:
    return f"dataset {name!r} was deleted after the job was accepted; upload it again and replay the job"


def _replaced(name: str) -> str:
    return (
        f"dataset {name!r} was replaced after the job was accepted; replay the job to use the new table, or upload the "
        "old one again under another name"
    )
