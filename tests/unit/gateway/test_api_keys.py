"""API keys: their form, what scopes allow, and which routes need more or less than others."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from modelbus.commands.operation.keys import parse_life
from modelbus.gateway.access.addresses import is_loopback, without_port
from modelbus.gateway.access.scopes import demands_keys
from modelbus.gateway.app import create_app
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.shared.api_keys import SCOPES, allows, api_key_hash, is_api_key, new_api_key
from modelbus.shared.settings import Settings
from tests.unit.gateway.asked_gateway import AskedGateway

ALL = create_app(Settings())[ROUTES]


def test_whatever_changes_something_needs_more_than_read() -> None:
    weak = [str(route) for route in ALL if route.method != "GET" and route.scope not in ("submit", "admin")]
    assert weak == []


def test_only_the_probes_and_the_documentation_are_open() -> None:
    documentation = {"/docs", "/docs/{file}", "/openapi.json", "/asyncapi.json"}
    assert {route.path for route in ALL if route.scope is None} == {"/health/live", "/health/ready", *documentation}


def test_keys_and_the_removal_of_many_dead_letters_are_for_admins() -> None:
    paths = {str(route) for route in ALL if route.scope == "admin"}
    assert paths == {"POST /keys", "GET /keys", "DELETE /keys/{name}", "DELETE /dead-letters"}


def test_a_key_is_recognised_holds_256_bits_and_is_never_made_twice() -> None:
    made = {new_api_key() for _ in range(1000)}
    assert len(made) == 1000
    assert all(key.startswith("mbk_") and len(key) == 47 and is_api_key(key) for key in made)
    assert len({api_key_hash(key) for key in made}) == 1000


@pytest.mark.parametrize("text", ["", "mbk_", "mbk_" + "a" * 42, "mbk_" + 44 * "a", "mbk_" + "é" * 43])
def test_what_is_no_key_is_not_looked_up(text: str) -> None:
    assert not is_api_key(text)


def test_each_scope_allows_what_those_before_it_allow() -> None:
    allowed = {scope: [needed for needed in SCOPES if allows([scope], needed)] for scope in SCOPES}
    assert allowed == {
        "metrics": ["metrics"],
        "read": ["metrics", "read"],
        "submit": ["metrics", "read", "submit"],
        "admin": ["metrics", "read", "submit", "admin"],
    }
    assert not allows([], "metrics")
    assert not allows(["unheard of"], "metrics")


@pytest.mark.parametrize(
    ("given", "demanded"),
    [
        ({}, False),
        ({"gateway_host": "localhost"}, False),
        ({"gateway_host": "::1"}, False),
        ({"gateway_host": "127.8.9.1"}, False),
        ({"require_keys": True}, True),
        ({"gateway_host": "0.0.0.0"}, True),
        ({"gateway_host": "::"}, True),
        ({"gateway_host": "192.168.1.5"}, True),
        ({"gateway_host": "gateway"}, True),
        ({"gateway_host": ""}, True),
    ],
)
def test_loopback_is_the_only_address_that_may_do_without_keys(given: Mapping[str, object], demanded: bool) -> None:
    assert demands_keys(Settings.model_validate(given)) is demanded


@pytest.mark.parametrize(
    ("authority", "host", "is_here"),
    [
        ("localhost:8000", "localhost", True),
        ("LOCALHOST", "localhost", True),
        ("127.0.0.1:8000", "127.0.0.1", True),
        ("[::1]:8000", "::1", True),
        ("127.0.0.1.example.com:80", "127.0.0.1.example.com", False),
        ("localhost.example.com", "localhost.example.com", False),
        ("10.0.0.1", "10.0.0.1", False),
        ("", "", False),
    ],
)
def test_a_host_is_told_from_its_port_and_from_loopback(authority: str, host: str, is_here: bool) -> None:
    assert without_port(authority) == host
    assert is_loopback(host) is is_here


@pytest.mark.parametrize(("text", "days"), [("12h", 0.5), ("90d", 90.0), ("2w", 14.0)])
def test_a_life_is_read_with_its_unit(text: str, days: float) -> None:
    assert parse_life(text) == days


# --- secrets ---


def test_secrets_come_from_files_named_as_the_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = new_api_key()
    (tmp_path / "modelbus_admin_key").write_text(f"{key}\n")
    (tmp_path / "modelbus_mongo_url").write_text("mongodb://user:word@mongo/?replicaSet=rs0\n")
    (tmp_path / "modelbus_bus_url").write_text("rediss://user:word@redis:6380/0")
    monkeypatch.setenv("MODELBUS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("MODELBUS_BUS_URL", "redis://from.the.environment/0")
    settings = Settings()
    assert settings.admin_key == SecretStr(key)
    assert settings.mongo_url.get_secret_value() == "mongodb://user:word@mongo/?replicaSet=rs0"
    assert settings.bus_url.get_secret_value() == "redis://from.the.environment/0", "the environment comes first"


def test_settings_never_show_what_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_api_key()
    for name, value in {"ADMIN_KEY": key, "MONGO_URL": "mongodb://u:hush@h/", "BUS_URL": "redis://u:hush@h/0"}.items():
        monkeypatch.setenv(f"MODELBUS_{name}", value)
    shown = repr(Settings()) + str(Settings()) + Settings().model_dump_json()
    assert "hush" not in shown
    assert key not in shown


@pytest.mark.parametrize("name", ["admin_key", "metrics_key"])
def test_a_key_of_another_form_ends_the_start_without_being_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"MODELBUS_{name.upper()}", "hush-hush")
    with pytest.raises(ValidationError, match=f"{name}\n.*must be an API key") as raised:
        Settings()
    assert "hush" not in str(raised.value)


# --- what a gateway with keys, or without, shows of itself ---


async def description(gateway: AskedGateway) -> dict[str, Any]:
    document: dict[str, Any] = (await gateway.ask("GET", "/openapi.json")).document
    return document


def padlocks(document: dict[str, Any]) -> dict[str, Any]:
    """The requirements of the operations that have any, by name."""
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    return {operation["operationId"]: operation["security"] for operation in operations if operation["security"]}


async def test_the_index_names_the_documentation_first(gateway: AskedGateway) -> None:
    index = (await gateway.ask("GET", "/")).document

    assert next(iter(index.items())) == ("documentation", "/docs")
    assert (await gateway.ask("GET", "/docs")).status == 200


async def test_a_gateway_on_loopback_without_keys_shows_no_padlock(gateway: AskedGateway) -> None:
    document = await description(gateway)

    assert padlocks(document) == {}
    assert "securitySchemes" not in document["components"]


@pytest.mark.parametrize(
    ("operation", "scope"),
    [("list_jobs", "read"), ("upload_dataset", "submit"), ("create_key", "admin"), ("read_metrics", "metrics")],
)
async def test_a_gateway_with_keys_shows_a_padlock_with_its_scope(
    guarded: AskedGateway, operation: str, scope: str
) -> None:
    document = await description(guarded)
    [described] = [
        one for methods in document["paths"].values() for one in methods.values() if one["operationId"] == operation
    ]

    assert padlocks(document)[operation] == [{"ApiKey": [scope]}]
    assert described["description"].endswith(f"Requires an API key with the scope `{scope}`.")
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"


async def test_a_gateway_with_keys_shows_no_padlock_where_none_is_required(guarded: AskedGateway) -> None:
    open_ones = {"check_liveness", "check_readiness", "read_openapi", "read_asyncapi", "read_documentation"}

    assert padlocks(await description(guarded)).keys().isdisjoint(open_ones)
