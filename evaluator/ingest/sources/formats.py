"""Which format a file has: from what its sender says, its name, and its first bytes."""

import codecs
import os
import re
from email.message import EmailMessage
from pathlib import PurePosixPath
from typing import BinaryIO, Final, get_args

from modelbus.evaluator.ingest.faults import refused
from modelbus.evaluator.ingest.sources.known_bytes import known_by_bytes
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.contracts.commands.datasets import TableFormat, TextEncoding
from modelbus.shared.errors import MalformedTable

HEAD_BYTES = 64 * 1024

_MEDIA_TYPES: dict[str, TableFormat] = {
    "text/csv": "csv",
    "application/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/vnd.apache.parquet": "parquet",
    "application/parquet": "parquet",
    "application/x-parquet": "parquet",
    "application/jsonl": "jsonl",
    "application/x-jsonlines": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/json": "jsonl",
    "application/vnd.apache.arrow.file": "arrow",
    "application/vnd.apache.arrow.stream": "arrow",
    "application/vnd.apache.orc": "orc",
    "application/x-orc": "orc",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-excel.sheet.macroenabled.12": "xlsx",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
}
_SUFFIXES: dict[str, TableFormat] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".orc": "orc",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".ods": "ods",
}
_PACKED_SUFFIXES: Final = (".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd", ".zip")
_KINDS: Final[dict[TableFormat, tuple[str, str]]] = {
    "parquet": ("Parquet", "a Parquet file, which begins with the bytes PAR1"),
    "arrow": ("Arrow", "an Arrow file or stream, or Feather version 2"),
    "orc": ("ORC", "an ORC file, which begins and ends with the bytes ORC"),
    "xlsx": ("an Excel workbook", "an .xlsx or .xlsm workbook"),
    "ods": ("an OpenDocument spreadsheet", "an .ods workbook"),
}
"""The formats that are known by their bytes: what a file of them is, and what is expected of one."""
_FOREIGN: Final = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls), or a workbook with a password",
    b"FEA1": "Feather version 1",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x04\x22\x4d\x18": "compressed with lz4",
    b"\x1f\x9d": "compressed with compress (.Z)",
    b"%PDF": "a PDF document",
    b"{\\rtf": "an RTF document",
    b"SQLite format 3": "an SQLite database",
    b"Obj\x01": "an Avro file",
    b"\x89PNG": "an image",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"$FL2": "an SPSS file",
    b"<stata_dta>": "a Stata file",
    codecs.BOM_UTF32_LE: "text in UTF-32",
    codecs.BOM_UTF32_BE: "text in UTF-32",
}
_TAR: Final = (257, b"ustar")
_MARKUP = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)\b", re.IGNORECASE)
_JSON = re.compile(r'\s*(\{\s*("([^"\\\n]|\\.)*"\s*:|\})|\[\s*[{\[])')
"""The beginning of an object or of an array of them, on one line or on many."""
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_TEXT_CONTROLS = b"\t\n\v\f\r\x1b"
_CONTROLS = bytes(code for code in range(32) if code not in _TEXT_CONTROLS)


def source_size(source: BinaryIO) -> int:
    """The bytes of the file; it is rewound."""
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    return size


def read_head(source: BinaryIO) -> bytes:
    """The first 64 KiB; the file is rewound."""
    source.seek(0)
    head = source.read(HEAD_BYTES)
    source.seek(0)
    return head


def charset_encoding(media_type: str | None) -> TextEncoding | None:
    """The encoding that a media type names (``text/csv; charset=iso-8859-2``); none for UTF-8, which is found anyway.

    Raises:
        MalformedTable: It names one that is not supported.
    """
    message = EmailMessage()
    message["Content-Type"] = media_type or "text/csv"
    charset = message.get_content_charset()
    if charset is None:
        return None
    known: dict[str, TextEncoding] = {codecs.lookup(name).name: name for name in get_args(TextEncoding)}
    try:
        found = codecs.lookup(charset).name
    except LookupError:
        found = charset
    if found in ("utf-8", "utf-8-sig", "ascii"):
        return None
    if found not in known:
        raise refused(f"the charset {charset[:100]!r} of the media type is not supported", ", ".join(known.values()))
    return known[found]


def find_format(
    source: BinaryIO,
    *,
    declared: TableFormat | None,
    media_type: str | None,
    file_name: str | None,
    options: ParseOptions,
) -> TableFormat:
    """Find the file's format: by its bytes where they tell, else as declared, by media type, by name, or by its text.

    Args:
        source: The file, without compression; it is rewound.
        declared: The format that the sender declared.
        media_type: The media type that the sender declared.
        file_name: What the sender called the file.
        options: How to read the file: their delimiter may be a control character.

    Raises:
        MalformedTable: The bytes are of a format that is not supported, or not of the declared one.
    """
    head = read_head(source)
    known = known_by_bytes(source, head)
    if known is not None:
        if declared not in (None, known):
            raise refused(f"the file is {_KINDS[known][0]}", f"{declared}, as declared")
        return known
    _refuse_foreign(head)
    named = declared or _by_media_type(media_type) or _by_name(file_name)
    if named in _KINDS:
        said = "declared" if declared or _by_media_type(media_type) else "named"
        raise refused(f"the file is {said} as {named} but is not in that format", _KINDS[named][1])
    if not (options.encoding or "").startswith("utf-16"):
        _refuse_binary(head, (options.delimiter or "").encode())
    return named or _by_content(head)


def _refuse_foreign(head: bytes) -> None:
    for magic, kind in _FOREIGN.items():
        if head.startswith(magic):
            raise _not_text(f"the file is {kind}")
    if head[_TAR[0] :].startswith(_TAR[1]):
        raise _not_text("the file is a tar archive")
    if _MARKUP.match(head):
        raise _not_text("the file is a web page or XML")


def _refuse_binary(head: bytes, delimiter: bytes) -> None:
    # a stray control character may occur in text; one in fifty bytes may not, and UTF-16 is half NUL bytes
    if head.startswith(_BYTE_ORDER_MARKS) or _is_utf8(head):
        return
    unusual = _CONTROLS.replace(delimiter, b"") if delimiter else _CONTROLS
    controls = len(head) - len(head.translate(None, unusual))
    if controls * 50 > len(head):
        first = next(position for position, code in enumerate(head) if code in unusual)
        line = head.count(b"\n", 0, first) + 1
        hint = " (UTF-16 without a byte order mark needs its encoding)" if not head[first] else ""
        raise refused(
            f"the file is binary: byte 0x{head[first]:02x}", f"text, or a file of another known format{hint}", line=line
        )


def _is_utf8(head: bytes) -> bool:
    """Whether the bytes are UTF-8 without NUL, control characters included: hardly anything but text is."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _not_text(problem: str) -> MalformedTable:
    return refused(problem, "CSV, TSV, JSON lines, Parquet, Arrow, ORC, .xlsx or .ods")


def _by_media_type(media_type: str | None) -> TableFormat | None:
    return _MEDIA_TYPES.get((media_type or "").partition(";")[0].strip().lower())


def _by_name(file_name: str | None) -> TableFormat | None:
    path = PurePosixPath((file_name or "").lower())
    return _SUFFIXES.get((path.with_suffix("") if path.suffix in _PACKED_SUFFIXES else path).suffix)


def _by_content(head: bytes) -> TableFormat:
    encoding = "utf-16" if head.startswith(_BYTE_ORDER_MARKS) else "utf-8-sig"
    return "jsonl" if _JSON.match(head.decode(encoding, "replace")) else "csv"
