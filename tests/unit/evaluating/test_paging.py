"""Pages of a table: the rows that were asked for, as JSON has them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelbus.evaluator.reading import paging
from modelbus.evaluator.reading.paging import read_page

COUNT = 23


def stored(path: Path, columns: dict[str, Any], row_group_size: int = 5) -> pq.ParquetFile:
    pq.write_table(pa.table(columns), path, row_group_size=row_group_size)
    return pq.ParquetFile(path)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> pq.ParquetFile:
    """Rows that are numbered, in groups of five."""
    return stored(tmp_path_factory.mktemp("paging") / "t.parquet", {"number": list(range(COUNT))})


@given(offset=st.integers(0, COUNT + 10) | st.just(2**53), limit=st.integers(1, COUNT + 10))
def test_a_page_is_a_slice_of_the_table(numbered: pq.ParquetFile, offset: int, limit: int) -> None:
    page = read_page(numbered, offset, limit)
    expected = list(range(COUNT))[offset : offset + limit]
    assert [row["number"] for row in page.rows] == expected
    assert page.following == (offset + limit if expected and offset + limit < COUNT else None)


def test_pages_follow_one_another_through_the_whole_table(numbered: pq.ParquetFile) -> None:
    found: list[int] = []
    following: int | None = 0
    while following is not None:
        page = read_page(numbered, following, 4)
        found += [row["number"] for row in page.rows]
        following = page.following
    assert found == list(range(COUNT))


def test_only_the_row_groups_that_the_page_stands_in_are_read(
    numbered: pq.ParquetFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    class Counting:
        def __getattr__(self, name: str) -> Any:
            return getattr(numbered, name)

        def read_row_group(self, number: int, **options: Any) -> pa.Table:
            read.append(number)
            return numbered.read_row_group(number, **options)

    assert len(read_page(Counting(), 9, 2).rows) == 2
    assert read == [1, 2]


def test_every_type_has_its_form_in_json(tmp_path: Path) -> None:
    moment = datetime.fromisoformat("2024-01-31T10:00:00")
    columns = {
        "integer": pa.array([2**63 - 1, -(2**63), None]),
        "real": pa.array([float("inf"), float("-inf"), 1.0]),
        "odd": pa.array([float("nan"), -0.0, 5e-324]),
        "boolean": pa.array([True, None, False]),
        "date": pa.array([moment, None, datetime.fromisoformat("0001-01-01T00:00:00.000005")], pa.timestamp("us")),
        "zoned": pa.array([moment, None, datetime.fromisoformat("9999-12-31")], pa.timestamp("us", "UTC")),
        "text": pa.array(["", None, 'Zürich "1"\n']),
        "empty": pa.nulls(3, pa.float64()),
    }
    first, second, third = read_page(stored(tmp_path / "t.parquet", columns), 0, 10).rows
    assert first == {
        "integer": 2**63 - 1,
        "real": "Infinity",
        "odd": None,
        "boolean": True,
        "date": moment.isoformat(),
        "zoned": moment.replace(tzinfo=UTC).isoformat(),
        "text": "",
        "empty": None,
    }
    assert (second["integer"], second["real"], second["boolean"], second["date"]) == (-(2**63), "-Infinity", None, None)
    assert (third["date"], third["zoned"]) == ("0001-01-01T00:00:00.000005", "9999-12-31T00:00:00+00:00")
    assert (third["real"], third["odd"], third["text"]) == (1.0, 5e-324, 'Zürich "1"\n')
    assert (type(first["integer"]), type(third["real"])) == (int, float)


def test_columns_come_as_asked_and_no_other_whose_name_begins_alike(tmp_path: Path) -> None:
    columns = {"a": [1, 2], "a.b": [3, 4], "a,b": [5, 6]}
    table = stored(tmp_path / "t.parquet", columns)
    page = read_page(table, 1, 5, ["a,b", "a"])
    assert (page.columns, page.rows) == (["a,b", "a"], [{"a,b": 6, "a": 2}])
    assert list(page.rows[0]) == ["a,b", "a"]
    assert read_page(table, 0, 1, ["a.b"]).rows == [{"a.b": 3}]


def test_a_page_of_wide_rows_ends_early_and_says_where_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_SIZE_BYTES", 100)
    table = stored(tmp_path / "t.parquet", {"text": ["x" * 30] * 4 + ["y" * 1000]})
    assert [(len(page.rows), page.following) for page in (read_page(table, offset, 9) for offset in (0, 2, 4))] == [
        (2, 2),
        (2, 4),
        (1, None),
    ]
