"""What is wrong with a table, and where: one fault each, gathered into one error."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import LimitExceeded, MalformedTable

FAULT_LIMIT = 100


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    line: int | None
    """The line of the file, from 1, at which the record begins; absent where lines do not exist."""
    problem: str
    expected: str
    column: str | None = None

    def detail(self) -> dict[str, str]:
        """The fault as an error's detail."""
        place = {"where": f"line {self.line}" if self.line is not None else "file"}
        if self.column is not None:
            place["column"] = self.column
        return place | {"problem": self.problem, "expected": self.expected}

    def sentence(self) -> str:
        """The fault for people."""
        places = [f"line {self.line}"] if self.line is not None else []
        places += [f"column {self.column!r}"] if self.column is not None else []
        return f"{', '.join(places)}: {self._statement()}" if places else self._statement()

    def _statement(self) -> str:
        return f"{self.problem}; expected {self.expected}"


def malformed(faults: Sequence[Fault]) -> MalformedTable:
    """One error for all faults (100 at most): the sentence names the first, the details name each."""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    details = [fault.detail() for fault in faults[:FAULT_LIMIT]]
    return MalformedTable(f"{faults[0].sentence()}{more}", details=details)


def refused(problem: str, expected: str, *, line: int | None = None, column: str | None = None) -> MalformedTable:
    """The error for a single fault."""
    return malformed([Fault(line, problem, expected, column)])


def exceeded(problem: str, expected: str, *, line: int | None = None) -> LimitExceeded:
    """The error for a limit that the table exceeds."""
    fault = Fault(line, problem, expected)
    return LimitExceeded(fault.sentence(), details=[fault.detail()])


def too_many_columns(count: int, limit: int, *, line: int | None = None) -> LimitExceeded:
    """The error for a table that is too wide."""
    return exceeded(f"the table has {count} columns or more", f"{limit} at most", line=line)


def too_long(line: int, limit_bytes: int) -> LimitExceeded:
    """The error for a record that is too long."""
    return exceeded("the record is too long (is a quote left open?)", f"{limit_bytes} bytes at most", line=line)
