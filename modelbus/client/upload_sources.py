"""What can be uploaded: paths, open files, bytes, and frames (which ``frames`` writes as a file)."""

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
"""A longer query string may be too long a line for a server: what it says goes into a form then."""
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
    """A file to be sent, from where it stands to its end."""

    file: BinaryIO
    file_name: str | None = None
    media_type: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    """Sent beside the file, in a form; none: the body is the file itself."""
    on_sent: Callable[[int], None] = lambda _count: None
    """Told the bytes that are sent, all together."""

    def __post_init__(self) -> None:
        """Look where the file stands."""
        self._is_begun = False
        self._start = self.file.tell() if self.file.seekable() else None
        self._boundary = secrets.token_hex(16)

    @property
    def is_repeatable(self) -> bool:
        """Whether it can be sent (once more): it can be rewound, or nothing of it was read."""
        return self._start is not None or not self._is_begun

    @property
    def size_bytes(self) -> int | None:
        """How many bytes the file has; None where that is known at its end only."""
        if self._start is None:
            return None
        here = self.file.tell()
        end = self.file.seek(0, os.SEEK_END)
        self.file.seek(here)
        return end - self._start

    @property
    def headers(self) -> dict[str, str]:
        """What the request says of the body."""
        kind = self.media_type or "application/octet-stream"
        size = self.size_bytes
        if self.fields:
            kind = f"multipart/form-data; boundary={self._boundary}"
            size = None if size is None else size + len(self.head) + len(self.tail)
        return {"Content-Type": kind, **({} if size is None else {"Content-Length": str(size)})}

    @property
    def head(self) -> bytes:
        """What stands before the file."""
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
        """What stands behind the file."""
        return f"\r\n--{self._boundary}--\r\n".encode() if self.fields else b""

    def rewind(self) -> None:
        """Go back to where the file stood."""
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
            raise UnfitTable(
                'the file is open as text; open it with open(path, "rb"), so that its bytes stay as they are'
            )
        return bytes(chunk)


@contextlib.contextmanager
def opened(source: Any) -> Iterator[Upload]:
    """Open what the caller gave; what was opened here is closed here.

    Args:
        source: A path, a file that is open for reading bytes, bytes, or a frame.

    Raises:
        UnfitTable: It is none of these, or a frame that no file can hold.
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
        from modelbus.client.frames import written  # it needs pandas or pyarrow, which others have no use for

        with written(source) as (file, media_type):
            yield Upload(file, None, media_type)


def name_of(source: Any) -> str:
    """The name of a dataset, when the caller gives none: the file's own.

    Raises:
        UnfitTable: There is no file, or its name cannot be a dataset's.
    """
    name = source if isinstance(source, (str, os.PathLike)) else getattr(source, "name", None)
    path = Path(name) if isinstance(name, (str, os.PathLike)) else Path()
    stem = Path(path.stem).stem if path.suffix.lower() in _PACKED else path.stem
    fitting = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:100]
    if not fitting:
        raise UnfitTable("the dataset needs a name: upload(..., name=...)")
    return fitting


def placed(upload: Upload, said: Mapping[str, Any]) -> dict[str, Any]:
    """Say what is said of a file: in the query string, or, where that would be too long, in a form with the file.

    Returns:
        What the query string has to say.
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
    """The format of a download, by the name of its file: ``csv``, ``parquet`` or ``jsonl``; None for any other name.

    Raises:
        UnfitTable: The name ends as a file does that cannot be downloaded, such as ``.xlsx``.
    """
    ending = path.suffix.lower()
    if ending in _UPLOADED_ONLY:
        raise UnfitTable(f"downloads are not available as {ending}; name the file .csv, .parquet or .jsonl")
    return _DOWNLOADED.get(ending)
