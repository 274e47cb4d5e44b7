"""A blob as a seekable file that fetches only the chunks that are read, so that a page of a large table is cheap.

GridFS's own reader opens a cursor over all following chunks, whose first batch is 16 MB, even for small reads.
"""

from collections import OrderedDict
from typing import Any, Final

from modelbus.shared.errors import UnknownUpload
from modelbus.shared.sized_reader import SizedReader
from modelbus.shared.store.blobs.blob_queries import chunks_between, measured_blob
from modelbus.shared.store.drivers.worker_store import WorkerStore

_KEPT_CHUNKS: Final = 8
"""Cached chunks: a Parquet file is read in sections that end within a chunk."""


class BlobReader(SizedReader):
    """Reads a blob; one reader is for one thread, any number may read the same blob.

    Every method raises ``StoreUnavailable`` when MongoDB does not answer, and ``UnknownUpload`` when the blob is gone.
    """

    def __init__(self, store: WorkerStore, blob_id: str) -> None:
        self._store = store
        self._blob_id = blob_id
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        file = store.one(measured_blob(blob_id))
        if file is None:
            raise self._gone()
        super().__init__(int(file["length"]))
        self._chunk_bytes = int(file["chunkSize"])

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from here on; returns how many bytes there were."""
        view = memoryview(buffer).cast("B")
        count = min(len(view), max(0, self.size_bytes - self._position))
        if count:
            first, last = self._position // self._chunk_bytes, (self._position + count - 1) // self._chunk_bytes
            for number in range(first, last + 1):
                self._copy(number, self._chunk(number, last), view[:count])
            self._position += count
        return count

    def _copy(self, number: int, chunk: bytes, view: memoryview) -> None:
        """Copy what a chunk and the stretch that is read have in common."""
        begin = number * self._chunk_bytes - self._position
        piece = memoryview(chunk)[max(0, -begin) : len(view) - begin]
        view[max(0, begin) : max(0, begin) + len(piece)] = piece

    def _chunk(self, number: int, last: int) -> bytes:
        """One chunk; those that are missing behind it, up to ``last``, are fetched with it."""
        if number not in self._kept:
            end = number + 1
            while end not in self._kept and end <= last and end - number < _KEPT_CHUNKS:
                end += 1
            self._fetch(number, end - 1)
        self._kept.move_to_end(number)
        return self._kept[number]

    def _fetch(self, first: int, last: int) -> None:
        for chunk in self._store.each(chunks_between(self._blob_id, first, last)):
            self._kept[chunk["n"]] = chunk["data"]
            self._kept.move_to_end(chunk["n"])
        if any(number not in self._kept for number in range(first, last + 1)):
            raise self._gone()
        while len(self._kept) > _KEPT_CHUNKS:
            self._kept.popitem(last=False)

    def _gone(self) -> UnknownUpload:
        return UnknownUpload(f"the stored file {self._blob_id} is gone")
