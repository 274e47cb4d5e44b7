"""Whether a job has ended, by its log lines: for following a job where no gateway answers."""

from datetime import datetime
from typing import Final

from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.observing.log_text import LogLine

_BEGINS: Final = ("job.accepted", "job.started", "job.republished", "job.changed", "dead_letter.replayed")
_ANOTHERS: Final = "correlation_id_reused"
"""The code of a refusal of another command with the same id: it does not end the job."""


class LoggedEnd:
    """Reads the lines of one job in any order, since they come from several files."""

    def __init__(self) -> None:
        self._began_at: datetime | None = None
        self._ended_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the latest line is the job's end; a replayed job has not ended."""
        if self._ended_at is None:
            return False
        return self._began_at is None or self._began_at <= self._ended_at

    def see(self, line: LogLine) -> None:
        """Read one line of the job."""
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
