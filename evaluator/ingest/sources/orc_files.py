"""ORC files, read stripe by stripe."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.orc as orc

from modelbus.evaluator.ingest.faults import refused
from modelbus.evaluator.ingest.sources.typed_tables import convert_typed, refusing_damage
from modelbus.evaluator.ingest.table import ColumnPlan, Limits, Stage
from modelbus.evaluator.ingest.writing.casting import StoredTable
from modelbus.shared.contracts import ParseOptions

_NAME: Final = "ORC"


def convert_orc(
    source: BinaryIO, destination: Path, *, options: ParseOptions, limits: Limits, stage: Stage
) -> tuple[list[ColumnPlan], list[str], StoredTable]:
    """Rewrite an ORC file; what it takes and gives is said of ``convert_typed``."""
    with refusing_damage(_NAME):
        file = _OrcFile(source)
    return convert_typed(file, destination, options=options, limits=limits, stage=stage)


class _OrcFile:
    """An ORC file that is open."""

    format_name = _NAME

    def __init__(self, source: BinaryIO) -> None:
        self._file = orc.ORCFile(source)
        self.schema = self._file.schema
        self.row_count = self._file.nrows
        self.group_count = self._file.nstripes

    def is_empty(self, position: int) -> bool | None:  # noqa: ARG002 - pyarrow does not give the file's statistics
        return None

    def _stripe(self, stripe: int, columns: list[int] | None) -> pa.RecordBatch:
        try:
            return self._file.read_stripe(stripe, columns=columns)
        except pa.ArrowInvalid as error:
            if "out of range for nanosecond" in str(error):  # as pyarrow reads all timestamps of ORC
                problem = "the ORC file has a timestamp before 1677 or after 2262"
                raise refused(problem, "timestamps within that range, or a Parquet file") from error
            raise

    def batches(self, position: int | None, group: int | None, row_limit: int) -> Iterator[pa.RecordBatch]:
        columns = None if position is None else [position]
        for stripe in range(self.group_count) if group is None else [group]:
            batch = self._stripe(stripe, columns)
            batch.validate(full=True)
            for start in range(0, batch.num_rows, row_limit):
                yield batch.slice(start, row_limit)
