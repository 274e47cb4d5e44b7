r"""Delimited text rewritten line by line, so that every later reader handles a single form.

Each line stays one line: what is skipped becomes a blank line, which no reader takes for a record, so that a line's
number is its number in the file. It takes longer than plain text, which comes here only where there is a need.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from modelbus.evaluator.ingest.sources.text_stream import Utf8Stream, physical_lines

BETWEEN_SPACES: Final = "\t"
"""Replaces each run of spaces."""
_RUN = re.compile(rb"[ \t]+")
_BLANKS: Final = b" \t"


@dataclass(frozen=True)
class LineRules:
    """What is to be written anew."""

    delimiter: bytes
    """One byte, as it is in the text that is written."""
    skip_lines: int = 0
    """Lines at the beginning to skip."""
    comment: bytes | None = None
    """Lines that begin with it are skipped, but within quotes."""
    is_spaced: bool = False
    """Runs of spaces and tabs stand between the fields, and do not matter at both ends of a line."""
    skip_initial_space: bool = False
    """Spaces behind a delimiter are not part of the field."""
    end_delimiter: int | None = None
    """The number of the delimiter that ends a record without being part of it; the first is 1."""
    has_quotes: bool = True

    @property
    def are_needed(self) -> bool:
        """Whether anything is to be written anew."""
        has_left_out = bool(self.skip_lines) or self.comment is not None
        return has_left_out or self.is_spaced or self.skip_initial_space or self.end_delimiter is not None


class LineRewriter:
    """Writes the lines of one text anew, from the first one on."""

    def __init__(self, rules: LineRules) -> None:
        self._rules = rules
        self._number = 0
        self._is_quoted = False
        self.comment_count = 0
        """Lines that were skipped as comments."""

    def rewritten(self, line: bytes) -> bytes:
        """The next line, its end included."""
        self._number += 1
        text = line.rstrip(b"\r\n")
        end = line[len(text) :]
        if self._number <= self._rules.skip_lines:
            return end or b"\n"
        if self._is_comment(text):
            self.comment_count += 1
            return end or b"\n"
        if self._rules.has_quotes and (self._is_quoted or b'"' in text):
            return self._with_quotes(text) + end
        return self._without_quotes(text) + end

    def _is_comment(self, text: bytes) -> bool:
        mark = self._rules.comment
        return mark is not None and not self._is_quoted and text.lstrip(_BLANKS).startswith(mark)

    def _without_quotes(self, text: bytes) -> bytes:
        rules = self._rules
        if rules.is_spaced:
            text = _RUN.sub(rules.delimiter, text.strip(_BLANKS))
        elif rules.skip_initial_space:
            text = rules.delimiter.join(part.lstrip(b" ") for part in text.split(rules.delimiter))
        return self._without_end(text)

    def _with_quotes(self, text: bytes) -> bytes:
        """The line's fields one by one: what is between quotes stays as it is."""
        rules = self._rules
        if rules.is_spaced and not self._is_quoted:
            text = text.lstrip(_BLANKS)
        fields, position = [], 0
        while True:
            start = position
            if not self._is_quoted and rules.skip_initial_space:
                start = position = position + len(text[position:]) - len(text[position:].lstrip(b" "))
            if not self._is_quoted and text.startswith(b'"', position):
                self._is_quoted = True
                position += 1
            if self._is_quoted:
                position = _behind_quote(text, position)
                self._is_quoted = position < 0
                if self._is_quoted:
                    fields.append(text[start:])
                    break
            end, following = self._next_delimiter(text, position)
            fields.append(text[start:end])
            if following is None:
                break
            position = following
        return self._without_end(rules.delimiter.join(fields))

    def _next_delimiter(self, text: bytes, position: int) -> tuple[int, int | None]:
        """Where the field ends that stands at the position, and where the next one begins."""
        if self._rules.is_spaced:
            found = _RUN.search(text, position)
            if found is None or found.end() == len(text):
                return (len(text) if found is None else found.start()), None
            return found.span()
        end = text.find(self._rules.delimiter, position)
        return (len(text), None) if end < 0 else (end, end + 1)

    def _without_end(self, text: bytes) -> bytes:
        end, delimiter = self._rules.end_delimiter, self._rules.delimiter
        if end is None or self._is_quoted:
            return text
        if not text.strip(delimiter + b" \t") and text.count(delimiter) != end:
            return text  # a record without values whose last delimiter is not the one more
        return text.removesuffix(delimiter)


def _behind_quote(text: bytes, position: int) -> int:
    """The position behind the quote that closes a field; -1 if it is not in this line."""
    while True:
        found = text.find(b'"', position)
        if found < 0 or not text.startswith(b'""', found):
            return found + 1 if found >= 0 else -1
        position = found + 2


class RewrittenStream(Utf8Stream):
    """A file read as UTF-8 and written anew. A line is held in memory as a whole: see ``physical_lines``."""

    def __init__(self, source: BinaryIO, encoding: str, rules: LineRules, *, skip_bytes: int = 0) -> None:
        """Args:
        source: The file; it is rewound.
        encoding: As Python calls it.
        rules: What is to be written anew.
        skip_bytes: How many bytes of the new text to leave out at the start.
        """
        self._inner = Utf8Stream(source, encoding)
        self._lines: Iterator[bytes] = physical_lines(self._inner)
        self.rewriter = LineRewriter(rules)
        super().__init__(source, encoding, skip_bytes=skip_bytes)

    def _next(self, wanted: int) -> bytes | None:
        pieces = []
        size_bytes = 0
        for line in self._lines:
            pieces.append(self.rewriter.rewritten(line))
            size_bytes += len(pieces[-1])
            if size_bytes >= wanted:
                break
        self.source_bytes = self._inner.source_bytes
        return b"".join(pieces) if pieces else None
