"""API keys in MongoDB, and the gateway's ring of them: made once, found by hash, ended, remembered for a while."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from pymongo.database import Database
from structlog.typing import EventDict

from modelbus.gateway.access.authentication import KeyRing, RefusalLog
from modelbus.shared.api_keys import api_key_hash, new_api_key
from modelbus.shared.errors import ApiKeyExists, StoreUnavailable, UnknownApiKey
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document, open_async_store
from modelbus.shared.store.records.api_key_store import ApiKeys
from modelbus.stack import LocalStack
from tests.integration.samples import make_older_key


@pytest.fixture
async def keys(settings: Settings, indexed: Database[Document]) -> AsyncIterator[ApiKeys]:
    """The keys of the test's own database."""
    database = open_async_store(settings)
    yield CountedKeys(database)
    await database.client.close()


class CountedKeys(ApiKeys):
    """Counts the questions that reach MongoDB."""

    asked = 0

    async def find_valid(self, key_hash: str) -> Document | None:
        self.asked += 1
        return await super().find_valid(key_hash)


async def made(keys: ApiKeys, name: str = "ci", expires_s: float | None = None) -> str:
    text = new_api_key()
    await keys.create(name, api_key_hash(text), owner="team", scopes=["submit"], expires_s=expires_s)
    return text


async def test_a_key_is_kept_by_its_hash_alone(keys: ApiKeys, database: Database[Document]) -> None:
    text = await made(keys)
    stored = database["api_keys"].find_one()
    assert stored is not None
    assert stored["sha256"] == api_key_hash(text)
    assert text not in repr(stored)
    [listed] = await keys.list_all()
    assert (listed["name"], listed["owner"], listed["scopes"]) == ("ci", "team", ["submit"])
    assert "sha256" not in listed


async def test_a_valid_key_keeps_its_name_and_an_ended_one_gives_it_up(keys: ApiKeys) -> None:
    first = await made(keys)
    with pytest.raises(ApiKeyExists, match="'ci' already exists"):
        await made(keys)
    assert await keys.find_valid(api_key_hash(first)) is not None
    await keys.revoke("ci")
    second = await made(keys)
    assert await keys.find_valid(api_key_hash(first)) is None
    assert await keys.find_valid(api_key_hash(second)) is not None


async def test_a_revoked_key_is_no_key_and_stays_so(keys: ApiKeys) -> None:
    text = await made(keys)
    assert await keys.has_valid()
    first = await keys.revoke("ci")
    assert await keys.revoke("ci") == first
    assert await keys.find_valid(api_key_hash(text)) is None
    assert not await keys.has_valid()
    with pytest.raises(UnknownApiKey, match="'unheard-of'"):
        await keys.revoke("unheard-of")


async def test_a_key_expires_by_the_servers_clock(keys: ApiKeys, database: Database[Document]) -> None:
    text = await made(keys, expires_s=3600)
    assert await keys.find_valid(api_key_hash(text)) is not None
    make_older_key(database, "ci", "expires_at", seconds=3601)
    assert await keys.find_valid(api_key_hash(text)) is None
    assert not await keys.has_valid()


async def test_the_last_use_is_noted_once_a_minute(keys: ApiKeys, database: Database[Document]) -> None:
    text = await made(keys)
    first = await keys.find_valid(api_key_hash(text))
    second = await keys.find_valid(api_key_hash(text))
    assert first is not None
    assert second is not None
    assert first["last_used_at"] == second["last_used_at"] is not None
    make_older_key(database, "ci", "last_used_at", seconds=61)
    third = await keys.find_valid(api_key_hash(text))
    assert third is not None
    assert third["last_used_at"] >= first["last_used_at"]


# --- the gateway's ring ---


def ring(keys: ApiKeys, settings: Settings, **changes: object) -> KeyRing:
    return KeyRing(keys, settings.model_copy(update=changes))


async def test_a_thousand_requests_ask_mongodb_once(keys: CountedKeys, settings: Settings) -> None:
    text, held = await made(keys), ring(keys, settings, key_cache_s=60.0)
    principals = await asyncio.gather(*(held.principal_of(text) for _ in range(1000)))
    principals += [await held.principal_of(text) for _ in range(10)]
    assert {(one.name, one.owner) for one in principals if one} == {("ci", "team")}
    assert None not in principals
    assert keys.asked == 1


async def test_an_unknown_key_is_remembered_too(keys: CountedKeys, settings: Settings) -> None:
    held = ring(keys, settings, key_cache_s=60.0)
    text = new_api_key()
    assert [await held.principal_of(text) for _ in range(5)] == [None] * 5
    assert await held.principal_of("no key at all") is None
    assert keys.asked == 1


async def test_a_revoked_key_is_forgotten_when_its_time_is_up(keys: ApiKeys, settings: Settings) -> None:
    text, held = await made(keys), ring(keys, settings, key_cache_s=0.0)
    assert await held.principal_of(text) is not None
    await keys.revoke("ci")
    assert await held.principal_of(text) is None


async def test_given_keys_need_no_mongodb() -> None:
    admin, metrics = new_api_key(), new_api_key()
    away = Settings.model_validate(
        {
            "mongo_url": "mongodb://127.0.0.1:1/?replicaSet=rs0&serverSelectionTimeoutMS=200",
            "admin_key": admin,
            "metrics_key": metrics,
        }
    )
    database = open_async_store(away)
    held = KeyRing(ApiKeys(database), away)
    as_admin, as_metrics = await held.principal_of(admin), await held.principal_of(metrics)
    assert as_admin is not None
    assert as_metrics is not None
    assert (as_admin.may("admin"), as_metrics.may("metrics"), as_metrics.may("read")) == (True, True, False)
    with pytest.raises(StoreUnavailable):
        await held.principal_of(new_api_key())
    await database.client.close()


def test_a_flood_of_wrong_keys_is_one_line(logged: list[EventDict]) -> None:
    refusals = RefusalLog()
    for _ in range(500):
        refusals.tell("unknown", "10.0.0.9", "/jobs")
    [line] = logged
    assert (line["event"], line["remote"], line["untold_before"]) == ("key.refused", "10.0.0.9", 0)


# --- starting ---


def run_gateway(servers: LocalStack, database: Database[Document], **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "MODELBUS_MONGO_URL": servers.mongo_url,
        "MODELBUS_BUS_URL": servers.bus_url,
        "MODELBUS_MONGO_DATABASE": database.name,
        **changes,
    }
    return subprocess.run(
        [sys.executable, "-m", "modelbus.gateway"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_key_the_gateway_listens_on_loopback_only(servers: LocalStack, database: Database[Document]) -> None:
    ended = run_gateway(servers, database, MODELBUS_GATEWAY_HOST="0.0.0.0", MODELBUS_GATEWAY_PORT="0")
    assert ended.returncode == 1
    [line] = [json.loads(line) for line in ended.stdout.splitlines()]
    assert line["event"] == "service.refused_address"
    assert "`modelbus keys create NAME --scope admin`" in line["reason"]


# --- the command line ---


def command_line(
    servers: LocalStack, database: Database[Document], *arguments: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MODELBUS_MONGO_URL": servers.mongo_url, "MODELBUS_MONGO_DATABASE": database.name}
    command = [sys.executable, "-m", "modelbus", "keys", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


async def test_keys_are_made_listed_and_revoked_by_the_command_line(
    servers: LocalStack, indexed: Database[Document], keys: ApiKeys
) -> None:
    created = command_line(servers, indexed, "create", "ci", "--scope", "submit", "--expires", "90d", "--owner", "team")
    assert created.returncode == 0, created.stderr
    text = created.stdout.strip()
    found = await keys.find_valid(api_key_hash(text))
    assert found is not None
    assert (found["owner"], found["scopes"], found["expires_at"] is not None) == ("team", ["submit"], True)
    assert text not in created.stderr

    again = command_line(servers, indexed, "create", "ci")
    assert again.returncode == 1
    assert "a valid API key named 'ci' already exists" in again.stderr

    assert command_line(servers, indexed, "revoke", "ci").returncode == 0
    listed = json.loads(command_line(servers, indexed, "list", "--json").stdout)
    assert [(key["name"], key["revoked_at"] is not None) for key in listed] == [("ci", True)]
    assert text not in json.dumps(listed)


def test_what_no_key_can_be_is_said(servers: LocalStack, database: Database[Document]) -> None:
    timeless = command_line(servers, database, "create", "a", "--expires", "soon")
    assert "is not a lifetime" in timeless.stderr
    assert "NAME: " in command_line(servers, database, "create", "../etc").stderr
    unknown = command_line(servers, database, "revoke", "nobody")
    assert (unknown.returncode, unknown.stderr) == (1, "error: no API key is named 'nobody'\n")
