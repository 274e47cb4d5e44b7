"""Text of any encoding as a stream of UTF-8 bytes without byte order mark, and as physical lines."""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from modelbus.evaluator.ingest.faults import refused

CHUNK_BYTES = 1024 * 1024

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def marked_encoding(head: bytes) -> str | None:
    """The encoding that the file's byte order mark names, if there is one."""
    return next((name for mark, name in BYTE_ORDER_MARKS.items() if head.startswith(mark)), None)


def agreed_encoding(head: bytes, given: str | None) -> str | None:
    """The encoding by its byte order mark and by what its sender says; none if neither tells.

    Raises:
        MalformedTable: The two contradict each other.
    """
    marked = marked_encoding(head)
    if marked is None:
        return _utf16_order(head) if given == "utf-16" else given
    if given is not None and not marked.startswith(given) and not given.startswith(marked):
        raise refused(f"the file has the byte order mark of {marked.removesuffix('-sig')}", f"{given}, as declared")
    return marked


def _utf16_order(head: bytes) -> str:
    # Latin text has its zeros in the high bytes; without a mark nothing else tells
    return "utf-16-be" if head[::2].count(0) > head[1::2].count(0) else "utf-16-le"


class Utf8Stream(io.RawIOBase):
    """A file read as UTF-8: other encodings are transcoded on the way. Closing it leaves the file open."""

    def __init__(self, source: BinaryIO, encoding: str, *, skip_bytes: int = 0) -> None:
        """Args:
        source: The file; it is rewound.
        encoding: As Python calls it.
        skip_bytes: How many bytes of UTF-8 to leave out at the start.
        """
        super().__init__()
        self._source = source
        is_utf8 = encoding in ("utf-8", "utf-8-sig")
        source.seek(len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0)
        self._decoder = None if is_utf8 else codecs.getincrementaldecoder(encoding)()
        self._held = b""
        self.source_bytes = 0
        """Bytes of the source that were read."""
        self._skip(skip_bytes)

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read ``size`` bytes (a chunk, if negative), fewer at the end of the file only; empty behind it.

        A reader of records cannot do with less: in a short piece no record may end.
        """
        wanted = CHUNK_BYTES if size < 0 else size
        pieces = [self._held] if self._held else []
        length = len(self._held)
        while length < wanted and (piece := self._next(wanted - length)) is not None:
            pieces.append(piece)
            length += len(piece)
        joined = b"".join(pieces)
        self._held = joined[wanted:]
        return joined[:wanted]

    def _next(self, wanted: int) -> bytes | None:
        """The UTF-8 of the next ``wanted`` bytes of the source, possibly none; ``None`` at its end."""
        chunk = self._source.read(wanted)
        self.source_bytes += len(chunk)
        if self._decoder is None:
            return chunk or None
        text = self._decoder.decode(chunk, final=not chunk)
        return text.encode("utf-8") if chunk else None

    def _skip(self, count: int) -> None:
        while count > 0:
            taken = self.read(min(count, CHUNK_BYTES))
            if not taken:
                return
            count -= len(taken)


def chunks(stream: io.RawIOBase, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The stream in pieces of ``size`` bytes at most."""
    while chunk := stream.read(size):
        yield chunk


def physical_lines(stream: io.RawIOBase) -> Iterator[bytes]:
    r"""The stream's lines with their ends (``\n``, ``\r\n`` or ``\r``).

    A line is held in memory as a whole: call it where a survey has shown that no line is too long.
    """
    held: list[bytes] = []
    for chunk in chunks(stream):
        held.append(chunk)
        if not chunk.endswith(b"\r") and (b"\n" in chunk or b"\r" in chunk):
            lines = b"".join(held).splitlines(keepends=True)
            held = [] if lines[-1].endswith((b"\n", b"\r")) else [lines.pop()]
            yield from lines
    yield from b"".join(held).splitlines(keepends=True)
