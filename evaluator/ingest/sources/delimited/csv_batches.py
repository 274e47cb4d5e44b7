"""Delimited text as batches of text cells, by pyarrow. It only detects that something is wrong, not where and what."""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from modelbus.evaluator.ingest.faults import FAULT_LIMIT
from modelbus.evaluator.ingest.sources.delimited.block_source import BlockSource
from modelbus.evaluator.ingest.sources.delimited.repeated_header import RepeatedHeader
from modelbus.evaluator.ingest.sources.dialect import NO_DELIMITER


class CsvBatches:
    """Reads the records of one file; the columns are called `0`, `1` and so on."""

    def __init__(
        self,
        delimiter: str | None,
        column_count: int,
        block_bytes: int,
        *,
        has_quotes: bool = True,
        repeated: RepeatedHeader | None = None,
    ) -> None:
        """Args:
        delimiter: Between the fields; absent for a single column.
        column_count: Fields of each record.
        block_bytes: Read at once; no record is longer.
        has_quotes: Whether quotes around a field are no part of it.
        repeated: Leaves out records that repeat the header.
        """
        self._has_quotes = has_quotes
        self._repeated = repeated
        self._delimiter = delimiter
        self._column_count = column_count
        self._block_bytes = block_bytes
        self.unparsed: pa.ArrowInvalid | None = None
        """What made pyarrow give up."""
        self.bad_rows: list[Any] = []
        """Rows with too few or too many fields, as pyarrow tells of them; 100 at most."""
        self.blank_lines = 0
        """Lines of a single column that are skipped."""

    def of(self, stream: io.RawIOBase) -> Iterator[pa.RecordBatch]:
        """Read a stream, once; it ends where there is something that cannot be read."""
        try:
            # pyarrow reads ahead in a thread of its own: it has to end before its reader does
            source = BlockSource(stream)
            with pa.PythonFile(source, mode="r") as file, self._open(file) as reader, source:
                for batch in reader:
                    rows = self._without_blank_lines(batch)
                    yield rows if self._repeated is None else self._repeated.without(rows)
        except pa.ArrowInvalid as error:
            # looked into by the thread that waits for the batches, once the file was looked through
            if "Empty CSV file" not in str(error):
                self.unparsed = error

    def _open(self, file: pa.PythonFile) -> Any:
        names = [str(position) for position in range(self._column_count)]
        is_single = len(names) == 1
        return pyarrow.csv.open_csv(
            file,
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=self._block_bytes, column_names=names),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=self._delimiter or NO_DELIMITER,
                newlines_in_values=self._has_quotes,
                quote_char='"' if self._has_quotes else False,
                invalid_row_handler=self._take_bad_row,
                ignore_empty_lines=not is_single,
            ),
            # an empty cell is a mark of missing values everywhere; of a single column a blank line becomes null and ""
            # does not: so they are told apart
            convert_options=pyarrow.csv.ConvertOptions(
                check_utf8=False,
                column_types={name: pa.string() for name in names},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=not is_single,
            ),
        )

    def _take_bad_row(self, row: Any) -> str:
        if self._delimiter != " " and not row.text.strip(" "):
            return "skip"
        self.bad_rows.append(row)
        return "skip" if len(self.bad_rows) < FAULT_LIMIT else "error"

    def _without_blank_lines(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if len(batch.columns) > 1 or not batch.column(0).null_count:
            return batch
        self.blank_lines += batch.column(0).null_count
        return batch.filter(pc.is_valid(batch.column(0)))
