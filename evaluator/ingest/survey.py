"""Pass 0 over a text file: its encoding, NUL bytes, lines that are too long, quotes that need a closer look.

It reads everything once (about 1 GB/s) and keeps nothing, so that no later pass meets a surprise half-way: an
encoding that changes in the last line would otherwise be found after the others were read wrongly.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from evaluator.ingest.faults import refused, too_long
from evaluator.ingest.formats import read_head
from evaluator.ingest.quoting import QuoteWatch
from evaluator.ingest.table import Limits, Stage
from evaluator.ingest.text_stream import Utf8Stream, agreed_encoding, chunks

_GUESSED = "the text is not UTF-8 and is read as cp1252; if characters are wrong, give its encoding"
_LINE_FEED = 0x0A
_CHUNK_BYTES = 128 * 1024
"""Small enough for the processor's cache, in which a chunk is looked through several times: half the time of 1 MB."""
_UNDEFINED_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


@dataclass(frozen=True)
class Survey:
    """What pass 0 found."""

    encoding: str
    has_doubtful_quotes: bool
    """A quote stands where no well-formed table has one: only a scan can tell what it means."""
    warnings: list[str]
    """What should be known about the encoding."""


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
    agreed = agreed_encoding(read_head(source), encoding)
    # UTF-8 and cp1252 agree with ASCII about all that matters here; the others are looked at after transcoding
    stream = Utf8Stream(source, agreed or "utf-8")
    lines = _LineWatch(limits.line_limit_bytes)
    watch = _EncodingWatch(agreed)
    quotes = QuoteWatch(delimiter) if delimiter is not None else None
    # a chunk no longer than the limit: then only the line that crosses a chunk's border can be too long
    for chunk in _decoded(chunks(stream, min(_CHUNK_BYTES, limits.line_limit_bytes)), agreed or "utf-8", lines):
        _refuse_nul(chunk, lines)
        watch.feed(chunk, lines)
        if quotes is not None:
            quotes.feed(chunk)
        lines.feed(chunk)
        stage.report(stream.source_bytes / size_bytes)
    watch.finish(lines)
    is_guessed = agreed is None and watch.found != "utf-8"
    return Survey(watch.found, quotes is not None and quotes.finish(), [_GUESSED] if is_guessed else [])


def _decoded(pieces: Iterator[bytes], encoding: str, lines: "_LineWatch") -> Iterator[bytes]:
    try:
        yield from pieces
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(encoding, "replace").encode("utf-8", "replace")
        # behind the first chunk of UTF-16 the order of its bytes is known to the decoder alone
        line = lines.line if encoding == "utf-16" else lines.line_at(before, len(before))
        problem = f"no valid {encoding.upper()}: {error.reason} (byte 0x{error.object[error.start]:02x})"
        raise refused(problem, "text in one encoding", line=line) from error


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
        return 1 + self._ends + self._count_ends(chunk, position)

    def feed(self, chunk: bytes) -> None:
        end = _first_end(chunk)
        if self._length + (len(chunk) if end < 0 else end) > self._limit:
            raise too_long(self.line, self._limit)
        last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        self._length = self._length + len(chunk) if last < 0 else len(chunk) - last - 1
        self._ends += self._count_ends(chunk, len(chunk))
        self._is_behind_return = chunk.endswith(b"\r")

    def _count_ends(self, chunk: bytes, position: int) -> int:
        # the ends may be mixed, and one may be cut by the chunk's border
        # to find nothing takes a tenth of the time of counting it
        returns = chunk.count(b"\r", 0, position) if b"\r" in chunk else 0
        pairs = chunk.count(b"\r\n", 0, position) if returns else 0
        is_cut = self._is_behind_return and position > 0 and chunk.startswith(b"\n")
        # numpy counts the many line feeds of a chunk at several times the speed
        feeds = int(np.count_nonzero(np.frombuffer(chunk, dtype=np.uint8, count=position) == _LINE_FEED))
        return feeds + returns - pairs - is_cut


def _first_end(chunk: bytes) -> int:
    ends = [end for end in (chunk.find(b"\n"), chunk.find(b"\r")) if end >= 0]
    return min(ends, default=-1)


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
            self._has_multibyte |= not chunk[: len(chunk) - len(self._decoder.getstate()[0])].isascii()
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
