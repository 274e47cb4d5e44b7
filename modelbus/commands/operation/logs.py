"""``modelbus logs``: the logs of all services in time order, of the local stack or of any gateway."""

import contextlib
import json
import sys
import time
from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from modelbus.commands.terminal.options import AsJson, Directory, NoColor, Url
from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.times import given_time, zone_name
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from modelbus.client.observations import LogLine as LoggedLine
    from modelbus.client.synchronous.client import Client
    from modelbus.shared.observing.log_text import LogLine
    from modelbus.stack.log_file_reading import LogFilter
    from modelbus.stack.logged_end import LoggedEnd
    from modelbus.stack_folder.stack_layout import Layout

    Show = Callable[[Iterable[LogLine]], None]

SERVERS = ("redis", "mongod")
PAUSE_S = 0.2
QUIET_S = 1.0
"""Seconds without a new line after which a job that has ended is done: its last lines come after its record."""
LOOK_S = 1.0
"""Seconds between two requests for the state of a job."""


class Level(StrEnum):
    """Log levels."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


Services = Annotated[
    list[str] | None,
    typer.Argument(help="Only these services; all by default. A local stack also has redis, mongod and stack."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show new lines as they are written.")]
LeastLevel = Annotated[Level | None, typer.Option("--level", "-l", help="This level and above.")]
CorrelationId = Annotated[str | None, typer.Option(help="Only lines about this job.")]
Since = Annotated[str | None, typer.Option(help="Only lines since a time (2026-01-31T12:00) or an age (10m).")]
Lines = Annotated[int, typer.Option("--lines", "-n", min=0, help="The last lines, at most this many.")]


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
    """Show the logs of all services in time order.

    The logs are those of the local stack that runs in this folder; else of the gateway at --url, whatever machines its
    services run on; else, if no gateway answers, of the last local stack in this folder. Times are in the terminal's
    time zone, which `TZ` sets.

    For example:

    - `modelbus logs --follow`

    - `modelbus logs trainer evaluator --level warning --since 10m`

    - `modelbus logs --correlation-id 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`

    With --correlation-id, --follow ends after the job's last line.
    """
    from modelbus.client.client_errors import GatewayUnreachable
    from modelbus.commands.terminal.session import local_url, open_once
    from modelbus.shared.moments import moment_of
    from modelbus.stack.log_file_reading import LogFilter
    from modelbus.stack_folder.running import meant_folder
    from modelbus.stack_folder.stack_layout import Layout

    layout = Layout(meant_folder(directory))
    show = _printer(as_json=as_json, no_color=no_color)
    moment = given_time(since)
    wanted = LogFilter(level, correlation_id, moment_of(moment) if moment else None)
    if not as_json:
        Printer().note(f"times are in {zone_name()}")
    try:
        if url is None and local_url(directory):
            _show_files(layout, services or [], wanted, lines, show, follow=follow)
            return
        try:
            with open_once(url, directory) as client:
                _show_kept(client, services or [], wanted, lines, show, follow=follow)
        except GatewayUnreachable:
            if url is not None or not list(layout.logged_names()):
                raise
            _show_files(layout, services or [], wanted, lines, show, follow=follow)
    except KeyboardInterrupt:
        return


def choose_names(layout: "Layout", given: "Sequence[str]") -> "Sequence[str]":
    """Choose the logs to read.

    Raises:
        NotRunning: There are no logs, or none with a given name.
    """
    from modelbus.stack.stack_errors import NotRunning

    kept = list(layout.logged_names())
    if not kept:
        raise NotRunning(
            f"there are no logs in {layout.logs}, and no gateway answers. "
            "Start a local stack with: modelbus up; or name a gateway with --url"
        )
    for name in given:
        if name not in kept:
            raise NotRunning(f"there is no log of {name!r} in {layout.logs}; there are {', '.join(kept)}")
    return given or [name for name in kept if name not in SERVERS]


def _show_files(
    layout: "Layout", services: "Sequence[str]", wanted: "LogFilter", lines: int, show: "Show", *, follow: bool
) -> None:
    from modelbus.stack.log_file_reading import LogReader

    names = choose_names(layout, services)
    if follow and wanted.correlation_id is not None:
        _follow_job(layout, names, wanted, lines, show)
        return
    reader = LogReader(layout, names, wanted)
    try:
        show(reader.read_last(lines))
        while follow:
            time.sleep(PAUSE_S)
            show(reader.read_new())
    finally:
        reader.close()


def _follow_job(layout: "Layout", names: "Sequence[str]", wanted: "LogFilter", lines: int, show: "Show") -> None:
    """Show a job's last lines and each new one, until it has ended and no line has come for a while."""
    from modelbus.stack.log_file_reading import LogFilter, LogReader
    from modelbus.stack.logged_end import LoggedEnd

    end = LoggedEnd()

    def shown(read: "Iterable[LogLine]") -> "Iterator[LogLine]":
        # The line of its end may be of another service, or of a lower level.
        for line in read:
            end.see(line)
            is_recent = wanted.since is None or (line.moment is not None and line.moment >= wanted.since)
            if is_recent and line.service in names and wanted.accepts(line):
                yield line

    assert wanted.correlation_id is not None
    has_ended = _end_of(layout, wanted.correlation_id, end)
    reader = LogReader(layout, choose_names(layout, ()), LogFilter(correlation_id=wanted.correlation_id))
    try:
        show(deque(shown(reader.read_new()), maxlen=lines))
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < QUIET_S or not has_ended():
            time.sleep(PAUSE_S)
            if new := list(shown(reader.read_new())):
                show(new)
                quiet_since = time.monotonic()
    finally:
        reader.close()


def _end_of(layout: "Layout", correlation_id: str, end: "LoggedEnd") -> "Callable[[], bool]":
    """Whether a job has ended: by its record, or where no gateway answers, by its lines."""
    from modelbus.client.synchronous.client import Client
    from modelbus.commands.terminal.session import local_url
    from modelbus.shared.errors import ModelbusError

    looked_at, said = -LOOK_S, None

    def has_ended() -> bool:
        nonlocal looked_at, said
        if time.monotonic() - looked_at >= LOOK_S:
            said, url = None, local_url(layout.root)
            if url is not None:
                with Client(url, retry_s=0.0, answer_s=LOOK_S) as client, contextlib.suppress(ModelbusError):
                    said = client.jobs.get(correlation_id).has_ended
            looked_at = time.monotonic()
        return end.has_ended if said is None else said

    return has_ended


def _show_kept(
    client: "Client", services: "Sequence[str]", wanted: "LogFilter", lines: int, show: "Show", *, follow: bool
) -> None:
    filters: dict[str, Any] = {"level": wanted.level or "debug", "since": wanted.since, "limit": lines}
    if not follow:
        found = client.logs(services, correlation_id=wanted.correlation_id, **filters)
        show(_line(line) for line in found)
        return
    if wanted.correlation_id and not services:
        # this one ends with the job
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
    """Print log lines of a gateway."""
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
