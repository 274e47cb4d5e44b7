"""Datasets, models and estimators, for workers: what a job reads before it begins, and what a service declares."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from pymongo import ReplaceOne
from pymongo.database import Database

from modelbus.shared.contracts import EstimatorRecord
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.errors import DatasetChanged, UnknownDataset, UnknownModel
from modelbus.shared.store.connection import CURRENT, Document, store_errors
from modelbus.shared.store.records.served import served_jobs

LEFT_OUT_KEY: Final = "left_out"


class Library:
    """Looks things up by name.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: Database[Document], digests: Mapping[str, str] | None = None) -> None:
        """Args:
        database: Where all is.
        digests: The SHA-256 of each dataset that the job is bound to, by name (docs/adr/0022).
        """
        self._database = database.with_options(read_concern=CURRENT)
        self._digests = dict(digests or {})

    def dataset(self, name: str) -> Document:
        """The dataset's document, if it is the one that the job was accepted for.

        Raises:
            UnknownDataset: There is none of that name, or none any more.
            DatasetChanged: Another one has its name now.
        """
        return self._dataset(name, self._digests.get(name))

    def dataset_read_by(self, job: Document) -> Document:
        """The dataset that another job read, named in its specification.

        Raises:
            UnknownDataset: There is none of that name any more.
            DatasetChanged: Another one has its name now.
        """
        name = job["spec"]["dataset"]
        bound = {each["name"]: each["sha256"] for each in job.get("datasets", [])}
        return self._dataset(name, bound.get(name))

    def _dataset(self, name: str, sha256: str | None) -> Document:
        with store_errors():
            document = self._database["datasets"].find_one({"_id": name})
        if document is None:
            raise UnknownDataset(unknown_dataset(name) if sha256 is None else _removed(name))
        if sha256 is not None and document.get("sha256") != sha256:
            raise DatasetChanged(_replaced(name))
        return document

    def has_dataset(self, name: str) -> bool:
        """Whether a dataset of that name is there."""
        with store_errors():
            return self._database["datasets"].find_one({"_id": name}, {"_id": 1}) is not None

    def has_evaluation(self, evaluation_id: str) -> bool:
        """Whether an evaluation of that id is there."""
        with store_errors():
            return self._database["evaluations"].find_one({"_id": evaluation_id}, {"_id": 1}) is not None

    def model(self, name: str) -> Document:
        """The model's document: its versions' numbers and its aliases.

        Raises:
            UnknownModel: There is none of that name.
        """
        with store_errors():
            document = self._database["models"].find_one({"_id": name})
        if document is None:
            raise UnknownModel(f"there is no model named {name!r}")
        return document

    def version(self, reference: str) -> Document:
        """The version that a reference means now (an alias is resolved).

        Raises:
            UnknownModel: There is no such model, alias or version.
        """
        name, selector = split_reference(reference)
        model = self.model(name)
        return self.version_of(model, version_number(model, selector))

    def version_of(self, model: Document, number: int) -> Document:
        """A version of a model that was looked up already.

        Raises:
            UnknownModel: It has no such version.
        """
        name = model["_id"]
        with store_errors():
            document = self._database["versions"].find_one({"_id": f"{name}@{number}"})
        if document is None:
            raise UnknownModel(f"model {name!r} has no version {number}")
        return document

    def served_jobs(self, version: Document, since: datetime) -> Iterator[Document]:
        """The predictions that a version may have answered, the newest first; see ``served_jobs``."""
        return served_jobs(self._database, version, since)

    def declare_estimators(self, estimators: list[EstimatorRecord], left_out: Mapping[str, str]) -> None:
        """Replace the catalogue that `GET /estimators` answers from.

        Args:
            estimators: What can be trained.
            left_out: What is not offered on purpose, with the reason.
        """
        collection = self._database["estimators"]
        names = [estimator.name for estimator in estimators]
        writes: list[Any] = [
            ReplaceOne({"_id": estimator.name}, estimator.model_dump(mode="json"), upsert=True)
            for estimator in estimators
        ]
        with store_errors():
            collection.bulk_write(writes, ordered=False)
            collection.delete_many({"_id": {"$nin": names}})
            reasons = {"_id": LEFT_OUT_KEY, "reasons": dict(left_out)}
            self._database["catalogue"].replace_one({"_id": LEFT_OUT_KEY}, reasons, upsert=True)


def version_number(model: Document, selector: str | int) -> int:
    """The number of the version that a selector (a number or an alias) means.

    Raises:
        UnknownModel: The model has no such version or alias.
    """
    if isinstance(selector, int):
        if selector not in model["versions"]:
            known = ", ".join(map(str, model["versions"][-10:])) or "none"
            raise UnknownModel(f"model {model['_id']!r} has no version {selector}; its versions: {known}")
        return selector
    number = model["aliases"].get(selector)
    if number is None:
        known = ", ".join(sorted(model["aliases"])) or "none"
        raise UnknownModel(f"model {model['_id']!r} has no alias {selector!r}; its aliases: {known}")
    return int(number)


def unknown_dataset(name: str) -> str:
    """The sentence that both doors answer for a dataset that is not there."""
    return f"there is no dataset named {name!r}; upload it with POST /datasets"


def _removed(name: str) -> str:
    return f"dataset {name!r} was deleted after the job was accepted; upload it again and replay the job"


def _replaced(name: str) -> str:
    return (
        f"dataset {name!r} was replaced after the job was accepted: another table has its name now; replay the job to "
        "have it done on that table, or upload the first one again under another name"
    )
