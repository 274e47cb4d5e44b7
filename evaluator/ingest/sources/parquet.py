"""Parquet files; of a dataset's own file, what is kept beside the values stays with them.

Row groups may be of any size, so they are read in slices: ``iter_batches`` of one row group through a buffered stream
stays at 140 MB for a file of a single row group of 700 MB (825 MB without the buffer, and over all row groups at once
it grows with the file).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from modelbus.evaluator.ingest.sources.typed_tables import TypedColumn, convert_typed, refusing_damage
from modelbus.evaluator.ingest.table import ColumnPlan, Limits, Stage
from modelbus.evaluator.ingest.writing.casting import StoredTable
from modelbus.evaluator.ingest.writing.kept import KeptWriter, present_texts
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.tabular.cells.kept_cells import StoredNotes, open_kept, read_notes
from modelbus.shared.tabular.cells.marks import marks_of

_NAME: Final = "Parquet"
_BUFFER_BYTES: Final = 64 * 1024


def convert_parquet(
    source: BinaryIO, destination: Path, *, options: ParseOptions, limits: Limits, stage: Stage
) -> tuple[list[ColumnPlan], list[str], StoredTable]:
    """Rewrite a Parquet file; what it takes and gives is said of ``convert_typed``."""
    with refusing_damage(_NAME):
        file = pq.ParquetFile(source, pre_buffer=False, buffer_size=_BUFFER_BYTES)
    notes = read_notes(file)
    is_own = notes is not None and [noted.name for noted in notes.columns] == file.schema_arrow.names
    own = _OwnNotes(source, file, notes) if notes is not None and is_own else None
    return convert_typed(_ParquetFile(file), destination, notes=own, options=options, limits=limits, stage=stage)


class _ParquetFile:
    """A Parquet file that is open."""

    format_name = _NAME

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        self.schema = file.schema_arrow
        self.row_count = file.metadata.num_rows
        self.group_count = file.metadata.num_row_groups

    def is_empty(self, position: int) -> bool | None:
        for group in range(self.group_count):
            chunk = self._file.metadata.row_group(group).column(position)
            statistics = chunk.statistics
            if statistics is None or not statistics.has_null_count:
                return None
            if statistics.null_count < chunk.num_values:
                return False
        return True

    def batches(self, position: int | None, group: int | None, row_limit: int) -> Iterator[pa.RecordBatch]:
        # pyarrow selects by name, and a name also selects those that go on behind a dot: `a` brings `a.b`
        names = self.schema.names
        name = None if position is None else names[position]
        brought = [
            index for index, other in enumerate(names) if name is not None and f"{other}.".startswith(f"{name}.")
        ]
        for one in range(self.group_count) if group is None else [group]:
            found = self._file.iter_batches(
                batch_size=row_limit, row_groups=[one], columns=None if name is None else [name], use_threads=False
            )
            for batch in found:
                yield batch if position is None else batch.select([brought.index(position)])


class _OwnNotes:
    """What a dataset's own file says in addition to its values."""

    def __init__(self, source: BinaryIO, file: pq.ParquetFile, notes: StoredNotes) -> None:
        self._file = file
        self._notes = notes
        self._known = open_kept(lambda: source, file)

    def note(self, columns: list[TypedColumn], options: ParseOptions) -> None:
        for column in columns:
            noted = self._notes.columns[column.position]
            if noted.type == column.plan.type and noted.name not in options.columns:
                column.plan = replace(
                    column.plan,
                    date_format=noted.date_format,
                    number_form=noted.number_form,
                    missing_marks=tuple(sorted(marks_of(noted))),
                    form=noted.form,
                    has_values=noted.has_values,
                )

    def keep(self, group: int, start: int, indices: Mapping[int, int], kept: KeptWriter) -> None:
        if self._known is None:
            return
        row_count = self._file.metadata.row_group(group).num_rows
        for position in self._known.positions(group):
            if position in indices:
                rows, texts = present_texts(self._known.texts(group, position, row_count))
                kept.add(indices[position], rows + start, texts)
