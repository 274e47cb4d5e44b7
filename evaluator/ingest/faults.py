"""What is wrong with a table, and where: one fault each, gathered into one error."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from modelbus.shared.errors import LimitExceeded, MalformedTable

FAULT_LIMIT = 100


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    line: int | None
    """The line of the file, from 1, at which the record begins; absent where lines do not exist."""
    problem: str
    expected: str
    column: str | None = None
    is_limit: bool = False
    """It exceeds a limit; apart from that it may be a table."""
    unit: Literal["line", "row"] = "line"
    """What is counted: lines of a text, rows of a sheet."""

    def detail(self) -> dict[str, str]:
        """The fault as an error's detail."""
        place = {"where": f"{self.unit} {self.line}" if self.line is not None else "file"}
        if self.column is not None:
            place["column"] = self.column
        return place | {"problem": self.problem, "expected": self.expected}

    def sentence(self) -> str:
        """The fault for people."""
        places = [f"{self.unit} {self.line}"] if self.line is not None else []
        places += [f"column {self.column!r}"] if self.column is not None else []
        return f"{', '.join(places)}: {self._statement()}" if places else self._statement()

    def _statement(self) -> str:
        return f"{self.problem}; expected {self.expected}"


class SkippedRows:
    """Rows that were skipped: how many, and what was wrong with the first ones."""

    def __init__(self) -> None:
        self.count = 0
        """How many there were."""
        self.faults: list[Fault] = []
        """One for each of the first 100."""

    def add(self, fault: Fault) -> None:
        """Note a row that is skipped."""
        self.add_all([fault], 1)

    def add_all(self, faults: Sequence[Fault], count: int) -> None:
        """Note ``count`` rows that are skipped, with the faults of the first ones."""
        self.count += count
        self.faults += faults[: FAULT_LIMIT - len(self.faults)]

    def warnings(self) -> list[str]:
        """Warnings about them."""
        if not self.count:
            return []
        rows = "1 row is" if self.count == 1 else f"{self.count} rows are"
        return [f"{rows} skipped; the first reason: {self.faults[0].sentence()}"]


def refusal(faults: Sequence[Fault]) -> MalformedTable | LimitExceeded:
    """The error for what is wrong with a file: where it merely exceeds a limit, that; else all other faults."""
    others = [fault for fault in faults if not fault.is_limit]
    return malformed(others) if others else _exceeded(faults[0])


def malformed(faults: Sequence[Fault]) -> MalformedTable:
    """One error for all faults (100 at most): the sentence names the first, the details name each."""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    details = [fault.detail() for fault in faults[:FAULT_LIMIT]]
    return MalformedTable(f"{faults[0].sentence()}{more}", details=details)


def refused(problem: str, expected: str, *, line: int | None = None, column: str | None = None) -> MalformedTable:
    """The error for a single fault."""
    return malformed([Fault(line, problem, expected, column)])


def too_many_columns(count: int, limit: int, *, line: int | None = None) -> LimitExceeded:
    """The error for a table that is too wide."""
    expected = f"at most {limit}; MODELBUS_COLUMN_LIMIT raises the limit"
    return _exceeded(Fault(line, f"the table has at least {count} columns", expected, is_limit=True))


def too_long(line: int, limit_bytes: int) -> LimitExceeded:
    """The error for a record that is too long."""
    return _exceeded(too_long_fault(line, limit_bytes))


def too_long_fault(line: int, limit_bytes: int) -> Fault:
    """The fault of a record that is too long."""
    problem = "the record is too long (is a quote left open?)"
    return Fault(
        line, problem, f"at most {limit_bytes} bytes; MODELBUS_LINE_LIMIT_BYTES raises the limit", is_limit=True
    )


def too_large_unpacked(limit_bytes: int) -> LimitExceeded:
    """The error for a compressed file or a workbook that unpacks to too much."""
    expected = f"at most {limit_bytes} bytes; MODELBUS_UPLOAD_LIMIT_BYTES raises the limit"
    return _exceeded(Fault(None, "the file is too large when unpacked", expected, is_limit=True))


def _exceeded(fault: Fault) -> LimitExceeded:
    return LimitExceeded(fault.sentence(), details=[fault.detail()])
