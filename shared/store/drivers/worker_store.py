"""The store for workers: runs queries and operations with pymongo."""

from collections.abc import Iterator
from typing import cast

from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.write_concern import WriteConcern

from modelbus.shared.store.connection import CURRENT, DURABLE, Document, store_errors
from modelbus.shared.store.operation import Operation
from modelbus.shared.store.queries import Aggregation, D, Query, Shape
from modelbus.shared.store.upserting import upsert


class WorkerStore:
    """Runs queries and operations; safe to share between threads.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(
        self, database: Database[Document], write_concern: WriteConcern = DURABLE, *, within_s: float | None = None
    ) -> None:
        """Args:
        database: The database.
        write_concern: The write concern of every write.
        within_s: Seconds that an operation on one document may take; by default the socket's time-out.
        """
        self._within_s = within_s
        self._database = database.with_options(write_concern=write_concern, read_concern=CURRENT)

    def collection(self, name: str) -> Collection[Document]:
        """A collection, for inserts and bulk writes; reads are queries."""
        return self._database[name]

    def one(self, query: Query[D]) -> D | None:
        """The first document that matches; None if there is none."""
        with store_errors(self._within_s):
            return cast("D | None", self._database[query.collection].find_one(**query.options()))

    def all(self, query: Query[D]) -> list[D]:
        """All documents that match."""
        with store_errors():
            return cast("list[D]", self._database[query.collection].find(**query.options()).to_list())

    def each(self, query: Query[D]) -> Iterator[D]:
        """All documents that match, fetched as they are read."""
        with store_errors():
            yield from cast("Iterator[D]", self._database[query.collection].find(**query.options()))

    def aggregated(self, aggregation: Aggregation[D]) -> list[D]:
        """The results of an aggregation."""
        with store_errors():
            return cast("list[D]", list(self._database[aggregation.collection].aggregate(aggregation.pipeline())))

    def count(self, collection: str, matching: Document) -> int:
        """The number of documents that match."""
        with store_errors():
            return self._database[collection].count_documents(matching)

    def change(
        self, collection: str, operation: Operation, shape: Shape[D], *, within_s: float | None = None
    ) -> D | None:
        """Change one document; returns the changed document, None if none matches.

        Args:
            collection: Where it is.
            operation: The change.
            shape: The fields that are returned.
            within_s: Seconds that this operation may take, if fewer than others.
        """
        with store_errors(within_s or self._within_s):
            changed = self._database[collection].find_one_and_update(
                operation.filter,
                operation.update,
                projection=shape.projection,
                return_document=ReturnDocument.AFTER,
            )
        return cast("D | None", changed)

    def upsert(self, collection: str, operation: Operation, shape: Shape[D]) -> D:
        """Change one document, or create it; returns the document after the change."""
        with store_errors(self._within_s):
            found = upsert(self._database[collection], operation.filter["_id"], operation.update, shape.projection)
        return cast("D", found)

    def update(self, collection: str, operation: Operation) -> bool:
        """Change one document; True if one matched."""
        with store_errors(self._within_s):
            return self._database[collection].update_one(operation.filter, operation.update).matched_count == 1

    def delete(self, collection: str, matching: Document) -> bool:
        """Remove one document that matches; True if there was one."""
        with store_errors(self._within_s):
            return self._database[collection].delete_one(matching).deleted_count == 1

    def delete_all(self, collection: str, matching: Document) -> int:
        """Remove all documents that match; returns how many."""
        with store_errors():
            return self._database[collection].delete_many(matching).deleted_count
