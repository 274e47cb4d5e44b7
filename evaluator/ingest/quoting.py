"""Quotes of delimited text: a quick watch while the file streams, which tells whether a scan is needed.

pyarrow takes what follows an unclosed quote, to the end of the file, for one value, without a word. In a well-formed
table each odd quote has a delimiter, a line's end or a quote before it, and each even quote has one of them behind
it; the watch checks that for whole chunks at once. What it doubts (``12" pipe`` in an unquoted field is such a case,
and right) goes to the scanner of ``records``.
"""

import numpy as np

_QUOTE = 0x22


class QuoteWatch:
    """Finds out whether every quote stands where a well-formed table has one."""

    def __init__(self, delimiter: bytes) -> None:
        self._is_border = np.zeros(256, dtype=bool)
        self._is_border[list(delimiter + b'\r\n"')] = True
        self._held = b"\n"
        """The last two bytes that were fed: the last one still waits for its neighbour."""
        self._count = 0
        self._is_doubtful = False

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes of the file."""
        block = np.frombuffer(self._held + chunk, dtype=np.uint8)
        self._held = block[-2:].tobytes()
        places = np.flatnonzero(block[1:-1] == _QUOTE) + 1
        if not len(places):
            return
        first = self._count % 2  # every other quote opens: the first one here, or the second
        before, behind = block[places[first::2] - 1], block[places[1 - first :: 2] + 1]
        self._is_doubtful |= not (self._is_border[before].all() and self._is_border[behind].all())
        self._count += len(places)

    def finish(self) -> bool:
        """Whether a scan is needed: a quote at a doubtful place, or one that is never closed."""
        self.feed(b"\n")
        return bool(self._is_doubtful or self._count % 2)
