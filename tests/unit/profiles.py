"""Files ingested for the sake of their profile."""

import io
import tempfile
from pathlib import Path

from modelbus.evaluator.ingest import IngestedTable, Limits, ingest
from modelbus.shared.contracts import ColumnSchema


def profiled(source: bytes, file_name: str, target: str | None = None) -> IngestedTable:
    """Ingest a file."""
    with tempfile.TemporaryDirectory() as folder:
        return ingest(
            io.BytesIO(source),
            Path(folder) / "table.parquet",
            file_name=file_name,
            media_type=None,
            format=None,
            limits=Limits(column_limit=50, line_limit_bytes=4096),
            on_progress=lambda fraction, message: None,
            target=target,
        )


def csv_profile(content: str) -> dict[str, ColumnSchema]:
    """The profile of each column of a CSV file."""
    return {column.name: column for column in profiled(content.encode(), "x.csv").columns}
