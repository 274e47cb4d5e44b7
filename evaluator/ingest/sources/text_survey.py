"""A look through a text file: its encoding, NUL bytes, lines that are too long, quotes that need a closer look.

An encoding that changes in the last line is found after all others were read wrongly. So either the whole file is
looked through first (about 1 GB/s), or what was read of it holds only if nothing was found on the way.
"""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from modelbus.evaluator.ingest.faults import refused, too_long
from modelbus.evaluator.ingest.sources.formats import read_head
from modelbus.evaluator.ingest.sources.text_stream import Utf8Stream, agreed_encoding
from modelbus.evaluator.ingest.table import Limits, Stage
from modelbus.shared.errors import ModelbusError

_GUESSED = "the text is not UTF-8 and is read as cp1252; if characters are wrong, set encoding"
_LINE_FEED = 0x0A
_QUOTE = 0x22
_CHUNK_BYTES = 128 * 1024
"""Small enough for the processor's cache, in which a chunk is looked through several times: half the time of 1 MB."""
_UNDEFINED_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


@dataclass(frozen=True)
class Survey:
    """What was found."""

    encoding: str
    has_doubtful_quotes: bool
    """A quote is where no well-formed table has one; only a scan tells what it means."""
    warnings: list[str]
    """Warnings about the encoding."""


def survey_text(
    source: BinaryIO,
    *,
    delimiter: bytes | None,
    encoding: str | None,
    limits: Limits,
    stage: Stage,
    size_bytes: int,
) -> Survey:
    """Read the whole file once.

    Args:
        delimiter: One byte, for delimited text; without it quotes are not looked at.
        encoding: As it was declared; found if not given.
        size_bytes: Of the file, for the progress.

    Raises:
        MalformedTable: A byte that is not text, with its line.
        LimitExceeded: A line longer than the limit.
    """
    stream = SurveyedStream(source, delimiter=delimiter, encoding=encoding, limits=limits)
    return stream.finish(lambda: stage.report(stream.source_bytes / size_bytes))


class SurveyedStream(Utf8Stream):
    """A file read as UTF-8 that is looked through on its way, so that no look before is needed.

    It ends for its reader where something is wrong, or where the encoding is found to be another one: ``finish`` says
    what, and must be called.
    """

    def __init__(
        self,
        source: BinaryIO,
        *,
        delimiter: bytes | None,
        encoding: str | None,
        limits: Limits,
        skip_bytes: int = 0,
    ) -> None:
        """Args:
        source: The file; it is rewound.
        delimiter: One byte, for delimited text; without it quotes are not looked at.
        encoding: As it was declared; found if not given.
        limits: What the table may not exceed.
        skip_bytes: How many bytes of UTF-8 the reader does not get; they are looked at.

        Raises:
            MalformedTable: The file's byte order mark contradicts the declared encoding.
        """
        agreed = agreed_encoding(read_head(source), encoding)
        self.encoding = agreed or "utf-8"
        """As the reader gets it. UTF-8 and cp1252 agree with ASCII about all that is watched here."""
        self._is_agreed = agreed is not None
        self._lines = _LineWatch(limits.line_limit_bytes)
        self._watch = _EncodingWatch(agreed)
        self._quotes = QuoteWatch(delimiter) if delimiter is not None else None
        # a chunk no longer than the limit: then only the line that crosses a chunk's border can be too long
        self._chunk_bytes = min(_CHUNK_BYTES, limits.line_limit_bytes)
        self._fault: ModelbusError | None = None
        self._cut_character = b""
        """What a piece had of its last character: the reader gets whole ones only, for it may be none."""
        super().__init__(source, self.encoding, skip_bytes=skip_bytes)

    def finish(self, on_progress: Callable[[], None]) -> Survey:
        """Look at what was not read, and say what was found.

        Args:
            on_progress: Called now and then.

        Raises:
            MalformedTable: A byte that is not text, with its line.
            LimitExceeded: A line longer than the limit.
        """
        while self._looked_at(self._chunk_bytes) is not None:
            on_progress()
        if self._fault is None:
            self._watch_end()
        if self._fault is not None:
            raise self._fault
        is_guessed = not self._is_agreed and self._watch.found != "utf-8"
        has_doubtful_quotes = self._quotes is not None and self._quotes.finish()
        return Survey(self._watch.found, has_doubtful_quotes, [_GUESSED] if is_guessed else [])

    def _next(self, wanted: int) -> bytes | None:
        if self._watch.found != self.encoding:
            return None
        piece = self._looked_at(wanted)
        if piece is None or self._watch.found != self.encoding:
            return None
        data = self._cut_character + piece
        whole_bytes = len(data) - self._watch.cut_bytes
        self._cut_character = data[whole_bytes:]
        return data[:whole_bytes]

    def _looked_at(self, wanted: int) -> bytes | None:
        """The next piece; ``None`` where the file ends or something is wrong with it."""
        if self._fault is not None:
            return None
        try:
            piece = super()._next(min(wanted, self._chunk_bytes))
            if piece is not None:
                self._look_at(piece)
        except UnicodeDecodeError as error:
            self._fault = self._undecodable(error)
        except ModelbusError as error:
            self._fault = error
        return None if self._fault is not None else piece

    def _look_at(self, chunk: bytes) -> None:
        _refuse_nul(chunk, self._lines)
        self._watch.feed(chunk, self._lines)
        if self._quotes is not None:
            self._quotes.feed(chunk)
        self._lines.feed(chunk)

    def _watch_end(self) -> None:
        try:
            self._watch.finish(self._lines)
        except ModelbusError as error:
            self._fault = error

    def _undecodable(self, error: UnicodeDecodeError) -> ModelbusError:
        before = error.object[: error.start].decode(self.encoding, "replace").encode("utf-8", "replace")
        # behind the first chunk of UTF-16 the order of its bytes is known to the decoder alone
        lines = self._lines
        line = lines.line if self.encoding == "utf-16" else lines.line_at(before, len(before))
        problem = f"invalid {self.encoding.upper()}: {error.reason} (byte 0x{error.object[error.start]:02x})"
        return refused(problem, "text in one encoding", line=line)


def _refuse_nul(chunk: bytes, lines: "_LineWatch") -> None:
    position = chunk.find(b"\0")
    if position >= 0:
        expected = "text (UTF-16 without a byte order mark needs its encoding)"
        raise refused("a NUL byte", expected, line=lines.line_at(chunk, position))


class _LineWatch:
    """Counts lines and refuses one that is too long."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._length = 0
        self._ends = 0
        self._is_behind_return = False

    @property
    def line(self) -> int:
        """The line at the border of what was fed, from 1."""
        return 1 + self._ends

    def line_at(self, chunk: bytes, position: int) -> int:
        """The line of a byte of the chunk that comes next."""
        return 1 + self._ends + self._count_ends(chunk, position, has_returns=b"\r" in chunk)

    def feed(self, chunk: bytes) -> None:
        # each look for an end that is nowhere goes through the whole chunk
        ends = [end for end in (b"\n", b"\r") if end in chunk]
        first = min(map(chunk.find, ends), default=len(chunk))
        if self._length + first > self._limit:
            raise too_long(self.line, self._limit)
        last = max(map(chunk.rfind, ends), default=-1)
        self._length = self._length + len(chunk) if last < 0 else len(chunk) - last - 1
        self._ends += self._count_ends(chunk, len(chunk), has_returns=b"\r" in ends)
        self._is_behind_return = chunk.endswith(b"\r")

    def _count_ends(self, chunk: bytes, position: int, *, has_returns: bool) -> int:
        # the ends may be mixed, and one may be cut by the chunk's border
        returns = chunk.count(b"\r", 0, position) if has_returns else 0
        pairs = chunk.count(b"\r\n", 0, position) if returns else 0
        is_truncated = self._is_behind_return and position > 0 and chunk.startswith(b"\n")
        # numpy counts the many line feeds of a chunk at several times the speed
        feeds = int(np.count_nonzero(np.frombuffer(chunk, dtype=np.uint8, count=position) == _LINE_FEED))
        return feeds + returns - pairs - is_truncated


class _EncodingWatch:
    """Decides between UTF-8 and cp1252, where it was not declared.

    The first character beyond ASCII decides. A file that was UTF-8 and then is not is refused: read as cp1252, all
    that was right before would turn into rubbish.
    """

    def __init__(self, agreed: str | None) -> None:
        self.found = agreed or "utf-8"
        self._is_agreed = agreed is not None
        self._is_utf8 = self.found in ("utf-8", "utf-8-sig")
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._has_multibyte = False

    @property
    def cut_bytes(self) -> int:
        """Bytes at the end of what was fed that may begin a character of UTF-8."""
        return len(self._decoder.getstate()[0]) if self._is_utf8 else 0

    def feed(self, chunk: bytes, lines: _LineWatch) -> None:
        if self._is_utf8:
            self._feed_utf8(chunk, lines, is_final=False)
        elif not self._is_agreed:
            self._refuse_undefined(chunk, lines)

    def finish(self, lines: _LineWatch) -> None:
        if self._is_utf8:
            self._feed_utf8(b"", lines, is_final=True)

    def _feed_utf8(self, chunk: bytes, lines: _LineWatch, *, is_final: bool) -> None:
        if not self._decoder.getstate()[0] and chunk.isascii():
            return
        try:
            self._decoder.decode(chunk, final=is_final)
            # a character that is cut by the chunk's end has proven nothing yet
            self._has_multibyte |= not chunk[: len(chunk) - self.cut_bytes].isascii()
        except UnicodeDecodeError as error:
            # the object is the chunk, behind what an earlier chunk left of a character
            before = error.object[: error.start]
            if self._is_agreed or self._has_multibyte or not before.isascii():
                line = lines.line_at(error.object, error.start)
                problem = f"byte 0x{error.object[error.start]:02x} is not UTF-8, as the text before it is"
                raise refused(problem, "one encoding for the whole file", line=line) from error
            self.found, self._is_utf8 = "cp1252", False
            self._refuse_undefined(error.object, lines)

    def _refuse_undefined(self, chunk: bytes, lines: _LineWatch) -> None:
        fault = _UNDEFINED_IN_CP1252.search(chunk)
        if fault:
            line = lines.line_at(chunk, fault.start())
            raise refused(f"byte 0x{fault.group()[0]:02x} is neither UTF-8 nor cp1252", "text", line=line)


class QuoteWatch:
    """Checks that every quote is where a well-formed table has one.

    pyarrow silently reads everything after an unclosed quote, to the end of the file, as one value. In a well-formed
    table each odd quote follows a delimiter, the end of a line or a quote, and each even quote precedes one of them;
    the watch checks that for whole chunks at once. Quotes that break this rule are passed to the scanner of
    ``quoted_records``, as they can still be right, as in an unquoted field ``12" pipe``.
    """

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
        indices = np.flatnonzero(block[1:-1] == _QUOTE) + 1
        if not len(indices):
            return
        first = self._count % 2  # every other quote opens: the first one here, or the second
        before, behind = block[indices[first::2] - 1], block[indices[1 - first :: 2] + 1]
        self._is_doubtful |= not (self._is_border[before].all() and self._is_border[behind].all())
        self._count += len(indices)

    def finish(self) -> bool:
        """Whether a scan is needed: a quote at a doubtful place, or one that is never closed."""
        self.feed(b"\n")
        return bool(self._is_doubtful or self._count % 2)
