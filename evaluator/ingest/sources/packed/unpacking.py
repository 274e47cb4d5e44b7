"""A compressed file becomes a plain one beside the dataset, counted while it is unpacked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from modelbus.evaluator.ingest.faults import refused, too_large_unpacked
from modelbus.evaluator.ingest.sources.packed.compressions import compression_of, unpacked_name, unpacked_pieces
from modelbus.evaluator.ingest.sources.packed.cutting import cut_last_line
from modelbus.evaluator.ingest.table import Limits, ProgressCallback
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.contracts.commands.datasets import START_BYTES, is_read_whole

_MESSAGE: Final = "unpacking"


@dataclass(frozen=True)
class PlainFile:
    """A file without its compression."""

    content: BinaryIO
    """Open and seekable."""
    name: str | None
    """What it is called, as far as that is known."""
    compression: str | None
    """How it was compressed; absent where it was not."""
    is_truncated: bool
    """Whether it is only the first whole lines of a file."""


@dataclass(frozen=True)
class Beginning:
    """How much of a file is there, and wanted."""

    is_truncated: bool = False
    """The file is only the beginning of one."""
    head_bytes: int | None = None
    """Unpack only about this many bytes of a compressed text; None: all of it."""


@contextmanager
def unpacked(
    source: BinaryIO,
    path: Path,
    *,
    file_name: str | None,
    media_type: str | None,
    options: ParseOptions,
    limits: Limits,
    beginning: Beginning,
    on_progress: ProgressCallback,
) -> Iterator[PlainFile]:
    """The file as it is, or unpacked to a path, which is removed afterwards.

    Args:
        source: The file.
        path: Where to unpack it.
        file_name: What its sender called it.
        media_type: The media type that its sender declared.
        options: How to read it.
        limits: What it may not exceed.
        beginning: How much of it is there, and wanted.
        on_progress: Called now and then; what it raises ends the unpacking.

    Raises:
        MalformedTable: The file is damaged, cut, encrypted or compressed twice, or an archive of several files.
        LimitExceeded: It unpacks to more than the limit.
    """
    compression = compression_of(source)
    if compression is None:
        yield PlainFile(source, file_name, None, beginning.is_truncated)
        return
    try:
        name = unpacked_name(source, compression, file_name)
        is_truncated = _unpack(source, path, compression, limits.unpacked_limit_bytes, beginning, on_progress)
        with path.open("rb") as content:
            inner = compression_of(content)
        if inner is not None:
            raise refused(f"the file is compressed twice: {inner} within {compression}", "one compression")
        if is_truncated:
            cut_last_line(path, options, media_type)
        with path.open("rb") as content:
            yield PlainFile(content, name, compression, is_truncated)
    finally:
        path.unlink(missing_ok=True)


def _unpack(
    source: BinaryIO,
    path: Path,
    compression: str,
    limit_bytes: int,
    beginning: Beginning,
    on_progress: ProgressCallback,
) -> bool:
    """Write the content; whether its end is missing."""
    size = 0
    wanted: int | None = None
    head = b""
    with path.open("wb") as plain:
        for piece in unpacked_pieces(source, compression, is_truncated=beginning.is_truncated):
            on_progress(0.0, _MESSAGE)
            size += len(piece)
            if size > limit_bytes:
                raise too_large_unpacked(limit_bytes)
            plain.write(piece)
            if len(head) < START_BYTES:
                head = (head + piece)[:START_BYTES]
                wanted = None if is_read_whole(head) else beginning.head_bytes
            if wanted is not None and len(head) == START_BYTES and size > wanted:
                return True
    if not size:
        if beginning.is_truncated:
            raise refused(f"the beginning of the {compression} file is too short for a preview", "more of the file")
        raise refused(
            f"the {compression} file holds an empty file (0 bytes)", "a table with a header and at least one row"
        )
    return beginning.is_truncated
