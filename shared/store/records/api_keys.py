"""The API keys' records: made, listed, revoked, and found by the hash of what a request sent."""

from collections.abc import Sequence
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from modelbus.shared.api_keys import Scope
from modelbus.shared.errors import ApiKeyExists, UnknownApiKey
from modelbus.shared.store.connection import CURRENT, DURABLE, FAST, Document, store_errors
from modelbus.shared.store.operation import NOW, either, literal, seconds_from_now

_USE_NOTED_S: Final = 60
"""The time of a key's last use is kept no finer than this: a write for each use would cost more than the request."""
_IS_VALID: Final[Document] = {
    "$and": [
        {"$eq": ["$revoked_at", None]},  # not so where there is no key: what is missing is not null
        {"$or": [{"$eq": ["$expires_at", None]}, {"$gt": ["$expires_at", NOW]}]},
    ]
}
"""As an aggregation expression."""


class ApiKeys:
    """The keys by name: ``owner``, ``scopes``, ``created_at``, ``expires_at``, ``last_used_at``, ``revoked_at``.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._keys = database.get_collection("api_keys", write_concern=DURABLE, read_concern=CURRENT)

    async def create(
        self, name: str, key_hash: str, *, owner: str, scopes: Sequence[Scope], expires_s: float | None
    ) -> Document:
        """Record a key; one that was revoked or has expired makes room for another of its name.

        Args:
            name: What people call it.
            key_hash: Its SHA-256, in hexadecimal.
            owner: Whose the records are that it makes.
            scopes: What it allows.
            expires_s: Seconds until it expires; None for never.

        Raises:
            ApiKeyExists: A valid key has that name.
        """
        fields: dict[str, Any] = {"sha256": key_hash, "owner": owner, "scopes": list(scopes)}
        document = {
            **{field: literal(value) for field, value in fields.items()},
            "_id": literal(name),
            "created_at": NOW,
            "expires_at": None if expires_s is None else seconds_from_now(expires_s),
            "last_used_at": None,
            "revoked_at": None,
        }
        update = [{"$replaceWith": {"$cond": [_IS_VALID, "$$ROOT", document]}}]
        with store_errors():
            try:
                stored = await self._keys.find_one_and_update(
                    {"_id": name}, update, upsert=True, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:
                stored = None  # another key of that name was made at the same moment
        if stored is None or stored["sha256"] != key_hash:
            raise ApiKeyExists(f"an API key named {name!r} exists and is valid; revoke it, or take another name")
        return _public(stored)

    async def list_all(self) -> list[Document]:
        """All keys by name, without their hashes; also those that were revoked or have expired."""
        with store_errors():
            return [_public(key) for key in await self._keys.find().sort("_id", 1).to_list()]

    async def revoke(self, name: str) -> Document:
        """End a key for good; again is harmless.

        Raises:
            UnknownApiKey: There is none of that name.
        """
        ended = [{"$set": {"revoked_at": {"$ifNull": ["$revoked_at", NOW]}}}]
        with store_errors():
            revoked = await self._keys.find_one_and_update({"_id": name}, ended, return_document=ReturnDocument.AFTER)
        if revoked is None:
            raise UnknownApiKey(f"there is no API key named {name!r}")
        return _public(revoked)

    async def find_valid(self, key_hash: str) -> Document | None:
        """The valid key of a hash, with its ``sha256``; notes that it was used. None when there is none."""
        is_stale = {"$lt": [{"$ifNull": ["$last_used_at", 0]}, seconds_from_now(-_USE_NOTED_S)]}
        used = [either(is_stale, {"last_used_at": NOW}, {})]
        keys = self._keys.with_options(write_concern=FAST)
        with store_errors():
            return await keys.find_one_and_update(
                {"sha256": key_hash, "$expr": _IS_VALID}, used, return_document=ReturnDocument.AFTER
            )

    async def has_valid(self) -> bool:
        """Whether there is any valid key."""
        with store_errors():
            return await self._keys.find_one({"$expr": _IS_VALID}, {"_id": 1}) is not None


def _public(document: Document) -> Document:
    named = {"name": document["_id"], **document}
    return {field: value for field, value in named.items() if field not in ("_id", "sha256")}
