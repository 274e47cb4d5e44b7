"""Reads datasets, models, evaluations, estimators and services for the gateway; for workers ``library`` does."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TypedDict
from urllib.parse import unquote

from pymongo.asynchronous.database import AsyncDatabase

from modelbus.shared.contracts.base import split_reference
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument, ListedDataset
from modelbus.shared.contracts.documents.evaluation_documents import (
    EvaluationDocument,
    ListedEvaluation,
    StoredEvaluation,
)
from modelbus.shared.contracts.documents.model_documents import ModelDocument, StoredVersion, VersionDocument
from modelbus.shared.contracts.documents.service_documents import EstimatorDocument, ListedEstimator, SeenService
from modelbus.shared.errors import UnknownModel
from modelbus.shared.store.connection import Document
from modelbus.shared.store.drivers.gateway_store import GatewayStore
from modelbus.shared.store.indexes import DATASETS, ESTIMATORS, EVALUATIONS, MODELS, USAGE, VERSIONS
from modelbus.shared.store.queries import After, Query, by_id
from modelbus.shared.store.records import catalog_queries as catalog


class VersionUsage(TypedDict):
    """How a version was used."""

    requests: int
    rows: int
    report: dict[str, dict[str, int]]
    """Numbers of rows by incident and column."""
    updated_at: datetime | None


class CatalogReader:
    """Datasets, models, evaluations, estimators and services, as the gateway needs them.

    Every method but ``is_answering`` raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._store = GatewayStore(database)

    async def dataset(self, name: str) -> DatasetDocument:
        """A dataset.

        Raises:
            UnknownDataset: There is none of that name.
        """
        return catalog.require_dataset(await self._store.one(catalog.dataset_named(name)), name)

    async def has_dataset(self, name: str) -> bool:
        """Whether a dataset of that name exists."""
        return await self._store.one(by_id(DATASETS, name, catalog.NAMED)) is not None

    async def datasets(self, *, after: str | None, limit: int) -> list[ListedDataset]:
        """A page of datasets, by name.

        Args:
            after: The name of the last one of the page before.
            limit: How many at most.
        """
        return await self._store.all(catalog.by_name(DATASETS, after, limit, catalog.LISTED_DATASET))

    async def remove_dataset(self, name: str) -> None:
        """Remove a dataset's record."""
        await self._store.delete(DATASETS, {"_id": name})

    async def model(self, name: str) -> ModelDocument:
        """A model.

        Raises:
            UnknownModel: There is none of that name.
        """
        return catalog.require_model(await self.find_model(name), name)

    async def find_model(self, name: str) -> ModelDocument | None:
        """A model; None if there is none of that name."""
        return await self._store.one(catalog.model_named(name))

    async def models(self, *, after: str | None, limit: int) -> list[ModelDocument]:
        """A page of models, by name; as ``datasets``."""
        return await self._store.all(catalog.by_name(MODELS, after, limit, catalog.MODEL))

    async def remove_model(self, name: str) -> None:
        """Remove a model's record."""
        await self._store.delete(MODELS, {"_id": name})

    async def version(self, reference: str) -> VersionDocument:
        """The version that a reference means now.

        Raises:
            UnknownModel: There is no such model, alias or version.
        """
        name, selector = split_reference(reference)
        number = catalog.version_number(await self.model(name), selector)
        return catalog.require_version(await self.find_version(name, number), name, number)

    async def find_version(self, model: str, number: int) -> VersionDocument | None:
        """A version; None if there is none of that number."""
        return await self._store.one(catalog.version_numbered(model, number))

    async def versions_of(self, model: str) -> list[StoredVersion]:
        """All versions of a model, with their files."""
        return await self._store.all(catalog.versions_of(model))

    async def count_versions_from(self, dataset: str) -> int:
        """How many versions were trained on a dataset."""
        return await self._store.count(VERSIONS, {"dataset": dataset})

    async def change_version(
        self, key: str, *, set_tags: Mapping[str, str], removed: Collection[str], note: str | None
    ) -> VersionDocument:
        """Change the tags and the note of a version (``remember``); returns the changed version.

        Raises:
            UnknownModel: It was deleted meanwhile.
        """
        operation = catalog.remember(key, set_tags=set_tags, removed=removed, note=note)
        if operation.update:
            document = await self._store.change(VERSIONS, operation, catalog.VERSION)
        else:
            document = await self._store.one(by_id(VERSIONS, key, catalog.VERSION))
        if document is None:
            raise UnknownModel(f"version {key!r} has been deleted")
        return document

    async def remove_version(self, version: StoredVersion) -> None:
        """Remove a version's record and its usage counts."""
        await self._store.delete(VERSIONS, {"_id": version["_id"]})
        await self._store.delete(USAGE, {"_id": version["correlation_id"]})

    async def usage(self, version: StoredVersion) -> VersionUsage:
        """How a version was used."""
        found = await self._store.one(by_id(USAGE, version["correlation_id"], catalog.USAGE_COUNTS))
        counts = found or {"_id": version["correlation_id"]}
        report = {
            incident: {unquote(column): count for column, count in columns.items()}
            for incident, columns in counts.get("report", {}).items()
        }
        return {
            "requests": counts.get("requests", 0),
            "rows": counts.get("rows", 0),
            "report": report,
            "updated_at": counts.get("updated_at"),
        }

    async def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at an existing version.

        Raises:
            UnknownModel: There is no such model or version.
        """
        await self.version(f"{model}@{version}")
        if not await self._store.update(MODELS, catalog.point_alias(model, alias, version)):
            # It was deleted since; what there is now says so in the same words.
            catalog.version_number(await self.model(model), version)
            raise UnknownModel(f"version {version} of model {model!r} has been deleted in the meantime")

    async def remove_alias(self, model: str, alias: str) -> bool:
        """Remove an alias; True if it existed."""
        return await self._store.update(MODELS, catalog.remove_alias(model, alias))

    async def unlist_all(self, model: str) -> None:
        """Remove all versions and aliases from a model's lists: from then on nothing finds them."""
        await self._store.update(MODELS, catalog.unlist_all(model))

    async def unlist_version(self, model: str, version: int) -> None:
        """Remove a version from its model's list, with the aliases that point at it: from then on nothing finds it."""
        await self._store.update(MODELS, catalog.unlist_version(model, version))

    async def evaluation(self, evaluation_id: str) -> EvaluationDocument | None:
        """A finished evaluation; None if there is none of that id."""
        return await self._store.one(by_id(EVALUATIONS, evaluation_id, catalog.EVALUATION))

    async def stored_evaluation(self, evaluation_id: str) -> StoredEvaluation | None:
        """The owner and the files of an evaluation."""
        return await self._store.one(by_id(EVALUATIONS, evaluation_id, catalog.STORED_EVALUATION))

    async def evaluations(
        self, *, model: str | None, dataset: str | None, after: After | None, limit: int
    ) -> list[ListedEvaluation]:
        """A page of finished evaluations; see ``evaluations_page``."""
        query = catalog.evaluations_page(model=model, dataset=dataset, after=after, limit=limit)
        return await self._store.all(query)

    async def known_evaluations(self, evaluation_ids: Sequence[str]) -> set[str]:
        """Which of some evaluations are finished."""
        return await self._ids(catalog.of_names(EVALUATIONS, evaluation_ids, catalog.NAMED))

    async def remove_evaluation(self, evaluation_id: str) -> bool:
        """Remove an evaluation's record; True if it existed."""
        return await self._store.delete(EVALUATIONS, {"_id": evaluation_id})

    async def estimators(self, task: str | None) -> list[ListedEstimator]:
        """The estimators of a task, or all, by name."""
        return await self._store.all(catalog.estimators_of(task))

    async def estimator(self, name: str) -> EstimatorDocument | None:
        """An estimator; None if it is not in the catalogue."""
        return await self._store.one(by_id(ESTIMATORS, name, catalog.ESTIMATOR))

    async def has_estimators(self) -> bool:
        """Whether a trainer has declared a catalogue."""
        return await self._store.count(ESTIMATORS, {}) > 0

    async def left_out(self) -> dict[str, str]:
        """Estimators that are not offered on purpose, with the reason."""
        found = await self._store.one(catalog.left_out_estimators())
        return found["reasons"] if found is not None else {}

    async def services(self) -> list[SeenService]:
        """The consumers; see ``seen_services``."""
        return await self._store.aggregated(catalog.seen_services())

    async def is_answering(self) -> bool:
        """Whether MongoDB answers a ping within its time-out."""
        return await self._store.is_answering()

    async def _ids(self, query: Query[catalog.Named]) -> set[str]:
        return {document["_id"] for document in await self._store.all(query)}
