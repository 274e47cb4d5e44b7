"""Queries about datasets, models, evaluations, estimators and services, for both drivers, and updates of models.

Every look-up by name raises the same error for what does not exist: ``require_dataset`` and its neighbours.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, TypedDict

from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument, ListedDataset
from modelbus.shared.contracts.documents.evaluation_documents import (
    EvaluationDocument,
    ListedEvaluation,
    StoredEvaluation,
)
from modelbus.shared.contracts.documents.model_documents import (
    ModelDocument,
    StoredVersion,
    UsageDocument,
    VersionDocument,
)
from modelbus.shared.contracts.documents.service_documents import (
    EstimatorDocument,
    LeftOutDocument,
    ListedEstimator,
    SeenService,
)
from modelbus.shared.errors import UnknownDataset, UnknownModel
from modelbus.shared.store.indexes import CATALOGUE, DATASETS, ESTIMATORS, EVALUATIONS, MODELS, SERVICES, VERSIONS
from modelbus.shared.store.operation import Document, Operation
from modelbus.shared.store.queries import (
    PAGE_LIMIT,
    After,
    Aggregation,
    D,
    Query,
    Shape,
    newest_first,
    older_than,
    shape,
)

LEFT_OUT_KEY: Final = "left_out"


class Named(TypedDict):
    """A document by its id alone."""

    _id: str


NAMED: Final = shape(Named)
DATASET: Final = shape(DatasetDocument)
LISTED_DATASET: Final = shape(ListedDataset)
MODEL: Final = shape(ModelDocument)
VERSION: Final = shape(VersionDocument)
STORED_VERSION: Final = shape(StoredVersion)
EVALUATION: Final = shape(EvaluationDocument)
LISTED_EVALUATION: Final = shape(ListedEvaluation)
STORED_EVALUATION: Final = shape(StoredEvaluation)
USAGE_COUNTS: Final = shape(UsageDocument)
ESTIMATOR: Final = shape(EstimatorDocument)
LISTED_ESTIMATOR: Final = shape(ListedEstimator)
LEFT_OUT: Final = shape(LeftOutDocument)
SEEN_SERVICE: Final = shape(SeenService)


def by_name(collection: str, after: str | None, limit: int, shape: Shape[D]) -> Query[D]:
    """A page in order of names.

    Args:
        collection: Where.
        after: The name of the last one of the page before.
        limit: How many at most.
        shape: What is read.
    """
    return Query(collection, {} if after is None else {"_id": {"$gt": after}}, shape, (("_id", 1),), limit)


def of_names(collection: str, names: Sequence[str], shape: Shape[D]) -> Query[D]:
    """The documents of some names, as far as they exist."""
    return Query(collection, {"_id": {"$in": list(names)}}, shape)


def dataset_named(name: str) -> Query[DatasetDocument]:
    """A dataset."""
    return Query(DATASETS, {"_id": name}, DATASET, limit=1)


def model_named(name: str) -> Query[ModelDocument]:
    """A model."""
    return Query(MODELS, {"_id": name}, MODEL, limit=1)


def version_numbered(model: str, number: int) -> Query[VersionDocument]:
    """A version."""
    return Query(VERSIONS, {"_id": f"{model}@{number}"}, VERSION, limit=1)


def versions_of(model: str) -> Query[StoredVersion]:
    """All versions of a model, with their files."""
    return Query(VERSIONS, {"model": model}, STORED_VERSION, (("_id", 1),))


def evaluations_page(
    *, model: str | None, dataset: str | None, after: After | None, limit: int
) -> Query[ListedEvaluation]:
    """Finished evaluations, newest first.

    Args:
        model: Only of this model.
        dataset: Only on this dataset.
        after: Where the page before ended.
        limit: How many at most.
    """
    wanted: Document = {name: value for name, value in (("model", model), ("dataset", dataset)) if value is not None}
    return Query(
        EVALUATIONS, {**wanted, **older_than(after)}, LISTED_EVALUATION, newest_first(), min(limit, PAGE_LIMIT)
    )


def estimators_of(task: str | None) -> Query[ListedEstimator]:
    """The estimators of a task, or all, by name."""
    return Query(ESTIMATORS, {} if task is None else {"task": task}, LISTED_ESTIMATOR, (("_id", 1),))


def left_out_estimators() -> Query[LeftOutDocument]:
    """The estimators that are not offered on purpose."""
    return Query(CATALOGUE, {"_id": LEFT_OUT_KEY}, LEFT_OUT, limit=1)


def seen_services() -> Aggregation[SeenService]:
    """The consumers by name, with ``heartbeat_age_s``: seconds since each was last heard of, by the server's clock."""
    heartbeat_age_s = {"$round": [{"$divide": [{"$subtract": ["$$NOW", "$seen_at"]}, 1000]}, 1]}
    return Aggregation(
        SERVICES, ({"$addFields": {"heartbeat_age_s": heartbeat_age_s}}, {"$sort": {"_id": 1}}), SEEN_SERVICE
    )


def require_dataset(found: D | None, name: str) -> D:
    """The dataset, if it is there.

    Raises:
        UnknownDataset: It is not.
    """
    if found is None:
        raise UnknownDataset(f"dataset {name!r} does not exist; upload it first")
    return found


def require_model(found: D | None, name: str) -> D:
    """The model, if it is there.

    Raises:
        UnknownModel: It is not.
    """
    if found is None:
        raise UnknownModel(f"model {name!r} does not exist")
    return found


def require_version(found: D | None, model: str, number: int) -> D:
    """The version, if it is there.

    Raises:
        UnknownModel: It is not.
    """
    if found is None:
        raise UnknownModel(f"model {model!r} has no version {number}")
    return found


def version_number(model: ModelDocument, selector: str | int) -> int:
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


def remember(key: str, *, set_tags: Mapping[str, str], removed: Collection[str], note: str | None) -> Operation:
    """Change the tags and the note of a version.

    Args:
        key: Its ``_id``.
        set_tags: Tags to set; names have no dots.
        removed: Names of tags to remove.
        note: A new note; None keeps the present one.
    """
    changes: Document = {f"tags.{name}": value for name, value in set_tags.items()}
    if note is not None:
        changes["note"] = note
    update = {"$set": changes, "$unset": {f"tags.{name}": "" for name in removed}}
    return Operation({"_id": key}, {operator: fields for operator, fields in update.items() if fields})


def point_alias(model: str, alias: str, version: int) -> Operation:
    """Point an alias at a version that the model lists."""
    return Operation({"_id": model, "versions": version}, {"$set": {f"aliases.{alias}": version}})


def remove_alias(model: str, alias: str) -> Operation:
    """Remove an existing alias."""
    field = f"aliases.{alias}"
    return Operation({"_id": model, field: {"$exists": True}}, {"$unset": {field: ""}})


def unlist_all(model: str) -> Operation:
    """Remove all versions and aliases from a model's lists."""
    return Operation({"_id": model}, {"$set": {"versions": [], "aliases": {}}})


def unlist_version(model: str, version: int) -> Operation:
    """Remove a version from its model's list, with the aliases that point at it at that moment."""
    listed = {"$filter": {"input": "$versions", "cond": {"$ne": ["$$this", version]}}}
    aliases = {"$filter": {"input": {"$objectToArray": "$aliases"}, "cond": {"$ne": ["$$this.v", version]}}}
    return Operation({"_id": model}, [{"$set": {"versions": listed, "aliases": {"$arrayToObject": aliases}}}])
