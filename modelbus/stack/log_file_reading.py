"""Reading log files: several merged in time order, and filtered."""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter

from modelbus.shared.observing.log_text import LogLine, parse_line
from modelbus.stack.log_tail import FileTail
from modelbus.stack_folder.stack_layout import Layout

BEGINNING = datetime.min.replace(tzinfo=UTC)
REORDER_WINDOW = 256
"""Number of lines within which a file may be out of order: threads write some time after they take the time."""


@dataclass(frozen=True)
class LogFilter:
    """A filter of log lines.

    Attributes:
        level: This level and above; None accepts all.
        correlation_id: Lines about this job only; None accepts all.
        since: No older lines; a line without a time has the time of the line before it.
    """

    level: str | None = None
    correlation_id: str | None = None
    since: datetime | None = None

    def accepts(self, line: LogLine) -> bool:
        """Whether the filter accepts a line."""
        if self.correlation_id is not None and not line.belongs_to(self.correlation_id):
            return False
        return self.level is None or line.is_at_least(self.level)


class LogReader:
    """Reads the logs of several processes, and then their new lines."""

    def __init__(self, layout: Layout, names: Sequence[str], wanted: LogFilter) -> None:
        self._tails = {name: FileTail(layout.log_file(name), offset=0) for name in names}
        self._wanted = wanted

    def read_last(self, count: int) -> list[LogLine]:
        """The last accepted lines of all files together, the oldest first."""
        return list(deque(self.read_new(), maxlen=count))

    def read_new(self) -> Iterator[LogLine]:
        """Yield the accepted lines that were written since the last call, the oldest first."""
        streams = [_reordered(_timed(_parsed(name, tail.read_lines()))) for name, tail in self._tails.items()]
        merged = heapq.merge(*streams, key=itemgetter(0))
        since = self._wanted.since
        return (line for at, line in merged if (since is None or at >= since) and self._wanted.accepts(line))

    def close(self) -> None:
        """Close the files."""
        for tail in self._tails.values():
            tail.close()


def _parsed(name: str, texts: Iterable[str]) -> Iterator[LogLine]:
    return (parse_line(name, text) for text in texts)


def _timed(lines: Iterable[LogLine]) -> Iterator[tuple[datetime, LogLine]]:
    """Give a line without a time the time of the line before it, so that a traceback stays in place."""
    last = BEGINNING
    for line in lines:
        last = line.moment or last
        yield last, line


def _reordered(lines: Iterable[tuple[datetime, LogLine]]) -> Iterator[tuple[datetime, LogLine]]:
    """Sort the lines of one file by time; lines with the same time keep their order."""
    waiting: list[tuple[datetime, int, LogLine]] = []
    for number, (moment, line) in enumerate(lines):
        heapq.heappush(waiting, (moment, number, line))
        if len(waiting) > REORDER_WINDOW:
            yield _first(waiting)
    while waiting:
        yield _first(waiting)


def _first(waiting: list[tuple[datetime, int, LogLine]]) -> tuple[datetime, LogLine]:
    moment, _, line = heapq.heappop(waiting)
    return moment, line
