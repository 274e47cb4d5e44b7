"""``modelbus keys``: make, list and revoke API keys, straight in MongoDB."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import SecretStr, ValidationError
from rich.console import Console
from rich.table import Table

from modelbus.commands.terminal.options import AsJson, Directory
from modelbus.extras import require
from modelbus.shared.api_keys import Scope, api_key_hash, new_api_key
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from modelbus.shared.contracts.records.api_key_records import ApiKeyRecord, NewApiKey
    from modelbus.shared.store.records.api_key_store import ApiKeys

T = TypeVar("T")

_LIFE = re.compile(r"(\d{1,5})([hdw])")
_DAYS_OF_UNIT = {"h": 1 / 24, "d": 1.0, "w": 7.0}

MongoUrl = Annotated[
    str | None,
    typer.Option(envvar="MODELBUS_MONGO_URL", help="Where the keys are.", show_default="the local stack that runs"),
]

keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


def parse_life(text: str) -> float:
    """Read how long a key is to live: hours, days or weeks, such as ``90d``; returns days."""
    match = _LIFE.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no time such as 12h, 90d or 52w")
    return int(match[1]) * _DAYS_OF_UNIT[match[2]]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    scope: Annotated[Scope, typer.Option(help="What it allows; each includes those before it.")] = "read",
    owner: Annotated[
        str | None, typer.Option(help="Whose the records are that it makes.", show_default="its name")
    ] = None,
    expires: Annotated[
        float | None, typer.Option(parser=parse_life, metavar="TIME", help="12h, 90d, 52w.", show_default="never")
    ] = None,
    directory: Directory = DEFAULT_DIRECTORY,
    mongo_url: MongoUrl = None,
) -> None:
    """Make a key and print it: the only time that it is shown.

    The key goes to standard output, all else to standard error.

    For example:

    - `modelbus keys create ci --scope submit --expires 90d`

    - `MODELBUS_API_KEY=$(modelbus keys create me --scope admin)`
    """
    asked = _asked(name, scope, owner, expires)
    text = new_api_key()
    made = _with_keys(directory, mongo_url, lambda store: _create(store, asked, text))
    until = f"expires {_moment(made.expires_at)}" if made.expires_at else "never expires"
    Console(stderr=True, highlight=False).print(
        f"Key {made.name!r} of {made.owner!r} with scope {', '.join(made.scopes)}; {until}. "
        "Keep it: it is shown once and stored nowhere.",
        soft_wrap=True,
    )
    typer.echo(text)


@keys.command(name="list")
def list_keys(directory: Directory = DEFAULT_DIRECTORY, mongo_url: MongoUrl = None, as_json: AsJson = False) -> None:
    """List the keys, also those that were revoked or have expired.

    For example:

    - `modelbus keys list`
    """
    found = _with_keys(directory, mongo_url, _list)
    if as_json:
        typer.echo(json.dumps([key.model_dump(mode="json") for key in found], indent=2))
        return
    if not found:
        typer.echo("There are no keys. Make one with: modelbus keys create NAME --scope submit")
        return
    table = Table("name", "owner", "scopes", "state", "created", "expires", "last used")
    for key in found:
        moments = (_moment(moment) for moment in (key.created_at, key.expires_at, key.last_used_at))
        table.add_row(key.name, key.owner, ", ".join(key.scopes), _state(key), *moments)
    Console(highlight=False).print(table)


@keys.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Which key.")],
    directory: Directory = DEFAULT_DIRECTORY,
    mongo_url: MongoUrl = None,
) -> None:
    """End a key for good; gateways notice within seconds.

    For example:

    - `modelbus keys revoke ci`
    """
    _with_keys(directory, mongo_url, lambda store: store.revoke(name))
    typer.echo(f"Key {name!r} is revoked.")


def _asked(name: str, scope: Scope, owner: str | None, expires_days: float | None) -> "NewApiKey":
    require("queue", "modelbus keys")
    from modelbus.shared.contracts.commands.registry import invalid_command
    from modelbus.shared.contracts.records.api_key_records import NewApiKey

    given: dict[str, Any] = {"name": name, "scopes": [scope], "owner": owner, "expires_days": expires_days}
    try:
        return NewApiKey.model_validate(given)
    except ValidationError as error:
        raise invalid_command(error, NewApiKey) from error


async def _create(store: "ApiKeys", asked: "NewApiKey", text: str) -> "ApiKeyRecord":
    from modelbus.shared.contracts.records.api_key_records import DAY_S, ApiKeyRecord

    expires_s = None if asked.expires_days is None else asked.expires_days * DAY_S
    made = await store.create(
        asked.name, api_key_hash(text), owner=asked.owner or asked.name, scopes=asked.scopes, expires_s=expires_s
    )
    return ApiKeyRecord.model_validate(made)


async def _list(store: "ApiKeys") -> "list[ApiKeyRecord]":
    from modelbus.shared.contracts.records.api_key_records import ApiKeyRecord

    return [ApiKeyRecord.model_validate(key) for key in await store.list_all()]


def _with_keys(directory: Directory, mongo_url: str | None, action: "Callable[[ApiKeys], Awaitable[T]]") -> T:
    """Do something with the keys of the MongoDB that is given, or the running local stack's, or the settings'."""
    require("queue", "modelbus keys")
    from modelbus.shared.settings import Settings
    from modelbus.shared.store.connection import open_async_store
    from modelbus.shared.store.records.api_key_store import ApiKeys
    from modelbus.stack_folder.running import running_stack

    running = None if mongo_url else running_stack(directory)
    url = mongo_url or (running.mongo_url if running else None)
    settings = Settings() if url is None else Settings(mongo_url=SecretStr(url))

    async def run() -> T:
        database = open_async_store(settings)
        try:
            return await action(ApiKeys(database))
        finally:
            await database.client.close()

    return asyncio.run(run())


def _state(key: "ApiKeyRecord") -> str:
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= datetime.now(UTC) else "valid"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"
