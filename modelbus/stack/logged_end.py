"""Whether a job has ended, as far as its log lines tell: for whoever follows them where no gateway answers."""

from datetime import datetime
from typing import Final

from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.observing.log_text import LogLine

_BEGINS: Final = ("job.accepted", "job.started", "job.republished", "job.changed", "dead_letter.replayed")
_ANOTHERS: Final = "correlation_id_reused"
"""The code of a refusal that is none of the job's own: another command came under its id."""


class LoggedEnd:
    """Looks at the lines of one job; they may come in any order, as those of several files do."""

    def __init__(self) -> None:
        self._began_at: datetime | None = None
        self._ended_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the last that is known of the job is its end: one that was replayed goes on."""
        if self._ended_at is None:
            return False
        return self._began_at is None or self._began_at <= self._ended_at

    def see(self, line: LogLine) -> None:
        """Take one line of the job's."""
        if line.moment is None:
            return
        if _is_end(line):
            self._ended_at = max(self._ended_at or line.moment, line.moment)
        elif line.event in _BEGINS:
            self._began_at = max(self._began_at or line.moment, line.moment)


def _is_end(line: LogLine) -> bool:
    if line.event == "command.refused":
        return line.facts.get("code") != _ANOTHERS
    # an id that is sent once more: the job is there, as it ended
    return line.event == "job.finished" or (
        line.event == "job.accepted" and line.facts.get("status") in TERMINAL_STATUSES
    )
