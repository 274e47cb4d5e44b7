"""The store for the gateway: runs queries and operations with pymongo's asyncio API."""

from collections.abc import AsyncGenerator
from typing import Final, cast

import pymongo
from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.write_concern import WriteConcern

from modelbus.shared.store.connection import ANSWER_S, CURRENT, DURABLE, Document, store_errors
from modelbus.shared.store.operation import Operation
from modelbus.shared.store.queries import Aggregation, D, Query, Shape

_SEVERAL_TIMES: Final = 2.0
"""The factor by which an operation on several documents may take longer than one on a single document."""


class GatewayStore:
    """Runs queries and operations on the event loop.

    Every method but ``is_answering`` raises ``StoreUnavailable`` when MongoDB does not answer. Methods that may take
    long by their nature are bounded only by the socket's time-out: ``update_all``, ``delete_all``.
    """

    def __init__(self, database: AsyncDatabase[Document], write_concern: WriteConcern = DURABLE) -> None:
        """Args:
        database: The database.
        write_concern: The write concern of every write.
        """
        self._database = database.with_options(write_concern=write_concern, read_concern=CURRENT)

    async def one(self, query: Query[D]) -> D | None:
        """The first document that matches; None if there is none."""
        with store_errors(ANSWER_S):
            return cast("D | None", await self._database[query.collection].find_one(**query.options()))

    async def all(self, query: Query[D]) -> list[D]:
        """All documents that match."""
        with store_errors(_SEVERAL_TIMES * ANSWER_S):
            return cast("list[D]", await self._database[query.collection].find(**query.options()).to_list())

    async def each(self, query: Query[D]) -> AsyncGenerator[D, None]:
        """All documents that match, fetched as they are read; a caller that stops early closes the iterator."""
        async with self._database[query.collection].find(**query.options()) as found:
            while True:
                with store_errors(_SEVERAL_TIMES * ANSWER_S):
                    document = await anext(found, None)
                if document is None:
                    return
                yield cast("D", document)

    async def aggregated(self, aggregation: Aggregation[D]) -> list[D]:
        """The results of an aggregation."""
        with store_errors(_SEVERAL_TIMES * ANSWER_S):
            cursor = await self._database[aggregation.collection].aggregate(aggregation.pipeline())
            return cast("list[D]", await cursor.to_list())

    async def count(self, collection: str, matching: Document) -> int:
        """The number of documents that match."""
        with store_errors(_SEVERAL_TIMES * ANSWER_S):
            return await self._database[collection].count_documents(matching)

    async def change(self, collection: str, operation: Operation, shape: Shape[D]) -> D | None:
        """Change one document; returns the changed document, None if none matches."""
        return await self._change(collection, operation, shape, is_upsert=False)

    async def upsert(self, collection: str, operation: Operation, shape: Shape[D]) -> D:
        """Change one document, or create it; returns the document after the change."""
        try:
            changed = await self._change(collection, operation, shape, is_upsert=True)
        except DuplicateKeyError:
            # Two inserted it at once; the loser finds the winner's document on its second try.
            changed = await self._change(collection, operation, shape, is_upsert=True)
        assert changed is not None  # an upsert always has a document to return
        return changed

    async def update(self, collection: str, operation: Operation) -> bool:
        """Change one document; True if one matched."""
        with store_errors(ANSWER_S):
            result = await self._database[collection].update_one(operation.filter, operation.update)
        return result.matched_count == 1

    async def update_all(self, collection: str, operation: Operation) -> int:
        """Change all documents that match; returns how many matched."""
        with store_errors():
            return (await self._database[collection].update_many(operation.filter, operation.update)).matched_count

    async def delete(self, collection: str, matching: Document) -> bool:
        """Remove one document that matches; True if there was one."""
        with store_errors(ANSWER_S):
            return (await self._database[collection].delete_one(matching)).deleted_count == 1

    async def delete_all(self, collection: str, matching: Document) -> int:
        """Remove all documents that match; returns how many."""
        with store_errors():
            return (await self._database[collection].delete_many(matching)).deleted_count

    async def is_answering(self) -> bool:
        """Whether MongoDB answers a ping within its time-out."""
        try:
            with pymongo.timeout(ANSWER_S):
                await self._database.client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    async def _change(self, collection: str, operation: Operation, shape: Shape[D], *, is_upsert: bool) -> D | None:
        with store_errors(ANSWER_S):
            changed = await self._database[collection].find_one_and_update(
                operation.filter,
                operation.update,
                projection=shape.projection,
                upsert=is_upsert,
                return_document=ReturnDocument.AFTER,
            )
        return cast("D | None", changed)
