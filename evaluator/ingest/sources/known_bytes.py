"""The formats that are known by their bytes, whatever a file is called."""

import os
from typing import BinaryIO, Final

from modelbus.evaluator.ingest.sources.workbook_kinds import workbook_kind
from modelbus.shared.contracts.commands.datasets import TableFormat, begins_as_parquet

ARROW_FILE_START: Final = b"ARROW1\0\0"
_ARROW_STREAM_START: Final = b"\xff\xff\xff\xff"
_ORC_START: Final = b"ORC"
_ORC_TAIL_BYTES: Final = 4
_ZIP_START: Final = b"PK"


def known_by_bytes(source: BinaryIO, head: bytes) -> TableFormat | None:
    """The format of a file; None where its bytes do not tell.

    Args:
        source: The file; it is rewound.
        head: Its first bytes.

    Raises:
        MalformedTable: It is an office document that is not a supported workbook.
    """
    if begins_as_parquet(head):
        return "parquet"
    if head.startswith((ARROW_FILE_START, _ARROW_STREAM_START)):
        return "arrow"
    if head.startswith(_ORC_START) and _ends_as_orc(source):
        return "orc"
    return workbook_kind(source) if head.startswith(_ZIP_START) else None


def _ends_as_orc(source: BinaryIO) -> bool:
    """Whether a file ends as ORC does: a text may begin with the same letters."""
    size = source.seek(0, os.SEEK_END)
    source.seek(max(0, size - _ORC_TAIL_BYTES))
    tail = source.read(_ORC_TAIL_BYTES)
    source.seek(0)
    return len(tail) == _ORC_TAIL_BYTES and tail.startswith(_ORC_START)
