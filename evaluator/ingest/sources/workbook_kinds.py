"""Whether a zip archive is a workbook, and of which kind."""

import zipfile
from typing import BinaryIO, Final, Literal

from modelbus.evaluator.ingest.faults import refused
from modelbus.shared.errors import MalformedTable

WorkbookKind = Literal["xlsx", "ods"]

_ODS: Final = b"application/vnd.oasis.opendocument.spreadsheet"
_OPEN_DOCUMENT: Final = b"application/vnd.oasis.opendocument."
_OFFICE_FOLDERS: Final = {"word/": "a Word document", "ppt/": "a PowerPoint presentation", "visio/": "a Visio drawing"}
_KIND_BYTES: Final = 200


def workbook_kind(source: BinaryIO) -> WorkbookKind | None:
    """``xlsx`` (or ``.xlsm``), ``ods``, or None of any other zip archive; the file is rewound.

    Raises:
        MalformedTable: It is an office document of another kind.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            return _kind(archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError):
        return None  # unpacking it says what is wrong
    finally:
        source.seek(0)


def _kind(archive: zipfile.ZipFile) -> WorkbookKind | None:
    names = set(archive.namelist())
    if "mimetype" in names:
        with archive.open("mimetype") as content:
            kind = content.read(_KIND_BYTES).strip()
        if kind.startswith(_ODS):
            return "ods"
        if kind.startswith(_OPEN_DOCUMENT):
            raise _not_read(f"an OpenDocument file of another kind ({kind.decode('latin-1')})")
    if "[Content_Types].xml" not in names:
        return None
    if "xl/workbook.bin" in names:
        raise _not_read("a binary Excel workbook (.xlsb)")
    for folder, kind_name in _OFFICE_FOLDERS.items():
        if any(name.startswith(folder) for name in names):
            raise _not_read(kind_name)
    return "xlsx"


def _not_read(kind: str) -> MalformedTable:
    return refused(f"the file is {kind}", "an .xlsx or .ods workbook, or the table as CSV")
