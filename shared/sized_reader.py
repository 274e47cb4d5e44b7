"""The base of files of a known size whose bytes are fetched when they are read: it implements seeking."""

import io


class SizedReader(io.RawIOBase):
    """A file of a known size; a subclass fetches its bytes in ``readinto`` and advances ``_position``."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        """The size of the whole file in bytes."""
        self._position = 0
        """Where the next byte is read."""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position; returns it, counted from the beginning."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size_bytes}[whence]
        self._position = max(0, base + offset)
        return self._position
