"""What a command that asks a gateway has at hand: the client, and a way to print. Made anew for each command."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import typer

from modelbus.commands.terminal.options import ApiKey, AsJson, Url
from modelbus.commands.terminal.printing import Printer
from modelbus.stack_folder.running import running_stack
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from modelbus.client.synchronous.client import Client

P = ParamSpec("P")

_ANSWER_S = 30.0
_SHARED = {"url": Url, "api_key": ApiKey, "as_json": AsJson}


@dataclass(frozen=True)
class Session:
    """The gateway and the terminal."""

    client: "Client"
    printer: Printer


def asks_gateway(command: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """Give a command the options that say which gateway, and instead of them a ``Session`` as its first argument."""

    @functools.wraps(command)
    def run(*, url: str | None, api_key: str | None, as_json: bool, **given: Any) -> None:
        from modelbus.client.synchronous.client import Client

        with Client(url, api_key=api_key) as client:
            command(Session(client, Printer(as_json=as_json)), **given)  # type: ignore[call-arg]

    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    shared = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=False if name == "as_json" else None, annotation=kind
        )
        for name, kind in _SHARED.items()
    ]
    keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = inspect.Signature([*keywords, *shared])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*keywords, *shared]}
    return run


def local_url(directory: Path = DEFAULT_DIRECTORY) -> str | None:
    """The gateway of the local stack that runs in this folder or above it; None where none does."""
    state = running_stack(directory)
    return state.gateway_url if state is not None else None


def open_once(url: str | None, directory: Path) -> "Client":
    """The client of the gateway that is meant: the one that was named, else the local stack's of the folder.

    It asks once: who looks at logs and dead letters wants to know at once that nobody answers.
    """
    from modelbus.client.synchronous.client import Client

    return Client(url or local_url(directory), retry_s=0.0, answer_s=_ANSWER_S)


def settings_of(pairs: list[str] | None, option: str) -> dict[str, Any]:
    """Read ``name=value`` pairs: a value that is JSON is taken as that, any other as text.

    Raises:
        BadParameter: One is no pair, or a name is there twice.
    """
    read: dict[str, Any] = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r} is no name=value", param_hint=option)
        if name in read:
            raise typer.BadParameter(f"{name} is given twice", param_hint=option)
        read[name] = json_or_text(value)
    return read


def json_or_text(value: str) -> Any:
    """``3``, ``1.0``, ``true``, ``null``, ``[1, 2]`` as JSON has them; what is no JSON is text."""
    import json

    try:
        return json.loads(value)
    except ValueError:
        return value
