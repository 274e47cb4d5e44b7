"""Queries of MongoDB as values, each with the fields that are read; the drivers run them (``drivers``).

Every query has a shape: the typed dictionary that its documents are read as. The projection follows from the shape, so
that what is read is what mypy expects, and no document is read whole by accident.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from modelbus.shared.store.operation import Document

D = TypeVar("D", bound=Mapping[str, object])
Sort = tuple[tuple[str, int], ...]
After = tuple[datetime, str]
"""The end of a page in a list from new to old: the time and the id of its last document."""

PAGE_LIMIT: Final = 200
"""The maximum number of documents of a page."""


@dataclass(frozen=True)
class Shape(Generic[D]):
    """The fields that are read of a document."""

    document: type[D]
    """The typed dictionary."""
    projection: Mapping[str, int]
    """The projection in MongoDB's syntax."""


def shape(document: type[D], **parts: Sequence[str]) -> Shape[D]:
    """The shape of a typed dictionary: all its keys, and no others.

    Args:
        document: The typed dictionary.
        parts: Of a key whose value is read in parts, the paths inside it.

    Raises:
        ValueError: A part is of no key.
    """
    keys = document.__annotations__
    if unknown := parts.keys() - keys:
        raise ValueError(f"{document.__name__} has no key {', '.join(sorted(unknown))}")
    paths = [path for key in keys for path in ([f"{key}.{part}" for part in parts[key]] if key in parts else [key])]
    # MongoDB adds the id unless it is told not to.
    return Shape(document, {**dict.fromkeys(paths, 1), **({} if "_id" in keys else {"_id": 0})})


@dataclass(frozen=True)
class Query(Generic[D]):
    """A query that finds documents."""

    collection: str
    filter: Document
    shape: Shape[D]
    sort: Sort = ()
    limit: int = 0
    """The maximum number of documents; 0 for all."""
    skip: int = 0
    batch_size: int = 0
    """The number of documents per batch; 0 for MongoDB's default."""

    def options(self) -> dict[str, Any]:
        """The arguments of pymongo's ``find``."""
        return {
            "filter": self.filter,
            "projection": self.shape.projection,
            "sort": list(self.sort) or None,
            "limit": self.limit,
            "skip": self.skip,
            "batch_size": self.batch_size,
        }


@dataclass(frozen=True)
class Aggregation(Generic[D]):
    """A query that is an aggregation pipeline; the projection comes last."""

    collection: str
    stages: tuple[Document, ...]
    shape: Shape[D]

    def pipeline(self) -> list[Document]:
        """The argument of pymongo's ``aggregate``."""
        return [*self.stages, {"$project": self.shape.projection}]


def by_id(collection: str, key: str, shape: Shape[D]) -> Query[D]:
    """The document of an id."""
    return Query(collection, {"_id": key}, shape, limit=1)


def newest_first(moment: str = "created_at") -> Sort:
    """The order from new to old, with documents of the same moment by id."""
    return ((moment, -1), ("_id", 1))


def older_than(last: After | None, moment: str = "created_at") -> Document:
    """The filter of the documents that follow the last one of a page, in the order from new to old.

    Args:
        last: Where the page before ended; None on the first page.
        moment: The field that they are in the order of.
    """
    if last is None:
        return {}
    at, last_id = last
    older = {moment: {"$lt": at}}
    same = {moment: at, "_id": {"$gt": last_id}}
    return {"$or": [older, same]}
