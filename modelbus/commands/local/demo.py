"""``modelbus demo``: the whole pipeline with real tables, in a local stack or against a gateway that runs."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.text import Text

from modelbus.commands.terminal import exits
from modelbus.commands.terminal.options import ApiKey, Directory, Url
from modelbus.extras import require
from modelbus.shared.errors import ModelbusError
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from modelbus.client.synchronous.client import Client


def demo(url: Url = None, api_key: ApiKey = None, directory: Directory = DEFAULT_DIRECTORY) -> None:
    """Train, serve and evaluate real models, step by step.

    Three tables go through all four services; each score is compared with scikit-learn's own, and a correlation id is
    followed through the logs. Starts a local stack, unless one runs in this folder or --url names a gateway. The exit
    code is 0 when every answer is right.

    For example:

    - `modelbus demo`

    - `modelbus demo --url http://127.0.0.1:8000`
    """
    require("server", "modelbus demo", install="server" if url else "server,embedded")
    from modelbus.demo.pipeline import Demo
    from modelbus.stack_folder.running import meant_folder

    directory = meant_folder(directory)
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    started = time.monotonic()
    try:
        with _gateway(url, api_key, directory, console) as client:
            console.print(f"[green]ready[/] after {time.monotonic() - started:.1f} s: {client.url}\n")
            Demo(client, console).run(directory)
    except ModelbusError as error:
        console.print(Text.assemble(("the demo failed: ", "bold red"), error.message))
        raise typer.Exit(exits.FAILED) from None
    took = f"({time.monotonic() - started:.0f} s)"
    console.print(f"\n[green]All answers are right.[/] Logs: {directory}/logs/   {took}")


@contextlib.contextmanager
def _gateway(url: str | None, api_key: str | None, directory: Path, console: Console) -> Iterator["Client"]:
    from modelbus.client.synchronous.client import Client
    from modelbus.commands.terminal.session import local_url
    from modelbus.stack import LocalStack

    known = url or local_url(directory)
    with contextlib.ExitStack() as opened:
        if known is None:
            console.print("starting Redis, MongoDB, gateway, trainer, predictor, evaluator ...")
            known = opened.enter_context(LocalStack(directory, gateway_port=0)).gateway_url
        yield opened.enter_context(Client(known, api_key=api_key, retry_s=5.0))
