"""``modelbus logs``: what the local stack's processes have logged."""

import sys
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from modelbus.commands.options import DEFAULT_DIRECTORY, AsJson, Directory, NoColor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from modelbus.stack.layout import Layout
    from shared.log_text import LogLine

SERVERS = ("redis", "mongod")
PAUSE_S = 0.2


class Level(StrEnum):
    """Levels that can be asked for."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


Services = Annotated[list[str] | None, typer.Argument(help="Whose logs; all services' by default. Also redis, mongod.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written next.")]
LeastLevel = Annotated[Level | None, typer.Option("--level", "-l", help="Only this level and graver ones.")]
CorrelationId = Annotated[str | None, typer.Option(help="Only lines that belong to this job.")]
Lines = Annotated[int, typer.Option("--lines", "-n", min=0, help="How many lines, counted from the end.")]


def logs(
    services: Services = None,
    follow: Follow = False,
    level: LeastLevel = None,
    correlation_id: CorrelationId = None,
    lines: Lines = 200,
    directory: Directory = DEFAULT_DIRECTORY,
    as_json: AsJson = False,
    no_color: NoColor = False,
) -> None:
    """Show logs of the local stack, all services merged in time order.

    Works while the stack runs and after it has stopped.

    For example:

    - `modelbus logs --follow`

    - `modelbus logs trainer evaluator --level warning`

    - `modelbus logs --correlation-id 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    from modelbus.stack.layout import Layout
    from modelbus.stack.log_reading import LogFilter, LogReader

    layout = Layout(directory)
    names = choose_names(layout, services or [])
    reader = LogReader(layout, names, LogFilter(level, correlation_id))
    show = _printer(as_json=as_json, no_color=no_color)
    try:
        show(reader.read_last(lines))
        while follow:
            time.sleep(PAUSE_S)
            show(reader.read_new())
    except KeyboardInterrupt:
        return
    finally:
        reader.close()


def choose_names(layout: "Layout", asked: "Sequence[str]") -> "Sequence[str]":
    """Choose whose logs to read.

    Raises:
        NotRunning: There are no logs, or none of a name that was asked for.
    """
    from modelbus.stack.errors import NotRunning

    kept = list(layout.logged_names())
    if not kept:
        raise NotRunning(f"There are no logs in {layout.logs}: nothing has run there yet. Start it with: modelbus up")
    for name in asked:
        if name not in kept:
            raise NotRunning(f"There is no log of {name!r} in {layout.logs}; there are {', '.join(kept)}.")
    return asked or [name for name in kept if name not in SERVERS]


def _printer(*, as_json: bool, no_color: bool) -> "Callable[[Iterable[LogLine]], None]":
    from shared.log_text import render_line

    console = Console(no_color=no_color or None)
    use_color = console.color_system is not None and not console.no_color

    def show(lines: "Iterable[LogLine]") -> None:
        for line in lines:
            sys.stdout.write((line.text if as_json else render_line(line, use_color=use_color)) + "\n")
        sys.stdout.flush()

    return show
