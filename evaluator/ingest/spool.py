"""The spool: between the passes, a table of text cells lies in a temporary file. And row groups of the right size.

Arrow streams, one behind the other in one file, each with its own columns: JSON lines may bring a new column late.
Against a Parquet file of text, writing takes two thirds of the time and reading a third. What is read once and removed
is worth little compression: LZ4 where that halves it, else none, and then it is some quarter larger than the source
(more where cells are of a character or two: each takes four bytes beside its text).
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa

from modelbus.shared.tabular.tables.row_groups import ROW_GROUP_LIMIT

_PLAIN: Final = pa.ipc.IpcWriteOptions(use_threads=False)
_TRIED_ROWS: Final = 2000
_PIECE_LIMIT: Final = 8
"""Each piece of a row group costs its writer a call for each column."""


class SpoolWriter:
    """Writes batches of text columns; close it by leaving its context."""

    def __init__(self, path: Path) -> None:
        self._files = ExitStack()
        self._file = self._files.enter_context(pa.OSFile(str(path), "wb"))
        self._stream: pa.ipc.RecordBatchStreamWriter | None = None
        self._schema: pa.Schema | None = None
        self.row_count = 0
        """Rows that were written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end_stream()
        self._files.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch; columns that the batches before did not have come last."""
        if self._schema is None or not batch.schema.equals(self._schema):
            self._end_stream()
            self._schema = batch.schema
            self._stream = pa.ipc.new_stream(self._file, batch.schema, options=_options(batch))
        assert self._stream is not None
        self._stream.write_batch(batch)
        self.row_count += batch.num_rows

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _options(batch: pa.RecordBatch) -> pa.ipc.IpcWriteOptions:
    """LZ4 where it halves the first rows at least; of most tables it takes longer than writing what it saves."""
    compressed = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    some = batch.slice(0, _TRIED_ROWS)
    sizes = [_size_bytes(some, options) for options in (compressed, _PLAIN)]
    return compressed if sizes[0] * 2 <= sizes[1] else _PLAIN


def _size_bytes(batch: pa.RecordBatch, options: pa.ipc.IpcWriteOptions) -> int:
    sink = pa.MockOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=options) as stream:
        stream.write_batch(batch)
    size: int = sink.size()
    return size


def read_spool(path: Path) -> Iterator[pa.RecordBatch]:
    """Read the batches back, one at a time and once: the file is removed.

    Its room is given back when the last batch was read, by the thread that reads, or when the process ends.
    """
    options = pa.ipc.IpcReadOptions(use_threads=False)
    with pa.OSFile(str(path), "rb") as file:
        path.unlink()
        size = file.size()
        while file.tell() < size:
            yield from pa.ipc.open_stream(file, options=options)


def regrouped(batches: Iterable[pa.RecordBatch], size_limit_bytes: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of 50,000, fewer where they would exceed the limit (by one batch that came at most)."""
    for group in grouped(batches, size_limit_bytes):
        joined = group.combine_chunks().to_batches()
        del group  # nothing that was joined may stay in memory while the joined copy is worked on
        while joined:
            yield joined.pop(0)


def grouped(batches: Iterable[pa.RecordBatch], size_limit_bytes: int) -> Iterator[pa.Table]:
    """The same, each with its cells in the pieces in which they came; joined where there are many."""
    held: list[pa.RecordBatch] = []
    rows = size_bytes = 0
    for batch in batches:
        held.append(batch)
        rows, size_bytes = rows + batch.num_rows, size_bytes + batch.nbytes
        while rows >= ROW_GROUP_LIMIT or size_bytes >= size_limit_bytes:
            groups, held = _split(held)
            rows, size_bytes = sum(left.num_rows for left in held), sum(left.nbytes for left in held)
            yield groups.pop()
    if rows:
        yield _split(held)[0].pop()


def _split(held: list[pa.RecordBatch]) -> tuple[list[pa.Table], list[pa.RecordBatch]]:
    """The first row group, in a list that can let go of it, and what is left."""
    table = pa.Table.from_batches(held)
    group = table.slice(0, ROW_GROUP_LIMIT)
    is_in_many = len(held) > _PIECE_LIMIT
    return [group.combine_chunks() if is_in_many else group], table.slice(ROW_GROUP_LIMIT).to_batches()
