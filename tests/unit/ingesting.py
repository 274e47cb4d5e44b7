"""Small files ingested within small limits."""

import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from modelbus.evaluator.ingest import IngestedTable, Limits, ingest
from modelbus.shared.contracts import ParseOptions

LIMITS = Limits(column_limit=50, line_limit_bytes=4096)


def ingested(
    tmp_path: Path,
    content: bytes | str,
    *,
    file_name: str | None = "table.csv",
    limits: Limits = LIMITS,
    **declared: Any,
) -> tuple[IngestedTable, dict[str, list[Any]]]:
    """Ingest a file; gives its description, and its cells by column."""
    data = content.encode() if isinstance(content, str) else content
    destination = tmp_path / "table.parquet"
    given = {"media_type": None, "format": None} | declared
    table = ingest(
        io.BytesIO(data),
        destination,
        file_name=file_name,
        limits=limits,
        on_progress=lambda fraction, message: None,
        **given,
    )
    return table, pq.read_table(destination).to_pydict()


def types(table: IngestedTable) -> dict[str, str]:
    """The type of each column."""
    return {column.name: column.type for column in table.columns}


def read(
    tmp_path: Path, content: bytes | str, *, declared: dict[str, Any] | None = None, **options: Any
) -> tuple[IngestedTable, dict[str, list[Any]]]:
    """Ingest a file as its sender's options say."""
    return ingested(tmp_path, content, options=ParseOptions.model_validate(options), **(declared or {}))


def skipped_lines(table: IngestedTable) -> list[int | None]:
    """The lines of the rows that were left out."""
    return [fault.line for fault in table.skipped.faults]
