"""Authentication: from the API key of a request to its principal."""

import asyncio
import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web
from pydantic import SecretStr

from modelbus.shared.api_keys import Scope, allows, api_key_hash, is_api_key
from modelbus.shared.settings import Settings
from modelbus.shared.store.jobs.acceptance import LOCAL_OWNER
from modelbus.shared.store.records.api_key_store import ApiKeys

log = structlog.get_logger()

_REMEMBERED: Final = 10_000
"""The maximum number of keys, known and unknown, that a gateway remembers."""
_TOLD_EVERY_S: Final = 10.0


@dataclass(frozen=True)
class Principal:
    """The sender of a request."""

    name: str
    """The name of the key, for people."""
    owner: str
    """The owner of the records that the request creates."""
    scopes: tuple[str, ...]

    def may(self, scope: Scope) -> bool:
        """Whether the scopes include this one."""
        return allows(self.scopes, scope)


ANYBODY: Final = Principal("no key", LOCAL_OWNER, ("admin",))
"""Any sender, at a gateway that does not require keys."""


class KeyRing:
    """Finds keys by their hash and caches them for some seconds, so that predictions do not wait for MongoDB twice."""

    def __init__(self, keys: ApiKeys, settings: Settings) -> None:
        self._keys = keys
        self._remembered_s = settings.key_cache_s
        self._given = [
            (api_key_hash(key.get_secret_value()), Principal(name, name, (scope,)))
            for name, scope, key in _given_keys(settings)
        ]
        self._known: OrderedDict[str, tuple[float, Principal | None]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Principal | None]] = {}

    async def principal_of(self, text: str) -> Principal | None:
        """The principal of a key; None if the key is malformed, unknown, revoked or expired.

        Raises:
            StoreUnavailable: The key is not cached, and MongoDB is not responding.
        """
        if not is_api_key(text):
            return None
        key_hash = api_key_hash(text)
        for given, principal in self._given:
            if hmac.compare_digest(given, key_hash):
                return principal
        until, remembered = self._known.get(key_hash, (0.0, None))
        return remembered if time.monotonic() < until else await self._ask_once(key_hash)

    async def _ask_once(self, key_hash: str) -> Principal | None:
        """Query MongoDB once for all requests that wait for the same key."""
        task = self._asking.get(key_hash)
        if task is None:
            task = self._asking[key_hash] = asyncio.create_task(self._ask(key_hash))
            task.add_done_callback(lambda _: self._asking.pop(key_hash, None))
        # Shielded: a caller who hangs up must not end the question of the others.
        return await asyncio.shield(task)

    async def _ask(self, key_hash: str) -> Principal | None:
        found = await self._keys.find_valid(key_hash)
        principal = None
        # The lookup went through an index; that it found this very hash is compared in constant time.
        if found is not None and hmac.compare_digest(found["sha256"], key_hash):
            principal = Principal(found["_id"], found["owner"], tuple(found["scopes"]))
        self._known[key_hash] = (time.monotonic() + self._remembered_s, principal)
        self._known.move_to_end(key_hash)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return principal


def _given_keys(settings: Settings) -> list[tuple[str, Scope, SecretStr]]:
    given: list[tuple[Scope, SecretStr | None]] = [("admin", settings.admin_key), ("metrics", settings.metrics_key)]
    return [(scope, scope, key) for scope, key in given if key is not None]


class RefusalLog:
    """Logs refused keys without their text, at most one line every ten seconds, so that nobody can fill the log."""

    def __init__(self) -> None:
        self._quiet_until = 0.0
        self._untold = 0

    def tell(self, reason: str, remote: str | None, path: str) -> None:
        """Log a refusal, or count it for the next line."""
        now = time.monotonic()
        if now < self._quiet_until:
            self._untold += 1
            return
        log.warning("key.refused", reason=reason, remote=remote, path=path, untold_before=self._untold)
        self._quiet_until, self._untold = now + _TOLD_EVERY_S, 0


PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)
"""Who sent the request."""
KEY_RING: web.AppKey[KeyRing] = web.AppKey("key_ring", KeyRing)
REFUSALS: web.AppKey[RefusalLog] = web.AppKey("refusals", RefusalLog)
