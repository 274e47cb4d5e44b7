"""The one file in a zip archive."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from modelbus.evaluator.ingest.faults import refused
from modelbus.shared.errors import MalformedTable

_ENCRYPTED: Final = 1
_READ: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
"""LZMA is not among them: its memory is what the archive says."""
_METHODS: Final = {9: "deflate64", 14: "LZMA", 93: "zstd", 95: "xz", 98: "PPMd", 99: "AES"}
_BESIDE: Final = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
"""What desktops put beside the files."""
_NAMED: Final = 5


def only_member(source: BinaryIO) -> zipfile.ZipInfo:
    """The only file in an archive; folders, and what macOS and Windows add, do not count.

    Raises:
        MalformedTable: The archive is damaged, encrypted, has no file or several; names them.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise _damaged(error) from error
    files = [
        entry for entry in entries if not entry.is_dir() and not set(PurePosixPath(entry.filename).parts) & {*_BESIDE}
    ]
    if len(files) != 1:
        raise refused(f"the zip archive has {_listed(files)}", "exactly one file")
    if entries and min(entry.header_offset for entry in entries) > 0:
        raise refused("the zip archive begins in the middle of the file", "one zip archive alone")
    return _readable(files[0])


def _listed(files: list[zipfile.ZipInfo]) -> str:
    if not files:
        return "no file"
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    return f"{len(files)} files ({', '.join(repr(file.filename[:100]) for file in files[:_NAMED])}{more})"


def _readable(file: zipfile.ZipInfo) -> zipfile.ZipInfo:
    if file.flag_bits & _ENCRYPTED:
        raise refused(f"the zip archive's file {file.filename[:100]!r} is encrypted", "an archive without a password")
    if file.compress_type not in _READ:
        method = _METHODS.get(file.compress_type, f"method {file.compress_type}")
        raise refused(f"the zip archive is compressed with {method}", "deflate, which every zip program writes")
    return file


def member_pieces(source: BinaryIO, piece_bytes: int) -> Iterator[bytes]:
    """The content of the only file.

    Raises:
        MalformedTable: As ``only_member``, or the file's content is damaged.
    """
    file = only_member(source)
    try:
        with zipfile.ZipFile(source) as archive, archive.open(file) as content:
            while piece := content.read(piece_bytes):
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> MalformedTable:
    return refused(f"the zip archive is damaged or incomplete: {str(error)[:200]}", "the whole, undamaged archive")
