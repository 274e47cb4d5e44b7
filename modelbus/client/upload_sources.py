"""Sources of uploads: paths, open files, bytes, and tables (which ``frames`` writes to a file)."""

import contextlib
import io
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from modelbus.client.client_errors import UnfitTable
from modelbus.client.json_bytes import json_of

CHUNK_BYTES: Final = 256 * 1024
_QUERY_LIMIT_BYTES: Final = 4000
"""Servers limit the length of a request's first line: longer fields go into a form."""
_MEDIA_TYPES: Final = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.file",
    ".feather": "application/vnd.apache.arrow.file",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".gz": "application/gzip",
    ".zip": "application/zip",
}
_PACKED: Final = (".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd", ".zip")
_DOWNLOADED: Final = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_UPLOADED_ONLY: Final = (*_PACKED, ".tsv", ".tab", ".arrow", ".feather", ".orc", ".xlsx", ".xlsm", ".xls", ".ods")
"""Endings of files that a download would belie."""


@dataclass
class Upload:
    """A file to send, from its current position to its end."""

    file: BinaryIO
    file_name: str | None = None
    media_type: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    """Fields of a form, sent before the file; without any, the body is the file itself."""
    is_table: bool = False
    """Whether the file was written from a table in memory."""
    on_sent: Callable[[int], None] = lambda _count: None
    """Called with the number of bytes sent so far."""

    def __post_init__(self) -> None:
        """Remember the file's position."""
        self._is_begun = False
        is_seekable = getattr(self.file, "seekable", None)
        self._start = self.file.tell() if is_seekable is not None and is_seekable() else None
        self._boundary = secrets.token_hex(16)

    @property
    def is_repeatable(self) -> bool:
        """Whether the file can be sent (again): it can be rewound, or nothing of it was read."""
        return self._start is not None or not self._is_begun

    @property
    def size_bytes(self) -> int | None:
        """The file's size; None where it is known only at its end."""
        if self._start is None:
            return None
        here = self.file.tell()
        end = self.file.seek(0, os.SEEK_END)
        self.file.seek(here)
        return end - self._start

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of the body."""
        kind = self.media_type or "application/octet-stream"
        size = self.size_bytes
        if self.fields:
            kind = f"multipart/form-data; boundary={self._boundary}"
            size = None if size is None else size + len(self.head) + len(self.tail)
        return {"Content-Type": kind, **({} if size is None else {"Content-Length": str(size)})}

    @property
    def head(self) -> bytes:
        """The bytes of the body before the file."""
        if not self.fields:
            return b""
        parts = [
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in self.fields.items()
        ]
        name = re.sub(r'["\r\n]', "_", self.file_name or "table")
        kind = f"Content-Type: {self.media_type}\r\n" if self.media_type else ""
        parts.append(
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n{kind}\r\n'
        )
        return "".join(parts).encode()

    @property
    def tail(self) -> bytes:
        """The bytes of the body after the file."""
        return f"\r\n--{self._boundary}--\r\n".encode() if self.fields else b""

    def rewind(self) -> None:
        """Return to the first position."""
        if self._start is not None:
            self.file.seek(self._start)

    def read(self) -> bytes:
        """The next bytes; none at the end.

        Raises:
            UnfitTable: The file is open as text.
        """
        self._is_begun = True
        chunk: Any = self.file.read(CHUNK_BYTES)
        if isinstance(chunk, str):
            raise UnfitTable('the file is open as text; open it as bytes, with open(path, "rb")')
        try:
            return bytes(chunk)
        except TypeError as error:
            raise UnfitTable(f"read() of the file returned {type(chunk).__name__}, not bytes") from error


@contextlib.contextmanager
def opened(source: Any) -> Iterator[Upload]:
    """Open a source; a file opened here is closed at the end of the block.

    Args:
        source: A path, a file that is open for reading bytes, bytes, or a table.

    Raises:
        UnfitTable: The value is none of these, or a table that cannot be sent.
        OSError: The file cannot be read.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        with path.open("rb") as file:
            yield Upload(file, path.name, _MEDIA_TYPES.get(path.suffix.lower()))
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield Upload(io.BytesIO(source))
    elif hasattr(source, "read"):
        name = getattr(source, "name", None)
        path = Path(name) if isinstance(name, str) else Path()
        yield Upload(source, path.name or None, _MEDIA_TYPES.get(path.suffix.lower()))
    else:
        from modelbus.client.frames import written  # loaded for tables only

        with written(source) as (file, media_type):
            yield Upload(file, None, media_type, is_table=True)


def name_of(source: Any) -> str:
    """The default name of a dataset: that of the file.

    Raises:
        UnfitTable: The source has no name that a dataset could have.
    """
    name = source
    if not isinstance(source, (str, os.PathLike)):
        name = getattr(source, "name", None) if hasattr(source, "read") else None
    path = Path(name) if isinstance(name, (str, os.PathLike)) else Path()
    stem = Path(path.stem).stem if path.suffix.lower() in _PACKED else path.stem
    fitting = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:100]
    if not fitting:
        raise UnfitTable("a name is required for the dataset: upload(..., name=...)")
    return fitting


def placed(upload: Upload, said: Mapping[str, Any]) -> dict[str, Any]:
    """Put the fields of an upload into the query string, or, where they are too long for it, into a form.

    Args:
        upload: The file; its form gets the fields, if it needs one.
        said: The fields; those that are None are left out.

    Returns:
        The fields of the query string.
    """
    known = {name: value for name, value in said.items() if value is not None}
    texts = {name: value if isinstance(value, str) else json_of(value).decode() for name, value in known.items()}
    if sum(map(len, texts.values())) > _QUERY_LIMIT_BYTES:
        upload.fields = texts
        return {}
    if upload.file_name is not None:
        texts["file_name"] = upload.file_name
    return texts


def format_of(path: Path) -> Any:
    """The format of a download, by the name of its file: ``csv``, ``parquet`` or ``jsonl``; None for other names.

    Raises:
        UnfitTable: The extension is that of a format for uploads only, such as ``.xlsx``.
    """
    ending = path.suffix.lower()
    if ending in _UPLOADED_ONLY:
        raise UnfitTable(f"downloads are not available as {ending}; name the file .csv, .parquet or .jsonl")
    return _DOWNLOADED.get(ending)
