"""``modelbus demo``: the whole pipeline with real tables, in a local stack or against a running gateway."""

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from modelbus.commands.terminal import exits
from modelbus.commands.terminal.options import ApiKey, Directory, Url
from modelbus.commands.terminal.shown_text import words
from modelbus.extras import require
from modelbus.shared.errors import ModelbusError
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from modelbus.client.synchronous.client import Client
    from modelbus.demo.pipeline import Demo


Keep = Annotated[bool, typer.Option("--keep", help="Keep the demo's datasets, models and evaluations, and its folder.")]


def demo(url: Url = None, api_key: ApiKey = None, directory: Directory = DEFAULT_DIRECTORY, keep: Keep = False) -> None:
    """Train, serve and evaluate real models, step by step.

    Three tables pass through all four services; each score is compared with scikit-learn's own, and a correlation id is
    followed through the logs. Without a running stack or --url, a local stack is started and stopped. Everything that
    the demo made is removed at the end, unless --keep is given. The exit code is 0 if every answer is right.

    For example:

    - `modelbus demo`

    - `modelbus demo --keep`

    - `modelbus demo --url http://127.0.0.1:8000`
    """
    require("server", "modelbus demo", install="server" if url else "server,embedded")
    from modelbus.demo.pipeline import Demo
    from modelbus.stack_folder.running import meant_folder

    directory = meant_folder(directory)
    is_new = not directory.exists()
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    started = time.monotonic()
    try:
        with _gateway(url, api_key, directory, console) as client:
            ready_s = time.monotonic() - started
            console.print(Text.assemble(("ready", "green"), f" after {ready_s:.1f} s: {client.url}\n"))
            run = Demo(client, console)
            try:
                run.run(directory)
            finally:
                leave(run, console, keep=keep)
    except ModelbusError as error:
        console.print(Text.assemble(("the demo failed: ", "bold red"), words(error.message)))
        if is_new and directory.exists():
            console.print(words(f"logs: {directory}/logs/"))
        raise typer.Exit(exits.code_of(error)) from None
    _leave_folder(directory, console, is_new=is_new, keep=keep)
    console.print(Text.assemble(("All answers are right.", "green"), f" ({time.monotonic() - started:.0f} s)"))


def leave(run: "Demo", console: Console, *, keep: bool) -> None:
    """Remove what a run of the demo made, or list it.

    Args:
        run: The run, which may have failed.
        console: Where to say it.
        keep: Whether everything is kept.
    """
    if keep:
        console.print(words("\nkept:"))
        for kind, names in run.made.items():
            console.print(words(f"  {kind}: {', '.join(names) or 'none'}"))
        return
    left = run.clean()
    removed = ", ".join(_counted(len(names), kind) for kind, names in run.made.items())
    console.print(words(f"\nremoved: {removed}" if not left else f"\nnot removed: {', '.join(left)}"))


def _counted(count: int, plural: str) -> str:
    return f"{count} {plural[:-1] if count == 1 else plural}"


def _leave_folder(directory: Path, console: Console, *, is_new: bool, keep: bool) -> None:
    """Remove the folder of a stack that the demo made and ended; say where it is if it is kept."""
    from modelbus.stack_folder.running import is_locked
    from modelbus.stack_folder.stack_layout import Layout

    if not is_new or not directory.exists() or is_locked(Layout(directory).lock):
        return
    if keep:
        console.print(words(f"data and logs: {directory}/ (modelbus up serves them)"))
    else:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _gateway(url: str | None, api_key: str | None, directory: Path, console: Console) -> Iterator["Client"]:
    from modelbus.commands.terminal.session import gateway, local_url
    from modelbus.stack import LocalStack

    with contextlib.ExitStack() as opened:
        if url is None and local_url(directory) is None:
            console.print(words("starting Redis, MongoDB, gateway, trainer, predictor, evaluator ..."))
            opened.enter_context(LocalStack(directory, gateway_port=0))
        yield opened.enter_context(gateway(url, directory, api_key=api_key, retry_s=5.0))
