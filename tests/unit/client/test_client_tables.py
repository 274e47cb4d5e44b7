"""Frames and files that go in: what is sent of them, and what is refused since it would come out as something else."""

import io
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelbus.client import frames
from modelbus.client.tables.json_cells import cell_of
from modelbus.client.upload_sources import Upload, format_of, name_of, opened, placed
from modelbus.errors import UnfitTable

MOMENT = datetime(2024, 1, 31, 10, 0, tzinfo=UTC)


def test_a_frames_cells_are_said_as_json_says_them() -> None:
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None], dtype="Int64"),
            "real": [np.float64(1.5), np.nan],
            "flag": pd.array([True, None], dtype="boolean"),
            "when": [pd.Timestamp("2024-01-31T10:00", tz="UTC"), pd.NaT],
            "kind": pd.Categorical(["a", None]),
            "text": ["x", None],
        }
    )
    body = frames.rows_body(frame)
    assert body["columns"] == list(frame.columns)
    assert body["data"] == [[1, 1.5, True, "2024-01-31T10:00:00+00:00", "a", "x"], [None] * 6]


@pytest.mark.parametrize(
    ("rows", "body"),
    [
        ([{"a": 1}, {"a": None}], {"rows": [{"a": 1}, {"a": None}]}),
        ({"a": 1, "b": "x"}, {"rows": [{"a": 1, "b": "x"}]}),
        ({"a": [1, 2], "b": ["x", "y"]}, {"data": {"a": [1, 2], "b": ["x", "y"]}}),
        ({"a": np.array([1, 2])}, {"data": {"a": [1, 2]}}),
        (pa.table({"a": [1, 2]}), {"data": {"a": [1, 2]}}),
        ([{"a": np.float64(2)}], {"rows": [{"a": 2.0}]}),
        ([], {"rows": []}),
    ],
)
def test_rows_come_in_several_forms(rows: Any, body: dict[str, Any]) -> None:
    assert frames.rows_body(rows) == body


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (date(2024, 1, 31), "2024-01-31"),
        (MOMENT, "2024-01-31T10:00:00+00:00"),
        (Decimal("1.5"), 1.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.datetime64("2024-01-31T10:00"), "2024-01-31T10:00:00"),
        (np.datetime64("2024-01-31T10:00", "ns"), "2024-01-31T10:00:00"),
        (np.datetime64("NaT", "ns"), None),
        (pd.NA, None),
    ],
)
def test_a_cell_is_said_as_json_has_it(value: Any, said: Any) -> None:
    assert cell_of(value) == said


@pytest.mark.parametrize("rows", [3, "text", [1, 2], None, [{"a": object()}], [{"a": [1]}]])
def test_what_is_no_row_is_refused_before_it_is_sent(rows: Any) -> None:
    with pytest.raises(UnfitTable):
        frames.rows_body(rows)


def _sent(table: Any) -> pa.Table:
    with opened(table) as upload:
        assert upload.media_type == frames.PARQUET
        return pq.read_table(io.BytesIO(upload.file.read()))


def test_a_frame_is_sent_as_parquet_with_its_types() -> None:
    frame = pd.DataFrame(
        {
            "code": ["007", "1"],
            "kind": pd.Categorical(["a", "b"]),
            "whole": pd.array([1, None], dtype="Int64"),
            "when": pd.to_datetime(["2024-01-31T10:00+02:00", None], utc=True),
        }
    )
    sent = _sent(frame)
    assert sent.column("code").to_pylist() == ["007", "1"]
    assert pa.types.is_dictionary(sent.schema.field("kind").type)
    assert sent.column("whole").to_pylist() == [1, None]
    assert sent.schema.field("when").type.tz == "UTC"


def test_an_index_with_a_name_is_a_column_and_one_without_is_none() -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key"))
    assert _sent(frame).column_names == ["key", "a"]
    assert _sent(frame.rename_axis(None)).column_names == ["a"]


def test_tables_that_speak_arrow_are_taken_too() -> None:
    assert _sent(pa.table({"a": [1, 2]})).column("a").to_pylist() == [1, 2]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (pd.DataFrame([[1, 2]]), "is not text"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns are called 'a'"),
        (pd.DataFrame({"a": [1, "x"]}), "a"),
        (pd.DataFrame({"a": [1 + 2j]}), "column 'a' cannot be sent"),
    ],
)
def test_a_frame_that_no_file_can_hold_is_refused_with_the_column(frame: pd.DataFrame, reason: str) -> None:
    with pytest.raises(UnfitTable, match=reason), opened(frame):
        pass


@pytest.fixture
def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)


@pytest.mark.usefixtures("without_pyarrow")
def test_without_pyarrow_a_frame_is_sent_as_csv_where_nothing_changes_by_that() -> None:
    frame = pd.DataFrame({"size": [1.5, None], "city": ["Brno", None], "when": pd.to_datetime(["2024-01-31", None])})
    with opened(frame) as upload:
        assert upload.media_type == frames.CSV
        assert upload.file.read().decode() == "size,city,when\n1.5,Brno,2024-01-31T00:00:00.000000\n,,\n"


@pytest.mark.usefixtures("without_pyarrow")
@pytest.mark.parametrize("text", ["007", "", " x", "NA", "yes", "2024-01-31"])
def test_without_pyarrow_texts_that_csv_would_change_are_refused(text: str) -> None:
    frame = pd.DataFrame({"code": pd.Series([text, "abc"], dtype="object")})
    with pytest.raises(UnfitTable, match=r"'code' .*pip install 'modelbus\[frames\]'"), opened(frame):
        pass


def test_a_source_is_a_path_a_file_or_bytes(tmp_path: Path) -> None:
    path = tmp_path / "my shop.csv"
    path.write_bytes(b"a\n1\n")
    with opened(path) as upload:
        assert (upload.read(), upload.media_type, upload.file_name) == (b"a\n1\n", "text/csv", "my shop.csv")
    assert upload.file.closed
    with path.open("rb") as file:
        file.read(2)
        with opened(file) as upload:
            assert (upload.size_bytes, upload.read()) == (2, b"1\n")
        assert not file.closed
    with opened(b"a\n") as upload:
        assert (upload.size_bytes, upload.media_type) == (2, None)


def test_a_file_that_is_open_as_text_is_refused(tmp_path: Path) -> None:
    with opened(io.StringIO("a\n1\n")) as upload, pytest.raises(UnfitTable, match='"rb"'):
        upload.read()


@pytest.mark.parametrize("source", [3, None, ["a"], np.zeros((2, 2)), object()])
def test_what_is_no_table_is_refused(source: Any) -> None:
    with pytest.raises(UnfitTable, match="cannot be uploaded"), opened(source):
        pass


def test_a_dataset_is_named_after_its_file() -> None:
    assert name_of("data/my shop (2).csv") == "my-shop-2"
    assert name_of(Path("orders.v2.parquet")) == "orders.v2"
    assert name_of(Path("orders.v2.csv.gz")) == "orders.v2"
    assert name_of("costs.ZIP") == "costs"
    for source in (b"a", "---.csv", io.BytesIO()):
        with pytest.raises(UnfitTable, match="a name is required"):
            name_of(source)


def test_the_format_follows_from_the_files_name() -> None:
    names = ["x.CSV", "x.parquet", "x.jsonl", "x.dat", "x"]
    assert [format_of(Path(name)) for name in names] == ["csv", "parquet", "jsonl", None, None]


@pytest.mark.parametrize("ending", [".xlsx", ".ODS", ".tsv", ".feather", ".orc", ".csv.gz", ".zip"])
def test_a_download_is_not_named_as_what_it_is_not(ending: str) -> None:
    with pytest.raises(UnfitTable, match=r"name the file .csv, .parquet or .jsonl"):
        format_of(Path(f"x{ending}"))


def test_what_a_file_is_called_says_its_media_type(tmp_path: Path) -> None:
    kinds = {"a.xlsx": "spreadsheetml", "a.ods": "opendocument.spreadsheet", "a.feather": "arrow", "a.csv.gz": "gzip"}
    for name, kind in kinds.items():
        path = tmp_path / name
        path.write_bytes(b"x")
        with opened(path) as upload:
            assert upload.media_type is not None
            assert kind in upload.media_type


def test_what_is_said_of_a_file_goes_into_the_address_or_if_long_into_a_form() -> None:
    upload = Upload(io.BytesIO(b"a\n1\n"), "x.csv", "text/csv")
    said = {"name": "shop", "target": None, "options": {"delimiter": ";"}}
    assert placed(upload, said) == {"name": "shop", "options": '{"delimiter":";"}', "file_name": "x.csv"}
    assert (upload.head, upload.headers) == (b"", {"Content-Type": "text/csv", "Content-Length": "4"})

    columns = {f"column {number}": {"type": "text"} for number in range(200)}
    assert placed(upload, {**said, "options": {"columns": columns}}) == {}
    body = upload.head + upload.read() + upload.tail
    assert upload.headers["Content-Length"] == str(len(body))
    assert b'name="file"; filename="x.csv"' in body
    assert b'name="options"' in body


def test_a_row_of_a_frame_is_a_row() -> None:
    frame = pd.DataFrame({"age": [3, 4], "city": ["Lima", None]})
    assert frames.rows_body(frame.iloc[1]) == {"rows": [{"age": 4, "city": None}]}


@pytest.mark.parametrize("column", [pd.Series([1, 2]), pd.Series(["a"], name="city")])
def test_a_column_is_no_row_and_the_error_says_what_to_do(column: Any) -> None:
    with pytest.raises(UnfitTable, match=r"series\.to_frame\(\)"):
        frames.rows_body(column)


def test_what_speaks_arrow_and_is_no_table_is_refused_in_our_words() -> None:
    with pytest.raises(UnfitTable, match="is not a table"):
        frames.rows_body(pa.chunked_array([[1, 2]]))
