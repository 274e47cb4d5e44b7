"""The records of delimited text, one by one, by pyarrow's own rules of quoting: what is wrong with each, and where.

pyarrow reads fast and says little: it takes what follows an unclosed quote, to the end of the file, for one value, and
names no lines. This scanner is slower (some 100 MB/s) and the one authority on faults. It is asked where the quotes are
doubtful, where rows are to be skipped, and for the line of a row.
"""

import io
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from modelbus.evaluator.ingest.faults import FAULT_LIMIT, Fault, SkippedRows, too_long_fault

_CUT_BYTES = 64 * 1024
"""A record that is open where the beginning of a file was cut may be so long and yet be sound."""


@dataclass(frozen=True)
class RecordRules:
    """How records are written, and how large they may be."""

    delimiter: bytes
    """One byte."""
    columns: Sequence[str]
    """The names of the columns: as many fields has each record."""
    limit_bytes: int
    """How long a record may be."""
    is_truncated: bool = False
    """Whether the text is only the beginning of a file: then its last record may be left open."""
    has_header: bool = True
    """Whether a header tells how many fields there are, not the first record."""
    has_quotes: bool = True
    """Whether quotes around a field are syntax."""


@dataclass
class Record:
    """One record, sound if it has no faults."""

    line: int
    """At which it begins, from 1."""
    fields: int = 1
    size_bytes: int = 0
    quote_line: int | None = None
    """Where the open quote is."""
    faults: list[Fault] = field(default_factory=list)
    is_trusted: bool = True
    """Whether its end can be told; else what follows it cannot be trusted either."""
    lines: list[bytes] = field(default_factory=list)
    """Its physical lines, where they are kept."""


class RecordScanner:
    """Scans the physical lines of delimited text; header and body alike."""

    def __init__(self, lines: Iterator[bytes], rules: RecordRules, *, first_line: int = 1) -> None:
        """Args:
        lines: The lines with their ends.
        rules: How to read them.
        first_line: The number of the first one.
        """
        self._numbered = enumerate(lines, start=first_line)
        self._again: deque[tuple[int, bytes]] = deque()
        self._rules = rules
        # of a single column, or between spaces, a line of spaces is a row; pyarrow has it so
        self._blank = b"\r\n" if len(rules.columns) == 1 or rules.delimiter == b" " else b" \r\n"
        self._recovers = False
        self.spaced_quote_line: int | None = None
        """The first line in which a field begins with a space and a quote, which is taken for a part of it."""

    def strictly(self) -> Iterator[Record]:
        """All records, to the first that cannot be trusted; lines are not kept."""
        while (record := self._next()) is not None:
            yield record
            if not record.is_trusted:
                return

    def recovering(self) -> Iterator[Record]:
        """All records with their lines; behind one that cannot be trusted the scan begins anew at its second line."""
        self._recovers = True
        while (record := self._next()) is not None:
            if not record.is_trusted:
                self._again.extendleft(
                    (record.line + index, record.lines[index]) for index in range(len(record.lines) - 1, 0, -1)
                )
                record.lines = record.lines[:1]
            yield record

    def _next_line(self) -> tuple[int, bytes] | None:
        return self._again.popleft() if self._again else next(self._numbered, None)

    def _next(self) -> Record | None:
        while (taken := self._next_line()) is not None:
            number, line = taken
            if line.strip(self._blank):
                return self._scan(Record(number), number, line)
        return None

    def _scan(self, record: Record, number: int, line: bytes) -> Record | None:
        while True:
            record.size_bytes += len(line)
            if self._recovers:
                record.lines.append(line)
            if record.quote_line is None and (b'"' not in line or not self._rules.has_quotes):
                record.fields += line.count(self._rules.delimiter)
            else:
                self._scan_line(record, line, number)
            if record.quote_line is None or not record.is_trusted:
                return self._ended(record)
            if self._recovers and record.size_bytes > self._rules.limit_bytes:
                return self._ended(record)
            taken = self._next_line()
            if taken is None:
                return self._unclosed(record)
            number, line = taken

    def _scan_line(self, record: Record, line: bytes, number: int) -> None:
        text = line.rstrip(b"\r\n")
        position = 0
        while True:
            if record.quote_line is None and text.startswith(b'"', position):
                record.quote_line = number
                position += 1
            elif record.quote_line is None and self.spaced_quote_line is None and _has_spaced_quote(text, position):
                self.spaced_quote_line = number
            if record.quote_line is not None:
                closing = _closing_quote(text, position)
                if closing < 0:
                    return
                position = closing + 1
                self._close_quote(record, text, position, number)
                if not record.is_trusted:
                    return
            end = self._end_of_field(text, position)
            if end == len(text):
                return
            record.fields += 1
            position = end + 1

    def _close_quote(self, record: Record, text: bytes, position: int, number: int) -> None:
        """Close the open quote; one that was closed on another line and in the middle of a field ends all trust."""
        opened, record.quote_line = record.quote_line, None
        if not text[position : self._end_of_field(text, position)].strip(b" "):
            return
        where = "" if opened == number else f" (on line {number})"
        problem = f"text follows the quote that closes a field{where}"
        record.faults.append(
            Fault(opened, problem, 'a delimiter (a quote in a field is written "")', self._column(record))
        )
        record.is_trusted = opened == number

    def _end_of_field(self, text: bytes, start: int) -> int:
        end = text.find(self._rules.delimiter, start)
        return len(text) if end < 0 else end

    def _ended(self, record: Record) -> Record:
        if record.size_bytes > self._rules.limit_bytes:
            record.faults.append(too_long_fault(record.line, self._rules.limit_bytes))
            record.is_trusted = record.quote_line is None and record.is_trusted
        elif record.is_trusted and record.fields != len(self._rules.columns):
            teller = "header" if self._rules.has_header else "first record"
            expected = f"{_fields(len(self._rules.columns))}, as the {teller} has"
            record.faults.append(Fault(record.line, _fields(record.fields), expected))
        return record

    def _unclosed(self, record: Record) -> Record | None:
        if self._rules.is_truncated and record.size_bytes <= _CUT_BYTES:
            return None
        expected = 'a closing quote (a quote in a field is written "")'
        record.faults.append(Fault(record.quote_line, "a quote is never closed", expected, self._column(record)))
        record.is_trusted = False
        return record

    def _column(self, record: Record) -> str | None:
        columns = self._rules.columns
        return columns[record.fields - 1] if record.fields <= len(columns) else None


@dataclass(frozen=True)
class Findings:
    """What a scan has found."""

    faults: list[Fault]
    """100 at most."""
    spaced_quote_line: int | None
    """The first line in which a field begins with a space and a quote."""


def find_faults(
    lines: Iterator[bytes],
    rules: RecordRules,
    *,
    first_line: int = 1,
    record_limit: int | None = None,
    skip_below_header: int = 0,
) -> Findings:
    """What is wrong with a file, header included, 100 faults at most.

    Args:
        lines: Its lines from the header on.
        rules: How to read them.
        first_line: The number of the first one.
        record_limit: How many records to look at; all by default.
        skip_below_header: How many records behind the first one are skipped, whatever is wrong with them.
    """
    faults: list[Fault] = []
    scanner = RecordScanner(lines, rules, first_line=first_line)
    for index, record in enumerate(islice(scanner.strictly(), record_limit)):
        faults += record.faults if not 0 < index <= skip_below_header else []
        if len(faults) >= FAULT_LIMIT:
            break
    return Findings(faults, scanner.spaced_quote_line)


def _has_spaced_quote(text: bytes, position: int) -> bool:
    return text.startswith(b" ", position) and text[position:].lstrip(b" ").startswith(b'"')


def lines_of_rows(scanner: RecordScanner, rows: Collection[int]) -> dict[int, int]:
    """At which line each of some rows begins.

    Args:
        scanner: Of the records behind the header.
        rows: Positions among the sound records, from 0.
    """
    return lines_at((record.line for record in scanner.recovering() if not record.faults), rows)


def lines_at(sound: Iterator[int], rows: Collection[int]) -> dict[int, int]:
    """The lines of some rows, by the lines of all sound ones in their order, of which no more are taken than needed."""
    last = max(rows, default=-1)
    return {row: line for row, line in zip(range(last + 1), sound, strict=False) if row in rows}


class SoundRecords(io.RawIOBase):
    """The sound records as a stream of bytes; the others are skipped, and noted."""

    def __init__(self, scanner: RecordScanner, skipped: SkippedRows) -> None:
        """Args:
        scanner: What to read.
        skipped: Takes what is wrong with the records that are skipped.
        """
        super().__init__()
        self._records = scanner.recovering()
        self._skipped = skipped
        self._held = b""

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read up to ``size`` bytes (all that is left, if negative); empty at the end."""
        taken = [self._held]
        length = len(self._held)
        for record in self._records:
            if record.faults:
                self._skipped.add(_of_record(record))
                continue
            taken += record.lines
            length += record.size_bytes
            if not record.lines[-1].endswith((b"\n", b"\r")):
                # the end of the file; it may come in the middle where what followed was skipped
                taken.append(b"\n")
            if 0 <= size <= length:
                break
        joined = b"".join(taken)
        cut = len(joined) if size < 0 else size
        self._held = joined[cut:]
        return joined[:cut]


def _of_record(record: Record) -> Fault:
    """The record's first fault at its first line: another line may be a record of its own."""
    fault = record.faults[0]
    if fault.line == record.line:
        return fault
    return replace(fault, line=record.line, problem=f"{fault.problem} (on line {fault.line})")


def _closing_quote(line: bytes, start: int) -> int:
    """Where the quoted field ends that is open at ``start``; -1 if not in this line."""
    position = line.find(b'"', start)
    while position >= 0 and line.startswith(b'""', position):
        position = line.find(b'"', position + 2)
    return position


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
