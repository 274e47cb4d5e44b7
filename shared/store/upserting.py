"""Upserts that survive the race of two that insert the same key at once."""

from collections.abc import Mapping

from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from modelbus.shared.store.connection import Document
from modelbus.shared.store.operation import Pipeline


def upsert(
    collection: Collection[Document],
    key: str,
    update: Pipeline | Document,
    projection: Mapping[str, int] | None = None,
) -> Document:
    """Update the document under ``key``, or create it; returns the document after the update.

    Args:
        collection: Where.
        key: Its ``_id``.
        update: An update that also works on an absent document.
        projection: What of it is returned; None for all, which is for what was just made of an outcome.
    """
    for is_last in (False, True):
        try:
            document = collection.find_one_and_update(
                {"_id": key}, update, projection=projection, upsert=True, return_document=ReturnDocument.AFTER
            )
            assert document is not None  # an upsert always has a document to return
            return document
        except DuplicateKeyError:
            # The loser of the race finds the winner's document on its second try.
            if is_last:
                raise
    raise AssertionError("unreachable")
