"""The compressions that are read: which one a file has, and its content, piece by piece.

Python's own readers ignore what follows a bzip2 or xz stream without a word. Here every byte of the file is accounted
for: another stream is read, padding of zeros is passed over, anything else is refused.
"""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, Protocol

import pyarrow as pa

from modelbus.evaluator.ingest.faults import refused
from modelbus.evaluator.ingest.sources.formats import HEAD_BYTES, read_head
from modelbus.evaluator.ingest.sources.packed.zip_member import member_pieces, only_member
from modelbus.evaluator.ingest.sources.workbook_kinds import workbook_kind
from modelbus.shared.errors import MalformedTable

PIECE_BYTES: Final = 256 * 1024
_XZ_MEMORY_BYTES: Final = 128 * 1024 * 1024
"""What `xz -9` needs is half of it."""
_STARTS: Final = {
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "bzip2": re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\0"),
    "zstd": re.compile(rb"(\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)"),
    "zip": re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)"),
}
_START_BYTES: Final = 10


class _Truncated(Exception):
    """The file ends before its content does."""


class _Trailing(Exception):
    """Bytes that are not compressed follow a stream."""


def compression_of(source: BinaryIO) -> str | None:
    """How a file is compressed: ``gzip``, ``bzip2``, ``xz``, ``zstd`` or ``zip``; None where it is not.

    A workbook is a zip archive, too; it is a format of its own. The file is rewound.
    """
    found = _start(read_head(source))
    return None if found == "zip" and workbook_kind(source) is not None else found


def _start(head: bytes) -> str | None:
    return next((name for name, start in _STARTS.items() if start.match(head)), None)


def unpacked_name(source: BinaryIO, compression: str, file_name: str | None) -> str | None:
    """What the file is called inside: the name of a zip archive's member, else the name without its last ending."""
    if compression == "zip":
        return only_member(source).filename
    return file_name


def unpacked_pieces(source: BinaryIO, compression: str, *, is_truncated: bool) -> Iterator[bytes]:
    """The content of a compressed file, in pieces of a bounded size.

    Args:
        source: The file; it is read from its beginning.
        compression: How it is compressed.
        is_truncated: The file is only the beginning of one, so that a missing end is not a fault.

    Raises:
        MalformedTable: The file is damaged, ends early, or something else follows the compressed stream.
    """
    source.seek(0)
    try:
        if compression == "zip":
            yield from member_pieces(source, PIECE_BYTES)
        elif compression == "zstd":
            yield from _zstd_pieces(source, is_truncated=is_truncated)
        else:
            yield from _stream_pieces(source, compression)
    except _Truncated as error:
        if not is_truncated:
            raise refused(f"the {compression} stream ends early", "the whole file") from error
    except _Trailing as error:
        problem = f"the {compression} stream is followed by bytes that are not {compression}"
        raise refused(problem, "the compressed file alone") from error
    except (zlib.error, lzma.LZMAError, pa.ArrowInvalid, OSError) as error:
        raise _damaged(compression, error) from error


def _damaged(compression: str, error: Exception) -> MalformedTable:
    if isinstance(error, lzma.LZMAError) and "emory" in str(error):
        limit = f"at most {_XZ_MEMORY_BYTES // 2**20} MiB; compress it with a smaller dictionary, such as xz -6"
        return refused("the xz stream needs too much memory to unpack", limit)
    return refused(f"the {compression} stream is damaged: {str(error)[:200]}", "an undamaged file")


class _Stream(Protocol):
    """One compressed stream: the interface that the decompressors of bz2 and lzma share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _GzipMember:
    """One member of a gzip file, in the words of bz2 and lzma."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        piece = self._member.decompress(self._member.unconsumed_tail + data, max_length)
        # output may be left inside when the input is used up
        self.needs_input = not self._member.unconsumed_tail and len(piece) < max_length
        return piece


_DECOMPRESSORS: Final[dict[str, Callable[[], _Stream]]] = {
    "gzip": _GzipMember,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES),
}


def _stream_pieces(source: BinaryIO, compression: str) -> Iterator[bytes]:
    """The content of streams, one behind the other in one file."""
    data = source.read(PIECE_BYTES)
    while data:
        stream = _DECOMPRESSORS[compression]()
        while not stream.eof:
            if stream.needs_input and not data and not (data := source.read(PIECE_BYTES)):
                raise _Truncated
            if piece := stream.decompress(data, PIECE_BYTES):
                yield piece
            data = b""
        data = _next_stream(source, stream.unused_data, compression)


def _next_stream(source: BinaryIO, left: bytes, compression: str) -> bytes:
    """What follows a stream, padding apart: the beginning of another one, or nothing."""
    left = left.lstrip(b"\0")
    while len(left) < _START_BYTES and (more := source.read(PIECE_BYTES)):
        left = (left + more).lstrip(b"\0")
    if not left or _STARTS[compression].match(left):
        return left
    if len(left) < _START_BYTES and _may_begin(compression, left):
        raise _Truncated
    raise _Trailing


def _may_begin(compression: str, left: bytes) -> bool:
    """Whether so few bytes may be the beginning of another stream."""
    return {"gzip": b"\x1f\x8b\x08", "bzip2": b"BZh91AY&SY", "xz": b"\xfd7zXZ\0"}[compression].startswith(left)


def _zstd_pieces(source: BinaryIO, *, is_truncated: bool) -> Iterator[bytes]:
    # small pieces of a cut file: the piece in which it ends is lost
    size = HEAD_BYTES // 16 if is_truncated else PIECE_BYTES
    stream = pa.CompressedInputStream(pa.PythonFile(source, mode="r"), "zstd")
    try:
        while piece := stream.read(size):
            yield piece
    except OSError as error:
        if "Truncated" in str(error):
            raise _Truncated from error
        raise _Trailing if "Unknown frame" in str(error) else error from error
