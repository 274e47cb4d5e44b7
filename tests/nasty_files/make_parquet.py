"""Makes the Parquet files of this folder again: ``python tests/nasty_files/make_parquet.py``."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = Path(__file__).parent
MOMENT = 1_706_695_200_250_000_001
"""2024-01-31T10:00:00.250000001, in nanoseconds."""
TABLES = {
    "timestamps.parquet": pa.table(
        {
            "ns": pa.array([MOMENT, None], pa.timestamp("ns")),
            "ms": pa.array([MOMENT // 10**6, None], pa.timestamp("ms")),
            "zoned": pa.array([MOMENT // 1000, None], pa.timestamp("us", "Europe/Berlin")),
            "old": pa.array([datetime(1066, 10, 14), datetime(9999, 12, 31)], pa.timestamp("us")),  # noqa: DTZ001
            "date": [date(2024, 1, 31), None],
            "time": [time(10, 30), None],
        }
    ),
    "decimals.parquet": pa.table(
        {
            "price": [Decimal("1.50"), None],
            "exact": pa.array([Decimal("0.1"), Decimal("2.5")], pa.decimal128(38, 10)),
            "long": [Decimal("12345678901234567.89"), None],
            "whole": pa.array([Decimal(10), None], pa.decimal128(38, 0)),
            "wide": pa.array([Decimal(12345678901234567890), None], pa.decimal128(38, 0)),
        }
    ),
    "integers.parquet": pa.table(
        {
            "small": pa.array([-128, None], pa.int8()),
            "unsigned": pa.array([2**63 - 1, None], pa.uint64()),
            "too_large": pa.array([2**63, 1], pa.uint64()),
        }
    ),
    "floats.parquet": pa.table(
        {
            "single": pa.array([0.1, float("nan")], pa.float32()),
            "endless": [float("inf"), -1.5],
            "nothing": [float("nan")] * 2,
        }
    ),
    "categories.parquet": pa.table(
        {
            "colour": pa.array(["red", None]).dictionary_encode(),
            "size": pa.array([7, 8]).dictionary_encode(),
            "mark": ["NA", ""],
            "bytes": [b"x", None],
            "null": pa.nulls(2),
        }
    ),
    "dotted_names.parquet": pa.table({"a": [1], "a.b": ["x"], "a.b.c": [True]}),
    "duplicate_names.parquet": pa.Table.from_arrays(
        [pa.array([1]), pa.array(["x"]), pa.array([2.5]), pa.array([True])], names=["a", "a", "", " a "]
    ),
    "nested.parquet": pa.table({"id": [1, 2], "tags": [["x"], []]}),
    "struct.parquet": pa.table({"id": [1], "place": [{"lat": 1.5}]}),
    "durations.parquet": pa.table({"took": [timedelta(1)]}),
    "bad_bytes.parquet": pa.table({"id": [1, 2], "blob": [b"\xff\xfe", b"x"]}),
    "year_30000.parquet": pa.table({"when": pa.array([900_000_000_000_000_000], pa.timestamp("us"))}),
    "no_rows.parquet": pa.table({"a": pa.array([], pa.int64())}),
    "missing_integers.parquet": pa.table({"count": [1.0, float("nan"), 3.0]}),
    "text_numbers.parquet": pa.table({"code": ["007", "12", None]}),
}
FRAMES = {
    "pandas_index.parquet": pd.DataFrame({"a": [1, 2]}, index=[5, 7]),
    "pandas_named_index.parquet": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key")),
}


def main() -> None:
    """Write them all."""
    for name, table in TABLES.items():
        pq.write_table(table, FOLDER / name)
    for name, frame in FRAMES.items():
        frame.to_parquet(FOLDER / name)
    whole = (FOLDER / "decimals.parquet").read_bytes()
    (FOLDER / "truncated.parquet").write_bytes(whole[: len(whole) // 2])
    (FOLDER / "damaged_pages.parquet").write_bytes(whole[:4] + b"\xff" * 60 + whole[64:])


if __name__ == "__main__":
    main()
