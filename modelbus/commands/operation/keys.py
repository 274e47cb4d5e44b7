"""``modelbus keys``: make, list and revoke API keys, straight in MongoDB."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import SecretStr, ValidationError

from modelbus.commands.terminal.options import AsJson, Directory
from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.reaching import require_mongo, server_faults
from modelbus.commands.terminal.times import time_text_with_zone
from modelbus.extras import require
from modelbus.shared.api_keys import Scope, api_key_hash, new_api_key
from modelbus.shared.errors import StoreUnavailable
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from modelbus.shared.contracts.records.api_key_records import ApiKeyRecord, NewApiKey
    from modelbus.shared.store.records.api_key_store import ApiKeys

T = TypeVar("T")

_LIFE = re.compile(r"(\d{1,5})([hdw])")
_DAYS_OF_UNIT = {"h": 1 / 24, "d": 1.0, "w": 7.0}

MongoUrl = Annotated[
    str | None,
    typer.Option(envvar="MODELBUS_MONGO_URL", help="The MongoDB with the keys.", show_default="the local stack's"),
]

keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


def parse_life(text: str) -> float:
    """Read a key's lifetime in hours, days or weeks, such as ``90d``; returns days."""
    match = _LIFE.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a lifetime; expected: hours, days or weeks, such as 12h, 90d or 52w")
    return int(match[1]) * _DAYS_OF_UNIT[match[2]]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="The key's name.")],
    scope: Annotated[Scope, typer.Option(help="What the key allows; each scope includes those before it.")] = "read",
    owner: Annotated[
        str | None, typer.Option(help="The owner of the records that it makes.", show_default="the key's name")
    ] = None,
    expires: Annotated[
        float | None,
        typer.Option(
            parser=parse_life, metavar="TIME", help="Lifetime, such as 12h, 90d or 52w.", show_default="never"
        ),
    ] = None,
    directory: Directory = DEFAULT_DIRECTORY,
    mongo_url: MongoUrl = None,
) -> None:
    """Make a key and print it. It is shown only once.

    The key is printed on standard output, everything else on standard error.

    For example:

    - `modelbus keys create ci --scope submit --expires 90d`

    - `MODELBUS_API_KEY=$(modelbus keys create me --scope admin)`
    """
    wanted = _wanted(name, scope, owner, expires)
    text = new_api_key()
    made = _with_keys(directory, mongo_url, lambda store: _create(store, wanted, text))
    until = f"expires {time_text_with_zone(made.expires_at)}" if made.expires_at else "never expires"
    Printer().note(
        f"Key {made.name!r} of {made.owner!r} with scope {', '.join(made.scopes)}; {until}. "
        "Store it now: it is shown only once."
    )
    typer.echo(text)


@keys.command(name="list")
def list_keys(directory: Directory = DEFAULT_DIRECTORY, mongo_url: MongoUrl = None, as_json: AsJson = False) -> None:
    """List all keys, including revoked and expired ones.

    For example:

    - `modelbus keys list`
    """
    found = _with_keys(directory, mongo_url, _list)
    rows = [
        [key.name, key.owner, ", ".join(key.scopes), _state(key), key.created_at, key.expires_at, key.last_used_at]
        for key in found
    ]
    headings = ("name", "owner", "scopes", "state", "created", "expires", "last used")
    empty = "There are no keys. Make one with: modelbus keys create NAME --scope submit"
    printer = Printer(as_json=as_json)
    printer.show(found, lambda: printer.table(headings, rows, empty=empty, optional=("created", "last used", "owner")))


@keys.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The key's name.")],
    directory: Directory = DEFAULT_DIRECTORY,
    mongo_url: MongoUrl = None,
) -> None:
    """Revoke a key for good; it stops working within seconds.

    For example:

    - `modelbus keys revoke ci`
    """
    _with_keys(directory, mongo_url, lambda store: store.revoke(name))
    Printer().say(f"Key {name!r} is revoked.")


def _wanted(name: str, scope: Scope, owner: str | None, expires_days: float | None) -> "NewApiKey":
    require("queue", "modelbus keys")
    from modelbus.shared.contracts.commands.registry import invalid_command
    from modelbus.shared.contracts.records.api_key_records import NewApiKey

    given: dict[str, Any] = {"name": name, "scopes": [scope], "owner": owner, "expires_days": expires_days}
    try:
        return NewApiKey.model_validate(given)
    except ValidationError as error:
        raise invalid_command(error, NewApiKey) from error


async def _create(store: "ApiKeys", wanted: "NewApiKey", text: str) -> "ApiKeyRecord":
    from modelbus.shared.contracts.records.api_key_records import DAY_S, ApiKeyRecord

    expires_s = None if wanted.expires_days is None else wanted.expires_days * DAY_S
    made = await store.create(
        wanted.name, api_key_hash(text), owner=wanted.owner or wanted.name, scopes=wanted.scopes, expires_s=expires_s
    )
    return ApiKeyRecord.model_validate(made)


async def _list(store: "ApiKeys") -> "list[ApiKeyRecord]":
    from modelbus.shared.contracts.records.api_key_records import ApiKeyRecord

    return [ApiKeyRecord.model_validate(key) for key in await store.list_all()]


def _with_keys(directory: Directory, mongo_url: str | None, action: "Callable[[ApiKeys], Awaitable[T]]") -> T:
    """Do something with the keys in a MongoDB: the given one, the running local stack's, or the settings'.

    Raises:
        StoreUnavailable: It does not answer.
    """
    require("queue", "modelbus keys")
    from modelbus.shared.settings import Settings
    from modelbus.shared.store.connection import open_async_store
    from modelbus.shared.store.records.api_key_store import ApiKeys
    from modelbus.stack_folder.running import running_stack

    running = None if mongo_url else running_stack(directory)
    url = mongo_url or (running.mongo_url if running else None)
    settings = Settings() if url is None else Settings(mongo_url=SecretStr(url))
    require_mongo(settings.mongo_url.get_secret_value())

    async def run() -> T:
        database = open_async_store(settings)
        try:
            return await action(ApiKeys(database))
        finally:
            await database.client.close()

    with server_faults(StoreUnavailable, "MongoDB"):
        return asyncio.run(run())


def _state(key: "ApiKeyRecord") -> str:
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= datetime.now(UTC) else "valid"
