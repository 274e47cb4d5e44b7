"""Quotes of delimited text: a quick watch while the file streams, and a scanner that names the lines at fault.

pyarrow takes what follows an unclosed quote, to the end of the file, for one value, without a word. In a well-formed
table each odd quote has a delimiter, a line's end or a quote before it, and each even quote has one of them behind
it; the watch checks that for whole chunks at once. What it doubts (``12" pipe`` in an unquoted field is such a case,
and right) goes to the scanner, which follows pyarrow's own rules byte by byte and is the one authority on faults.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from evaluator.ingest.faults import FAULT_LIMIT, Fault

_QUOTE = 0x22


class QuoteWatch:
    """Finds out whether every quote stands where a well-formed table has one."""

    def __init__(self, delimiter: bytes) -> None:
        self._is_border = np.zeros(256, dtype=bool)
        self._is_border[list(delimiter + b'\r\n"')] = True
        self._held = b"\n"
        """The last two bytes that were fed: the last one still waits for its neighbour."""
        self._count = 0
        self._is_doubtful = False

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes of the file."""
        block = np.frombuffer(self._held + chunk, dtype=np.uint8)
        self._held = block[-2:].tobytes()
        places = np.flatnonzero(block[1:-1] == _QUOTE) + 1
        if not len(places):
            return
        first = self._count % 2  # every other quote opens: the first one here, or the second
        before, behind = block[places[first::2] - 1], block[places[1 - first :: 2] + 1]
        self._is_doubtful |= not (self._is_border[before].all() and self._is_border[behind].all())
        self._count += len(places)

    def finish(self) -> bool:
        """Whether a scan is needed: a quote at a doubtful place, or one that is never closed."""
        self.feed(b"\n")
        return bool(self._is_doubtful or self._count % 2)


@dataclass
class _Record:
    """The record that the scanner is in."""

    line: int
    fields: int = 1
    size_bytes: int = 0
    quote_line: int | None = None
    """Where the open quote stands."""


@dataclass
class Scan:
    """What the scanner found."""

    faults: list[Fault] = field(default_factory=list)
    too_long_line: int | None = None
    """Where the first record begins that exceeds the limit."""

    @property
    def is_full(self) -> bool:
        """Enough faults for one answer."""
        return len(self.faults) >= FAULT_LIMIT


def scan_records(lines: Iterator[bytes], *, delimiter: bytes, columns: Sequence[str], limit_bytes: int) -> Scan:
    """Find what is wrong with delimited text, by pyarrow's rules of quoting.

    Args:
        lines: The physical lines of the whole file, with their ends; the first record is the header.
        delimiter: One byte.
        columns: The names that the header gives: as many fields has each record.
        limit_bytes: How long a record may be.
    """
    return _Scanner(delimiter, columns, limit_bytes).scan(lines)


class _Scanner:
    def __init__(self, delimiter: bytes, columns: Sequence[str], limit_bytes: int) -> None:
        self._delimiter = delimiter
        self._columns = columns
        self._limit = limit_bytes
        self._found = Scan()

    def scan(self, lines: Iterator[bytes]) -> Scan:
        record: _Record | None = None
        for number, line in enumerate(lines, start=1):
            if record is None:
                if not line.strip(b" \r\n"):
                    continue
                record = _Record(number)
            record.size_bytes += len(line)
            if record.quote_line is None and b'"' not in line:
                record.fields += line.count(self._delimiter)
                is_sound = True
            else:
                is_sound = self._scan_line(record, line, number)
            if record.quote_line is None:
                self._end(record)
                record = None
            if not is_sound or self._found.is_full:
                return self._found
        if record is not None:
            expected = 'a closing quote (a quote in a field is written "")'
            self._add(Fault(record.quote_line, "a quote is opened and never closed", expected, self._column(record)))
        return self._found

    def _scan_line(self, record: _Record, line: bytes, number: int) -> bool:
        """Scan one physical line; false where what follows cannot be trusted."""
        text = line.rstrip(b"\r\n")
        position = 0
        while True:
            if record.quote_line is None and text.startswith(b'"', position):
                record.quote_line = number
                position += 1
            if record.quote_line is not None:
                closing = _closing_quote(text, position)
                if closing < 0:
                    return True
                position = closing + 1
                if not self._close_quote(record, text, position, number):
                    return False
            end = self._end_of_field(text, position)
            if end == len(text):
                return True
            record.fields += 1
            position = end + 1

    def _close_quote(self, record: _Record, text: bytes, position: int, number: int) -> bool:
        """Close the open quote; false if it was closed on another line and in the middle of a field."""
        opened, record.quote_line = record.quote_line, None
        if not text[position : self._end_of_field(text, position)].strip(b" "):
            return True
        where = "" if opened == number else f" (on line {number})"
        problem = f"text follows the quote that closes a field{where}"
        self._add(Fault(opened, problem, 'a delimiter (a quote in a field is written "")', self._column(record)))
        return opened == number

    def _end_of_field(self, text: bytes, start: int) -> int:
        end = text.find(self._delimiter, start)
        return len(text) if end < 0 else end

    def _end(self, record: _Record) -> None:
        if record.size_bytes > self._limit and self._found.too_long_line is None:
            self._found.too_long_line = record.line
        if record.fields != len(self._columns):
            expected = f"{_fields(len(self._columns))}, as the header has"
            self._add(Fault(record.line, _fields(record.fields), expected))

    def _add(self, fault: Fault) -> None:
        self._found.faults.append(fault)

    def _column(self, record: _Record) -> str | None:
        return self._columns[record.fields - 1] if record.fields <= len(self._columns) else None


def _closing_quote(line: bytes, start: int) -> int:
    """Where the quoted field ends that is open at ``start``; -1 if not in this line."""
    position = line.find(b'"', start)
    while position >= 0 and line.startswith(b'""', position):
        position = line.find(b'"', position + 2)
    return position


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
