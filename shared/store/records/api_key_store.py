"""Creates, lists and revokes API keys' records, and finds one by the hash of the key that a request sent."""

from collections.abc import Sequence
from typing import Any, Final

from pymongo.asynchronous.database import AsyncDatabase

from modelbus.shared.api_keys import Scope
from modelbus.shared.contracts.documents.service_documents import ApiKeyDocument, ListedApiKey, ToldApiKey
from modelbus.shared.errors import ApiKeyExists, UnknownApiKey
from modelbus.shared.store.connection import FAST, Document
from modelbus.shared.store.drivers.gateway_store import GatewayStore
from modelbus.shared.store.indexes import API_KEYS
from modelbus.shared.store.operation import NOW, Operation, either, literal, seconds_from_now
from modelbus.shared.store.queries import Query, shape
from modelbus.shared.store.records.catalog_queries import NAMED

_USE_NOTED_S: Final = 60
"""The resolution in seconds of a key's last use: a write for each use would cost more than the request."""
_IS_VALID: Final[Document] = {
    "$and": [
        {"$eq": ["$revoked_at", None]},  # not so where there is no key: what is missing is not null
        {"$or": [{"$eq": ["$expires_at", None]}, {"$gt": ["$expires_at", NOW]}]},
    ]
}
"""The fields of a key as an aggregation expression."""
_KEY: Final = shape(ApiKeyDocument)
_LISTED: Final = shape(ListedApiKey)


class ApiKeys:
    """The keys by name: ``owner``, ``scopes``, ``created_at``, ``expires_at``, ``last_used_at``, ``revoked_at``.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer.
    """

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._store = GatewayStore(database)
        self._fast_store = GatewayStore(database, FAST)

    async def create(
        self, name: str, key_hash: str, *, owner: str, scopes: Sequence[Scope], expires_s: float | None
    ) -> ToldApiKey:
        """Record a key; it replaces a revoked or expired key of the same name.

        Args:
            name: What people call it.
            key_hash: Its SHA-256, in hexadecimal.
            owner: The owner of the records that it creates.
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
        operation = Operation({"_id": name}, [{"$replaceWith": {"$cond": [_IS_VALID, "$$ROOT", document]}}])
        stored = await self._store.upsert(API_KEYS, operation, _KEY)
        if stored["sha256"] != key_hash:
            raise ApiKeyExists(f"a valid API key named {name!r} already exists; revoke it or use another name")
        return _told(stored)

    async def list_all(self) -> list[ToldApiKey]:
        """All keys by name, without their hashes; also those that were revoked or have expired."""
        return [_told(key) for key in await self._store.all(Query(API_KEYS, {}, _LISTED, (("_id", 1),)))]

    async def revoke(self, name: str) -> ToldApiKey:
        """Revoke a key for good; revoking it again is harmless.

        Raises:
            UnknownApiKey: There is none of that name.
        """
        ended = Operation({"_id": name}, [{"$set": {"revoked_at": {"$ifNull": ["$revoked_at", NOW]}}}])
        revoked = await self._store.change(API_KEYS, ended, _LISTED)
        if revoked is None:
            raise UnknownApiKey(f"no API key is named {name!r}")
        return _told(revoked)

    async def find_valid(self, key_hash: str) -> ApiKeyDocument | None:
        """The valid key of a hash, with its ``sha256``; notes that it was used. None when there is none."""
        is_stale = {"$lt": [{"$ifNull": ["$last_used_at", 0]}, seconds_from_now(-_USE_NOTED_S)]}
        used = [either(is_stale, {"last_used_at": NOW}, {})]
        wanted = {"sha256": key_hash, "$expr": _IS_VALID}
        return await self._fast_store.change(API_KEYS, Operation(wanted, used), _KEY)

    async def has_valid(self) -> bool:
        """Whether there is any valid key."""
        query = Query(API_KEYS, {"$expr": _IS_VALID}, NAMED, limit=1)
        return await self._store.one(query) is not None


def _told(key: ListedApiKey) -> ToldApiKey:
    return {
        "name": key["_id"],
        "owner": key["owner"],
        "scopes": key["scopes"],
        "created_at": key["created_at"],
        "expires_at": key["expires_at"],
        "last_used_at": key["last_used_at"],
        "revoked_at": key["revoked_at"],
    }
