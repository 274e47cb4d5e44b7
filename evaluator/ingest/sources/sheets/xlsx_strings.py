"""The texts that the cells of an Excel workbook share, held as bytes: objects would take several times as much."""

import re
from array import array
from typing import Final

from modelbus.evaluator.ingest.sources.sheets.xml_parts import Handlers, Parts, damaged

LIMIT_BYTES: Final = 512 * 1024 * 1024
"""Of the part that holds them, unpacked: they are the only thing of a workbook that is held in memory."""
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


class SharedStrings:
    """The texts, by their numbers."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", [0])

    def add(self, text: str) -> None:
        """Append a text."""
        self._bytes += text.encode("utf-8", "replace")
        self._ends.append(len(self._bytes))

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self._ends) - 1:
            raise damaged(f"a cell has the shared text {index} of {len(self._ends) - 1}")
        return self._bytes[self._ends[index] : self._ends[index + 1]].decode()


def read_strings(parts: Parts, part: str | None) -> SharedStrings:
    """The shared texts of a workbook; none where it has no such part.

    Raises:
        MalformedTable: The part is damaged.
        LimitExceeded: It is too large.
    """
    handlers = _StringHandlers()
    if part is not None and parts.has(part):
        parts.read(part, handlers, LIMIT_BYTES)
    return handlers.strings


def plain_characters(text: str) -> str:
    """A text whose escaped characters (``_x000D_``) are plain."""
    if "_x" not in text:
        return text
    return (
        _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        .encode("utf-16", "surrogatepass")
        .decode("utf-16", "replace")
    )


class _StringHandlers(Handlers):
    """Rich text is joined; its pronunciation is skipped."""

    def __init__(self) -> None:
        super().__init__()
        self.strings = SharedStrings()
        self._pieces: list[str] = []
        self._is_taken = self._is_phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 - expat gives them
        local = self.local(name)
        if local == "t":
            self._is_taken = not self._is_phonetic
        elif local == "si":
            self._pieces = []
        elif local == "rPh":
            self._is_phonetic = True

    def text(self, text: str) -> None:
        if self._is_taken:
            self._pieces.append(text)

    def end(self, name: str) -> None:
        local = self.local(name)
        if local == "t":
            self._is_taken = False
        elif local == "si":
            self.strings.add(plain_characters("".join(self._pieces)))
        elif local == "rPh":
            self._is_phonetic = False
