"""What pyarrow's reader of CSV reads a stream from: a few blocks ahead, in Arrow's own memory, and not for longer.

By itself pyarrow reads 32 blocks ahead, in a thread that goes on when the reader was given up, and a thread that runs
Python code while the process ends makes it crash.
"""

import io
import threading
import weakref
from typing import Final

import numpy as np
import pyarrow as pa

_BLOCK_LIMIT: Final = 6
"""The reader needs four blocks at once: the one that it parses, the next one, and what is left of those before them."""
_PATIENCE_S: Final = 1.0
"""Should it need more, it gets each of them so much later."""
_PIECE_BYTES: Final = 128 * 1024


class BlockSource(io.RawIOBase):
    """Gives a stream's bytes to pyarrow; to be closed when its reader is given up. That leaves the stream open."""

    def __init__(self, stream: io.RawIOBase) -> None:
        """Args:
        stream: Gives as many bytes as requested, fewer only at its end.
        """
        super().__init__()
        self._stream = stream
        self._places = threading.Semaphore(_BLOCK_LIMIT)
        self._lock = threading.Lock()

    def readable(self) -> bool:
        """Yes."""
        return True

    def read_buffer(self, size: int, /) -> pa.Buffer:
        """The next ``size`` bytes, fewer at the end only; none behind it, or when this was closed.

        pyarrow asks for this rather than for ``read``. Its pool keeps blocks of this size at hand, malloc does not.
        """
        self._places.acquire(timeout=_PATIENCE_S)
        with self._lock:
            block = pa.allocate_buffer(0 if self.closed else size, resizable=True)
            block.resize(self._fill(np.frombuffer(block, dtype=np.uint8)))
        weakref.finalize(block, self._places.release)
        return block

    def close(self) -> None:
        """End for the reader: once this returns, nothing reads the stream any more."""
        super().close()
        self._places.release()
        with self._lock:
            pass

    def _fill(self, target: np.ndarray) -> int:
        """Read until the target is full or the stream ends; returns the bytes."""
        filled = 0
        while filled < len(target) and (piece := self._stream.read(min(_PIECE_BYTES, len(target) - filled))):
            target[filled : filled + len(piece)] = np.frombuffer(piece, dtype=np.uint8)
            filled += len(piece)
        return filled
