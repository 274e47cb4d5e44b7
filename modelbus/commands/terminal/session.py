"""What a command that asks a gateway has at hand: the client, and a way to print. Made anew for each command."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

import typer

from modelbus.client.client_errors import GatewayUnreachable
from modelbus.client.places import DEFAULT_URL
from modelbus.commands.terminal.near_names import with_near_names
from modelbus.commands.terminal.options import ApiKey, AsJson, Url
from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.reaching import require_gateway, unreachable
from modelbus.shared.errors import NotFound
from modelbus.stack_folder.running import running_stack
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from modelbus.client.synchronous.client import Client

P = ParamSpec("P")

_ANSWER_S: Final = 30.0
_RETRY_S: Final = 30.0
_SHARED: Final = {"url": Url, "api_key": ApiKey, "as_json": AsJson}


class Session:
    """The gateway and the terminal."""

    def __init__(self, connect: "Callable[[], Client]", printer: Printer) -> None:
        """Args:
        connect: Opens the client; called with the first use of it, so that wrong usage is refused without a gateway.
        printer: Prints.
        """
        self._connect = connect
        self.printer = printer

    @functools.cached_property
    def client(self) -> "Client":
        """The client of a gateway that listens.

        Raises:
            GatewayUnreachable: Nothing listens there.
        """
        return self._connect()


def asks_gateway(command: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """Give a command the options that name the gateway, and in their place a ``Session`` as its first argument."""

    @functools.wraps(command)
    def run(*, url: str | None, api_key: str | None, as_json: bool, **given: Any) -> None:
        with ExitStack() as opened:
            session = Session(lambda: opened.enter_context(gateway(url, api_key=api_key)), Printer(as_json=as_json))
            try:
                command(session, **given)  # type: ignore[call-arg]
            except NotFound as error:
                raise with_near_names(error, session.client, given) from error

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


@contextmanager
def gateway(
    url: str | None,
    directory: Path = DEFAULT_DIRECTORY,
    *,
    api_key: str | None = None,
    retry_s: float = _RETRY_S,
    answer_s: float = 2 * _ANSWER_S,
) -> Iterator["Client"]:
    """Open the client of a gateway that listens.

    Args:
        url: The gateway that the user named; None for the local stack's, else the default one.
        directory: The folder of the local stack.
        api_key: The key, if the gateway needs one.
        retry_s: For so many seconds a request is sent again, once the gateway was reached.
        answer_s: Seconds that an answer may stand still.

    Raises:
        GatewayUnreachable: Nothing listens there: at once, without a retry.
    """
    from modelbus.client.synchronous.client import Client

    chosen = url or local_url(directory) or DEFAULT_URL
    with Client(chosen, api_key=api_key, retry_s=retry_s, answer_s=answer_s) as client:
        require_gateway(chosen, is_named=url is not None)
        try:
            yield client
        except GatewayUnreachable as error:
            if error.may_have_arrived or error.__cause__ is None:
                raise
            raise unreachable(chosen, is_named=url is not None, reason=str(error.__cause__)) from error


def open_once(url: str | None, directory: Path) -> AbstractContextManager["Client"]:
    """Open the client for a command that asks once, and says at once when nobody answers."""
    return gateway(url, directory, retry_s=0.0, answer_s=_ANSWER_S)


def local_url(directory: Path = DEFAULT_DIRECTORY) -> str | None:
    """The gateway of the local stack that runs in this folder or above it; None where none does."""
    state = running_stack(directory)
    return state.gateway_url if state is not None else None


def settings_of(pairs: list[str] | None, option: str) -> dict[str, Any]:
    """Read ``name=value`` pairs: a value that is JSON is read as JSON, any other as text.

    Raises:
        BadParameter: One has no name or no ``=``, or a name is given twice.
    """
    read: dict[str, Any] = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r} must have the form NAME=VALUE", param_hint=option)
        if name in read:
            raise typer.BadParameter(f"{name} is given twice", param_hint=option)
        read[name] = json_or_text(value)
    return read


def json_or_text(value: str) -> Any:
    """Read ``3``, ``1.0``, ``true``, ``null`` and ``[1, 2]`` as JSON; anything else is text."""
    import json

    try:
        return json.loads(value)
    except ValueError:
        return value
