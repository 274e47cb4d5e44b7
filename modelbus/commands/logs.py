"""``modelbus logs``: what services have logged, merged in time order: of the local stack, or of any gateway."""

import json
import sys
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from modelbus.commands.terminal.options import AsJson, Directory, NoColor, Url
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from modelbus.client.observations import LogLine as LoggedLine
    from modelbus.client.synchronous.client import Client
    from modelbus.shared.observing.log_text import LogLine
    from modelbus.stack.log_file_reading import LogFilter
    from modelbus.stack_folder.stack_layout import Layout

    Show = Callable[[Iterable[LogLine]], None]

SERVERS = ("redis", "mongod")
PAUSE_S = 0.2


class Level(StrEnum):
    """Levels that can be asked for."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


Services = Annotated[
    list[str] | None,
    typer.Argument(help="Whose logs; all services' by default. Of the local stack also redis, mongod and stack."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written next.")]
LeastLevel = Annotated[Level | None, typer.Option("--level", "-l", help="Only this level and graver ones.")]
CorrelationId = Annotated[str | None, typer.Option(help="Only lines that belong to this job.")]
Since = Annotated[str | None, typer.Option(help="Only from then on: 2026-01-31T12:00, or how long ago: 10m.")]
Lines = Annotated[int, typer.Option("--lines", "-n", min=0, help="How many lines, counted from the end.")]


def logs(
    services: Services = None,
    follow: Follow = False,
    level: LeastLevel = None,
    correlation_id: CorrelationId = None,
    since: Since = None,
    lines: Lines = 200,
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = None,
    as_json: AsJson = False,
    no_color: NoColor = False,
) -> None:
    """Show logs, all services merged in time order.

    Of the local stack that runs in this folder, from its files; else of the gateway at --url, from whatever machines
    its services run on; else, where no gateway answers, of the local stack that ran here last.

    For example:

    - `modelbus logs --follow`

    - `modelbus logs trainer evaluator --level warning --since 10m`

    - `modelbus logs --correlation-id 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    from modelbus.commands.terminal.session import local_url, open_once
    from modelbus.shared.moments import moment_of
    from modelbus.stack.log_file_reading import LogFilter
    from modelbus.stack_folder.running import meant_folder
    from modelbus.stack_folder.stack_layout import Layout

    layout = Layout(meant_folder(directory))
    show = _printer(as_json=as_json, no_color=no_color)
    wanted = LogFilter(level, correlation_id, moment_of(since) if since else None)
    try:
        if url is None and local_url(directory):
            _show_files(layout, services or [], wanted, lines, show, follow=follow)
            return
        with open_once(url, directory) as client:
            if url is None and not client.is_alive():
                _show_files(layout, services or [], wanted, lines, show, follow=follow)
            else:
                _show_kept(client, services or [], wanted, lines, show, follow=follow)
    except KeyboardInterrupt:
        return


def choose_names(layout: "Layout", asked: "Sequence[str]") -> "Sequence[str]":
    """Choose whose logs to read.

    Raises:
        NotRunning: There are no logs, or none of a name that was asked for.
    """
    from modelbus.stack.stack_errors import NotRunning

    kept = list(layout.logged_names())
    if not kept:
        raise NotRunning(
            f"There are no logs in {layout.logs}: nothing has run there yet, and no gateway answers. "
            "Start it with: modelbus up; or name a gateway with --url"
        )
    for name in asked:
        if name not in kept:
            raise NotRunning(f"There is no log of {name!r} in {layout.logs}; there are {', '.join(kept)}.")
    return asked or [name for name in kept if name not in SERVERS]


def _show_files(
    layout: "Layout", services: "Sequence[str]", wanted: "LogFilter", lines: int, show: "Show", *, follow: bool
) -> None:
    from modelbus.stack.log_file_reading import LogReader

    reader = LogReader(layout, choose_names(layout, services), wanted)
    try:
        show(reader.read_last(lines))
        while follow:
            time.sleep(PAUSE_S)
            show(reader.read_new())
    finally:
        reader.close()


def _show_kept(
    client: "Client", services: "Sequence[str]", wanted: "LogFilter", lines: int, show: "Show", *, follow: bool
) -> None:
    filters: dict[str, Any] = {"level": wanted.level or "debug", "since": wanted.since, "limit": lines}
    if not follow:
        found = client.logs(services, correlation_id=wanted.correlation_id, **filters)
        show(_line(line) for line in found)
        return
    if wanted.correlation_id and not services:
        # which ends when the job has ended
        followed = client.jobs.get(wanted.correlation_id).follow_logs(away_s=None, **filters)
    else:
        followed = client.follow_logs(services, correlation_id=wanted.correlation_id, away_s=None, **filters)
    with followed:
        for line in followed:
            show([_line(line)])


def _line(line: "LoggedLine") -> "LogLine":
    from modelbus.shared.observing.log_text import parse_line

    return parse_line(line.service, json.dumps(line.facts, ensure_ascii=False))


def show_lines(lines: "Iterable[LoggedLine]", *, no_color: bool) -> None:
    """Print lines that the gateway answered."""
    _printer(as_json=False, no_color=no_color)(_line(line) for line in lines)


def _printer(*, as_json: bool, no_color: bool) -> "Show":
    from modelbus.shared.observing.log_text import render_line

    console = Console(no_color=no_color or None)
    use_color = console.color_system is not None and not console.no_color

    def show(lines: "Iterable[LogLine]") -> None:
        for line in lines:
            sys.stdout.write((line.text if as_json else render_line(line, use_color=use_color)) + "\n")
        sys.stdout.flush()

    return show
