"""The XML files in a workbook: read as a stream, within limits, without entities."""

import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, Self
from xml.parsers import expat

from modelbus.evaluator.ingest.faults import refused, too_large_unpacked
from modelbus.shared.errors import MalformedTable

SEPARATOR: Final = "}"
"""Between a namespace and a name."""
_PIECE_BYTES: Final = 128 * 1024
_FAULTS: Final = (
    expat.ExpatError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,  # an encoding that Python does not know
    NotImplementedError,
    RuntimeError,  # a password
    OSError,
)


class Parts:
    """The files in a workbook's archive."""

    def __init__(self, source: BinaryIO, limit_bytes: int) -> None:
        """Args:
        source: The archive.
        limit_bytes: Of each file in it, unpacked.

        Raises:
            MalformedTable: It is not an archive.
        """
        try:
            self._archive = zipfile.ZipFile(source)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise damaged(str(error)) from error
        self._names = {name.lower(): name for name in self._archive.namelist()}
        self._limit_bytes = limit_bytes

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return name.lower() in self._names

    def parse(self, name: str, handlers: "Handlers", limit_bytes: int | None = None) -> Iterator[None]:
        """Have the handlers called for what a file holds; yields after each piece of it.

        Args:
            name: The file.
            handlers: What is called.
            limit_bytes: Of this file; default: of any.

        Raises:
            MalformedTable: The file is missing, damaged or no XML.
            LimitExceeded: It is too large.
        """
        if not self.has(name):
            raise damaged(f"it has no {name}")
        parser = expat.ParserCreate(namespace_separator=SEPARATOR)
        parser.buffer_text = True
        parser.StartElementHandler = handlers.start
        parser.EndElementHandler = handlers.end
        parser.CharacterDataHandler = handlers.text
        parser.StartDoctypeDeclHandler = _refuse_entities
        limit = min(limit_bytes or self._limit_bytes, self._limit_bytes)
        size = 0
        try:
            with self._archive.open(self._names[name.lower()]) as content:
                while piece := content.read(_PIECE_BYTES):
                    size += len(piece)
                    if size > limit:
                        raise too_large_unpacked(limit)
                    parser.Parse(piece, False)
                    yield
            parser.Parse(b"", True)
        except _FAULTS as error:
            raise damaged(f"{name}: {error}") from error
        yield

    def read(self, name: str, handlers: "Handlers", limit_bytes: int | None = None) -> None:
        """Have the handlers called for all that a file holds."""
        for _ in self.parse(name, handlers, limit_bytes):
            pass


class Handlers:
    """What is called for elements; the names come without their namespaces."""

    def __init__(self) -> None:
        self._local: dict[str, str] = {}

    def local(self, name: str) -> str:
        """A name without its namespace."""
        found = self._local.get(name)
        if found is None:
            found = self._local[name] = name.rpartition(SEPARATOR)[2]
        return found

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Text within an element."""


class FoundElements(Handlers):
    """Gathers the attributes of some elements of a small file."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._names = names

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take it if it is wanted; attributes lose their namespaces."""
        if self.local(name) in self._names:
            self.found.append((self.local(name), {self.local(key): value for key, value in attributes.items()}))

    @classmethod
    def of(cls, parts: Parts, name: str, *names: str) -> Self:
        """The elements of a file."""
        elements = cls(*names)
        parts.read(name, elements)
        return elements


def damaged(problem: str) -> MalformedTable:
    """The error for a workbook that cannot be read."""
    return refused(f"the workbook cannot be read: {problem[:300]}", "an undamaged .xlsx or .ods file")


def _refuse_entities(*_: object) -> None:
    raise damaged("its XML has a document type, which no workbook has")
