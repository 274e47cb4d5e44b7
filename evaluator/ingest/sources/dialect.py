"""The dialect of delimited text: its delimiter and its header.

``csv.Sniffer`` guesses from how often characters occur and is often led astray by prose and decimal commas. Here each
candidate parses the sample, and the one that gives the records as many fields as the header wins.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Literal

from modelbus.evaluator.ingest.faults import refused, too_long, too_many_columns
from modelbus.evaluator.ingest.sources.formats import HEAD_BYTES
from modelbus.evaluator.ingest.sources.naming import column_names
from modelbus.evaluator.ingest.sources.text_stream import Utf8Stream, agreed_encoding, physical_lines
from modelbus.evaluator.ingest.table import Limits

DELIMITERS = "\t;|,"
"""Where two fit equally well, the earlier one wins: commas occur in text and in numbers most often."""
_ENOUGH_RECORDS = 20
_SAMPLE_LIMIT_BYTES = 1024 * 1024
NO_DELIMITER = "\x1f"
"""Stands in for the delimiter of a single column: ASCII's unit separator, which text does not have."""
_EXCEL_HINT = re.compile(r'^"?sep=([!#-/:-@\[-^`{-~\t])"?[ \r\n]*$')
_NUMBER = re.compile(r"^[+-]?\d+([.,]\d+)?$")


@dataclass(frozen=True)
class Header:
    """The header of delimited text."""

    names: list[str]
    are_indented: list[bool]
    """Whether each name has a space before it, as in `a, b, c`."""
    size_bytes: int
    """Bytes of UTF-8 up to the first record behind it."""
    line_count: int
    """Lines up to there."""
    first_line: int
    """At which the header begins; what is before it is blank."""
    warnings: list[str]
    found: list[str]
    """The names as written; none where there is no header."""

    @property
    def has_unnamed_end(self) -> bool:
        """Whether it ends with a delimiter."""
        return len(self.found) > 1 and not self.found[-1].strip() and bool(self.found[-2].strip())


def read_sample(source: BinaryIO, encoding: str | None) -> str:
    """The file's first complete lines, good enough to look for delimiters in; the file is rewound.

    At least 64 KiB, and more where comments or long records leave too few records to infer the layout.

    Args:
        source: The file.
        encoding: As it was declared.
    """
    size_bytes = HEAD_BYTES
    while True:
        source.seek(0)
        head = source.read(size_bytes)
        is_cut = len(head) == size_bytes
        sample = _sample_text(head, encoding, is_cut=is_cut)
        if not is_cut or size_bytes >= _SAMPLE_LIMIT_BYTES or _has_enough_records(sample):
            source.seek(0)
            return sample
        size_bytes *= 4


def _has_enough_records(sample: str) -> bool:
    count, quote_count = 0, 0
    for line in sample.splitlines():
        quote_count += line.count('"')
        count += quote_count % 2 == 0 and bool(line.strip()) and not line.lstrip().startswith("#")
        if count == _ENOUGH_RECORDS:
            return True
    return False


def _sample_text(head: bytes, encoding: str | None, *, is_cut: bool) -> str:
    agreed = agreed_encoding(head, encoding)
    if agreed in (None, "utf-8", "utf-8-sig"):
        text = head.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    else:
        text = head.decode(agreed, errors="replace")
    cut = max(text.rfind("\n"), text.rfind("\r"))
    return text[: cut + 1] if is_cut and cut >= 0 else text


def find_delimiter(sample: str) -> str | None:
    """Find the delimiter: comma, tab, semicolon, pipe, or none for a table of a single column."""
    hint = _EXCEL_HINT.match(re.split(r"[\r\n]", sample, maxsplit=1)[0])
    if hint:
        return hint.group(1)
    widths = {delimiter: _widths(sample, delimiter) for delimiter in likely_delimiters(sample)}
    fits = {delimiter: _fit(found) for delimiter, found in widths.items() if found and found[0] > 1}
    if fits:
        strays = {delimiter: _stray_quotes(sample, delimiter) for delimiter in fits}
        return max(fits, key=lambda delimiter: (-strays[delimiter], *fits[delimiter]))
    # one field in the header and several below it make a table with a wrong header, not a single column: the ragged
    # rows are refused by their lines, which beats a table of one text column that nobody meant
    return next((delimiter for delimiter, found in widths.items() if _has_wide_body(found)), None)


def likely_delimiters(sample: str) -> list[str]:
    """The delimiters, those that leave the fewest quotes in the middle of a field first."""
    return sorted(DELIMITERS, key=lambda delimiter: _stray_quotes(sample, delimiter))


def _stray_quotes(sample: str, delimiter: str) -> int:
    """Quotes that neither open nor close a field: a delimiter that occurs within quotes leaves many."""
    if '"' not in sample:
        return 0
    ends = re.escape(delimiter)
    quoted = rf'(?:^|(?<={ends})) *"[^"]*(?:""[^"]*)*" *(?={ends}|[\r\n]|\Z)'
    return re.sub(quoted, "", sample, flags=re.MULTILINE).count('"')


def _widths(sample: str, delimiter: str) -> list[int]:
    """How many fields each record of the sample has, blank lines left out."""
    found = []
    with suppress(csv.Error):  # such as a field of more than 128 KiB: the records before it tell enough
        for record in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            found += [len(record)] if record else []
    return found


def _fit(widths: list[int]) -> tuple[float, int]:
    body = widths[1:]
    return (body.count(widths[0]) / len(body) if body else 1.0), widths[0]


def _has_wide_body(widths: list[int]) -> bool:
    body = widths[1:]
    if not body:
        return False
    width, count = Counter(body).most_common(1)[0]
    return width > 1 and count * 2 > len(body)


@dataclass(frozen=True)
class HeaderRules:
    """How the header is written."""

    delimiter: str | None
    has_header: bool = True
    has_quotes: bool = True
    skip_below: int = 0
    """Records below it that are skipped."""


def read_header(stream: Utf8Stream, rules: HeaderRules, limits: Limits) -> Header:
    """Read the header: the first record that is not blank; without a header, that record gives the number of columns.

    Args:
        stream: The text from its beginning.
        rules: How it is written.
        limits: What the table may not exceed.

    Raises:
        MalformedTable: There is none.
        LimitExceeded: It has too many columns or is too long.
    """
    pulled = _Pulled(stream, limits.line_limit_bytes)
    try:
        # not strict: an unclosed quote in the header is the scanner's to report
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if rules.has_quotes else csv.QUOTE_NONE
        records = csv.reader(pulled, delimiter=rules.delimiter or NO_DELIMITER, quoting=quoting)
        found: list[str] = []
        first_line = 1
        for record in records:
            if any(name.strip() for name in record):
                found = record
                break
            first_line = pulled.count + 1
    except csv.Error as error:
        raise refused(str(error), "a header", line=pulled.count) from error
    if not found:
        raise refused("there is no header", "a line with the columns' names", line=1)
    if len(found) > limits.column_limit:
        raise too_many_columns(len(found), limits.column_limit, line=pulled.count)
    are_indented = [name.startswith(" ") for name in found]
    hint_lines = int(pulled.hint_bytes > 0)
    if not rules.has_header:
        names = [f"column_{position}" for position in range(1, len(found) + 1)]
        return Header(names, are_indented, pulled.hint_bytes, hint_lines, hint_lines + 1, [], [])
    names, warnings = column_names(found, line=pulled.count)
    warnings += _doubts(found, pulled.count)
    _pass_over(records, rules.skip_below)
    first_line = max(first_line, hint_lines + 1)
    return Header(names, are_indented, pulled.size_bytes, pulled.count, first_line, warnings, found)


def _pass_over(records: "Iterator[list[str]]", count: int) -> None:
    """Pull this many records that are not blank."""
    while count and (record := next(records, None)) is not None:
        count -= any(field.strip() for field in record)


def _doubts(found: list[str], line: int) -> list[str]:
    """A warning where the header looks as a row does: half of it are numbers, or one has a fraction."""
    numbers = [name.strip() for name in found if _NUMBER.match(name.strip())]
    has_fraction = any("." in number or "," in number for number in numbers)
    if not has_fraction and len(numbers) * 2 < len(found):
        return []
    share = "only numbers" if len(numbers) == len(found) else f"numbers, such as {numbers[0]}"
    return [f"line {line} is read as the header although it holds {share}"]


def is_hint(line: bytes) -> bool:
    """Whether the line is Excel's word about the delimiter (``sep=;``), which only a first line can be."""
    return _EXCEL_HINT.match(line.decode("utf-8", errors="replace")) is not None


class _Pulled:
    """Lines for the csv module that remembers how much it took."""

    def __init__(self, stream: Utf8Stream, limit_bytes: int) -> None:
        self._lines = physical_lines(stream)
        self._limit = limit_bytes
        self.count = 0
        self.size_bytes = 0
        self.hint_bytes = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.count += 1
            self.size_bytes += len(line)
            if self.size_bytes > self._limit:
                raise too_long(self.count, self._limit)
            if self.count == 1 and is_hint(line):
                self.hint_bytes = len(line)
            else:
                yield line.decode("utf-8")
