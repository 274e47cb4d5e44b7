"""Datasets as frames."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from modelbus.shared.tabular.tables.stored_tables import Table, frames, read_frame


def stored(path: Path, **columns: list[object]) -> Table:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return Table(pq.ParquetFile(path))


def test_a_table_is_read_row_group_by_row_group_in_its_order(tmp_path: Path) -> None:
    with stored(tmp_path / "t.parquet", number=[1, 2, 3]) as table:
        assert [len(frame) for frame in frames(table)] == [2, 1]
        assert read_frame(table)["number"].tolist() == [1, 2, 3]


def test_columns_come_as_asked_and_no_other_whose_name_begins_alike(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {"a": [1, 2], "a.b": [3, 4], "c": ["x", None]}
    with stored(tmp_path / "t.parquet", **columns) as table:
        assert list(read_frame(table, ["c", "a"]).columns) == ["c", "a"]
        assert list(read_frame(table, ["a.b"]).columns) == ["a.b"]


def test_a_missing_value_changes_no_type(tmp_path: Path) -> None:
    with stored(tmp_path / "t.parquet", count=[1, None], flag=[True, None], text=["x", None]) as table:
        frame = read_frame(table)
    assert [str(kind) for kind in frame.dtypes] == ["Int64", "boolean", "str"]
    assert frame["count"].tolist()[0] == 1
    assert pd.isna(frame["count"].iloc[1])
