"""Arrow IPC: files (Feather is another name of them) and streams.

Their buffers are taken as they are, so each batch is validated before anything reads it: a wrong offset would reach
beyond the file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa

from modelbus.evaluator.ingest.faults import refused
from modelbus.evaluator.ingest.sources.known_bytes import ARROW_FILE_START
from modelbus.evaluator.ingest.sources.typed_tables import convert_typed, refusing_damage
from modelbus.evaluator.ingest.table import ColumnPlan, Limits, Stage
from modelbus.evaluator.ingest.writing.casting import StoredTable
from modelbus.shared.contracts import ParseOptions

_NAME: Final = "Arrow"


def convert_arrow(
    source: BinaryIO, destination: Path, *, options: ParseOptions, limits: Limits, stage: Stage
) -> tuple[list[ColumnPlan], list[str], StoredTable]:
    """Rewrite an Arrow file or stream; what it takes and gives is said of ``convert_typed``."""
    with refusing_damage(_NAME):
        file = _ArrowFile(source)
    return convert_typed(file, destination, options=options, limits=limits, stage=stage)


class _ArrowFile:
    """A file or a stream; its batches are read in their order each time."""

    format_name = _NAME
    group_count = 1

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        source.seek(0)
        self._is_stream = source.read(len(ARROW_FILE_START)) != ARROW_FILE_START
        self.schema = self._reader([]).schema
        self._row_count: int | None = None

    @property
    def row_count(self) -> int:
        """Rows; the file has no count of them."""
        if self._row_count is None:
            with refusing_damage(_NAME):
                narrow = [0] if len(self.schema) else []
                self._row_count = sum(batch.num_rows for batch in self._read(narrow))
        return self._row_count

    def is_empty(self, position: int) -> bool | None:  # noqa: ARG002 - the file does not say so
        return None

    def batches(self, position: int | None, group: int | None, row_limit: int) -> Iterator[pa.RecordBatch]:  # noqa: ARG002 - there is one
        for batch in self._read([] if position is None else [position]):
            _validate(batch)
            for start in range(0, batch.num_rows, row_limit):
                yield batch.slice(start, row_limit)

    def _read(self, positions: list[int]) -> Iterator[pa.RecordBatch]:
        reader = self._reader(positions)
        if self._is_stream:
            yield from reader
        else:
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)

    def _reader(self, positions: list[int]) -> "pa.ipc.RecordBatchStreamReader | pa.ipc.RecordBatchFileReader":
        options = pa.ipc.IpcReadOptions(included_fields=positions, use_threads=False)
        self._source.seek(0)
        source = pa.PythonFile(self._source, mode="r")
        return (pa.ipc.open_stream if self._is_stream else pa.ipc.open_file)(source, options=options)


def _validate(batch: pa.RecordBatch) -> None:
    for name, cells in zip(batch.schema.names, batch.columns, strict=True):
        try:
            cells.validate(full=True)
        except pa.ArrowInvalid as error:
            if "UTF8" in str(error):
                raise refused("bytes that are not UTF-8", "text", column=name) from error
            raise
