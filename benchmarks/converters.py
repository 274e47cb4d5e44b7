"""A CSV file into a Parquet file, by Modelbus and by others; each in a fresh process, for its own peak of memory.

``python -m benchmarks.converters NAME SOURCE DESTINATION`` prints what came of it as one line of JSON.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.generated_table import CODE, DATE_FORMATS, LATE_REAL, LATE_TEXT
from benchmarks.memory import peak_bytes
from modelbus.evaluator.__main__ import ALLOCATORS

OURS = "modelbus ingest"
_TEXT, _DATE = ("string", "large_string"), ("timestamp", "date32")
_RIGHT_TYPES = {LATE_REAL: ("double",), LATE_TEXT: _TEXT, CODE: _TEXT, "ordered_at": _DATE, "due": _DATE}
"""How Arrow calls what the columns at which converters part hold."""


@dataclass(frozen=True)
class Conversion:
    """What one converter made of the file."""

    seconds: float
    """Without the imports."""
    peak_bytes: int
    """Resident memory of the process, at most."""
    size_bytes: int = 0
    """Of the Parquet file."""
    types: dict[str, str] = field(default_factory=dict)
    """Of the columns at which converters part."""
    error: str = ""

    @property
    def is_right(self) -> bool:
        """Whether it made the table that Modelbus makes: codes are text, dates are dates, late types are right."""
        return not self.error and all(self.types[name].startswith(kinds) for name, kinds in _RIGHT_TYPES.items())


def modelbus_ingest(source: Path, destination: Path) -> Callable[[], object]:
    """Modelbus without HTTP: types, Parquet and the profile of each column."""
    from modelbus.evaluator.ingest import Limits, ingest

    def convert() -> None:
        with source.open("rb") as file:
            ingest(
                file,
                destination,
                file_name=source.name,
                media_type=None,
                format="csv",
                limits=Limits(column_limit=2000, line_limit_bytes=1024 * 1024),
                on_progress=lambda *_: None,
            )

    return convert


def pandas_default(source: Path, destination: Path) -> Callable[[], object]:
    """The C engine as it comes."""
    import pandas as pd
    import pyarrow.parquet  # noqa: F401 - imported by to_parquet, which is timed

    return lambda: pd.read_csv(source).to_parquet(destination)


def pandas_helped(source: Path, destination: Path) -> Callable[[], object]:
    """The C engine, told which column is text."""
    import pandas as pd
    import pyarrow.parquet  # noqa: F401 - imported by to_parquet, which is timed

    return lambda: pd.read_csv(source, dtype={LATE_TEXT: "str"}).to_parquet(destination)


def pandas_told(source: Path, destination: Path) -> Callable[[], object]:
    """The C engine, told which columns are text and which dates, and how they are written."""
    import pandas as pd
    import pyarrow.parquet  # noqa: F401 - imported by to_parquet, which is timed

    texts = dict.fromkeys((LATE_TEXT, CODE), "str")
    dates = {"parse_dates": list(DATE_FORMATS), "date_format": DATE_FORMATS}
    return lambda: pd.read_csv(source, dtype=texts, **dates).to_parquet(destination)


def pyarrow_whole(source: Path, destination: Path) -> Callable[[], object]:
    """``read_csv``: the whole table in memory, with threads; late types come out right."""
    import pyarrow.csv as csv

    return _pyarrow_whole(source, destination, csv.ConvertOptions())


def pyarrow_whole_told(source: Path, destination: Path) -> Callable[[], object]:
    """``read_csv``, told which column is a code and how dates are written."""
    return _pyarrow_whole(source, destination, _pyarrow_told())


def _pyarrow_whole(source: Path, destination: Path, conversion: Any) -> Callable[[], object]:
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    parse = csv.ParseOptions(newlines_in_values=True)
    return lambda: pq.write_table(csv.read_csv(source, parse_options=parse, convert_options=conversion), destination)


def pyarrow_stream(source: Path, destination: Path) -> Callable[[], object]:
    """``open_csv`` as it comes: block by block, typed by the first block."""
    import pyarrow.csv as csv

    return _pyarrow_stream(source, destination, csv.ConvertOptions())


def pyarrow_stream_helped(source: Path, destination: Path) -> Callable[[], object]:
    """``open_csv``, told the types of the two late columns."""
    import pyarrow as pa
    import pyarrow.csv as csv

    types = {LATE_REAL: pa.float64(), LATE_TEXT: pa.string()}
    return _pyarrow_stream(source, destination, csv.ConvertOptions(column_types=types))


def pyarrow_stream_told(source: Path, destination: Path) -> Callable[[], object]:
    """``open_csv``, told the types of the late columns, which column is a code and how dates are written."""
    return _pyarrow_stream(source, destination, _pyarrow_told())


def _pyarrow_told() -> Any:
    import pyarrow as pa
    import pyarrow.csv as csv

    types = {LATE_REAL: pa.float64(), LATE_TEXT: pa.string(), CODE: pa.string()}
    dates = {name: pa.timestamp("s") for name in DATE_FORMATS}
    return csv.ConvertOptions(column_types=types | dates, timestamp_parsers=list(DATE_FORMATS.values()))


def _pyarrow_stream(source: Path, destination: Path, conversion: Any) -> Callable[[], object]:
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    def convert() -> None:
        reader = csv.open_csv(
            source,
            read_options=csv.ReadOptions(block_size=8 * 1024 * 1024),  # row groups of a decent size
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=conversion,
        )
        with pq.ParquetWriter(destination, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)

    return convert


def polars_default(source: Path, destination: Path) -> Callable[[], object]:
    """Streamed as it comes: typed by the first 100 rows."""
    import polars as pl

    return lambda: pl.scan_csv(source).sink_parquet(destination)


def polars_inferred(source: Path, destination: Path) -> Callable[[], object]:
    """Streamed, typed by all rows: as it comes, and right to the last row."""
    import polars as pl

    return lambda: pl.scan_csv(source, infer_schema_length=None).sink_parquet(destination)


def polars_helped(source: Path, destination: Path) -> Callable[[], object]:
    """Streamed, told the types of the two late columns."""
    import polars as pl

    types = {LATE_REAL: pl.Float64, LATE_TEXT: pl.String}
    return lambda: pl.scan_csv(source, schema_overrides=types).sink_parquet(destination)


def polars_told(source: Path, destination: Path) -> Callable[[], object]:
    """Streamed, told the types of the late columns, which column is a code, and to look for dates."""
    import polars as pl

    types = {LATE_REAL: pl.Float64, LATE_TEXT: pl.String, CODE: pl.String}
    return lambda: pl.scan_csv(source, schema_overrides=types, try_parse_dates=True).sink_parquet(destination)


CONVERTERS: dict[str, Callable[[Path, Path], Callable[[], object]]] = {
    OURS: modelbus_ingest,
    "pandas": pandas_default,
    "pandas, late types": pandas_helped,
    "pandas, all hints": pandas_told,
    "pyarrow open_csv": pyarrow_stream,
    "pyarrow open_csv, late types": pyarrow_stream_helped,
    "pyarrow open_csv, all hints": pyarrow_stream_told,
    "pyarrow read_csv": pyarrow_whole,
    "pyarrow read_csv, all hints": pyarrow_whole_told,
    "polars": polars_default,
    "polars, all rows inferred": polars_inferred,
    "polars, late types": polars_helped,
    "polars, all hints": polars_told,
}
"""``late types``: the converter is given the types of the columns that change late; ``all hints``: everything that it
needs to produce the right table."""


def is_helped(name: str) -> bool:
    """Whether a converter gets hints about the file."""
    return name.endswith((", late types", ", all hints"))


def run_converter(name: str, source: Path, destination: Path) -> Conversion:
    """Run one converter in a process of its own, ours with the allocators that the evaluator's jobs have.

    Its Parquet file is removed afterwards.
    """
    command = [sys.executable, "-m", "benchmarks.converters", name, str(source), str(destination)]
    allocators = ALLOCATORS if name == OURS else {}
    try:
        ran = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **allocators})
    finally:
        destination.unlink(missing_ok=True)
    return Conversion(**json.loads(ran.stdout.splitlines()[-1]))


def _convert(name: str, source: Path, destination: Path) -> Conversion:
    convert = CONVERTERS[name](source, destination)
    started = time.perf_counter()
    error = ""
    try:
        convert()
    except Exception as problem:  # noqa: BLE001 - whatever a converter says about the file is its result
        error = f"{type(problem).__name__}: {problem}"
    seconds = time.perf_counter() - started
    if error:
        return Conversion(seconds, peak_bytes("self"), error=error)
    import pyarrow.parquet as pq

    peak = peak_bytes("self")
    types = {column.name: str(column.type) for column in pq.read_schema(destination) if column.name in _RIGHT_TYPES}
    return Conversion(seconds, peak, destination.stat().st_size, types)


if __name__ == "__main__":
    print(json.dumps(asdict(_convert(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))))
