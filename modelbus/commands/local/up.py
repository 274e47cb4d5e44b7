"""``modelbus up``: the local stack in the foreground."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from modelbus.commands.terminal.options import Directory, NoColor
from modelbus.commands.terminal.shown_text import words
from modelbus.commands.terminal.times import zone_name
from modelbus.extras import require
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from modelbus.stack import LocalStack

EXIT_INTERRUPTED = 130
EXIT_FAILED = 1

Port = Annotated[
    int,
    typer.Option(
        "--port", "-p", min=0, max=65535, envvar="MODELBUS_GATEWAY_PORT", help="The gateway's port; 0: a free one."
    ),
]
Concurrency = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=256,
        envvar="MODELBUS_CONCURRENCY",
        help="Jobs that each service runs at once.",
        show_default="1",
    ),
]
BusUrl = Annotated[str | None, typer.Option(envvar="MODELBUS_BUS_URL", help="Use this broker; Redis is not started.")]
MongoUrl = Annotated[
    str | None, typer.Option(envvar="MODELBUS_MONGO_URL", help="Use this replica set; MongoDB is not started.")
]
RedisPort = Annotated[int | None, typer.Option(min=0, max=65535, help="Redis' port.", show_default="a free one")]
MongoPort = Annotated[int | None, typer.Option(min=0, max=65535, help="MongoDB's port.", show_default="a free one")]


def up(
    port: Port = 8000,
    directory: Directory = DEFAULT_DIRECTORY,
    concurrency: Concurrency = None,
    bus_url: BusUrl = None,
    mongo_url: MongoUrl = None,
    redis_port: RedisPort = None,
    mongo_port: MongoPort = None,
    no_color: NoColor = False,
) -> None:
    """Start the local stack: Redis, MongoDB and the four services.

    Data and logs stay in the folder between runs. A process that dies is started again. Ctrl-C stops everything in
    order; a second Ctrl-C does not wait.

    For example:

    - `modelbus up`

    - `modelbus up --port 9000 --concurrency 4`

    - `modelbus up --mongo-url 'mongodb://127.0.0.1:27017/?replicaSet=rs0'`
    """
    if os.name != "posix":
        typer.echo("error: the local stack runs on Linux and macOS; elsewhere use docker compose", err=True)
        raise typer.Exit(EXIT_FAILED)
    require("server", "modelbus up", install="server,embedded")
    from modelbus.stack import LocalStack, LogRelay

    console = Console(no_color=no_color or None, highlight=False)
    stack = LocalStack(
        directory,
        gateway_port=port,
        redis_port=redis_port,
        mongo_port=mongo_port,
        bus_url=bus_url,
        mongo_url=mongo_url,
        environment={} if concurrency is None else {"MODELBUS_CONCURRENCY": str(concurrency)},
        relay=LogRelay(sys.stdout, use_color=console.color_system is not None and not console.no_color),
    )
    run(stack, console)


def run(stack: "LocalStack", console: Console) -> None:
    """Run the stack until a signal stops it.

    Raises:
        StackError: It did not start.
    """
    from modelbus.stack.stack_errors import StartInterrupted

    with stop_signals(stack):
        try:
            stack.start()
        except StartInterrupted:
            raise typer.Exit(EXIT_INTERRUPTED) from None
        try:
            console.print(banner(stack))
            stack.wait()
        finally:
            stack.stop()


@contextmanager
def stop_signals(stack: "LocalStack") -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and a closed terminal into requests to stop."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stack.request_stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def banner(stack: "LocalStack") -> Panel:
    """The box with all addresses, the command to try next, and how to stop."""
    from modelbus.stack.urls import without_password

    facts = {
        "Gateway": f"{stack.gateway_url}/",
        "API": f"{stack.gateway_url}/docs",
        "MongoDB": without_password(stack.mongo_url),
        "Bus": without_password(stack.bus_url),
        "Logs": f"{stack.layout.logs}/   (modelbus logs --follow)",
        "Times": f"{zone_name()}   (TZ sets another zone)",
        "Try next": "modelbus datasets upload FILE.csv   (in another terminal; or: modelbus demo)",
        "Stop": "Ctrl-C",
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in facts.items():
        table.add_row(Text(name), words(text, "bold" if name in ("Gateway", "Try next") else ""))
    return Panel(table, title="Modelbus is ready", title_align="left", expand=False, border_style="green")
