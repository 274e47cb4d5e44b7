"""Reading log files: their last lines, and new lines as they are written. Rotating them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

ROTATE_ABOVE_BYTES = 50 * 1024 * 1024
TAIL_BLOCK_BYTES = 64 * 1024


class FileTail:
    """Reads whole lines from a file that others append to; starts over when the file is replaced or truncated."""

    def __init__(self, path: Path, *, offset: int | None = None) -> None:
        """Args:
        path: The file; it need not exist yet.
        offset: The first byte to read; None starts at the present end.
        """
        self.path = path
        self._file: IO[bytes] | None = None
        self._rest = b""
        self._offset = offset if offset is not None else _size(path)

    def read_lines(self) -> Iterator[str]:
        """Yield the lines that were completed since the last call."""
        if self._file is not None and _is_replaced(self._file, self.path):
            yield from self._read_new(self._file)
            self.close()
            self._offset, self._rest = 0, b""
        if self._file is None:
            self._file = self._open()
        if self._file is not None:
            yield from self._read_new(self._file)

    def read_rest(self) -> Iterator[str]:
        """Yield the remaining lines, including an unfinished last one."""
        yield from self.read_lines()
        if self._rest:
            yield _decode(self._rest)
            self._rest = b""

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> IO[bytes] | None:
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return None
        file.seek(self._offset)
        return file

    def _read_new(self, file: IO[bytes]) -> Iterator[str]:
        while block := file.read(TAIL_BLOCK_BYTES):
            *lines, self._rest = (self._rest + block).split(b"\n")
            for line in lines:
                yield _decode(line)


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a file, at most 64 KiB; none if the file does not exist."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL_BLOCK_BYTES, 0))
            lines = file.read().rstrip(b"\n").split(b"\n")
    except FileNotFoundError:
        return []
    return [_decode(line) for line in lines[-count:] if line]


def rotate(path: Path, above_bytes: int = ROTATE_ABOVE_BYTES) -> None:
    """Move a log that is too long to ``<name>.1``, replacing the previous one."""
    if _size(path) > above_bytes:
        path.replace(path.with_name(path.name + ".1"))


def _is_replaced(file: IO[bytes], path: Path) -> bool:
    mine = os.fstat(file.fileno())
    try:
        present = path.stat()
    except FileNotFoundError:
        return False
    return present.st_ino != mine.st_ino or present.st_size < file.tell()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _decode(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").rstrip("\r")
