"""Rows taken at random from row groups: the right ones, in order, each once."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelbus.evaluator.sampling.row_sampling import sample_rows
from modelbus.shared.tabular.tables.stored_tables import Table


@pytest.fixture
def stored(tmp_path: Path) -> Table:
    path = tmp_path / "table.parquet"
    table = pa.table({"number": range(1000), "text": [f"t{number}" for number in range(1000)]})
    pq.write_table(table, path, row_group_size=300)
    return Table(pq.ParquetFile(path))


def test_a_table_within_the_limit_comes_whole(stored: Table) -> None:
    frame = sample_rows(stored, ["text", "number"], 1000, 0)

    assert list(frame.columns) == ["text", "number"]
    assert frame["number"].tolist() == list(range(1000))
    assert frame["text"].tolist() == [f"t{number}" for number in range(1000)]
    assert isinstance(frame.index, pd.RangeIndex)


def test_of_more_rows_some_are_taken_each_once_and_in_order(stored: Table) -> None:
    frame = sample_rows(stored, ["number", "text"], 200, 7)

    numbers = frame["number"].tolist()
    assert len(set(numbers)) == 200
    assert numbers == sorted(numbers)
    assert [f"t{number}" for number in numbers] == frame["text"].tolist()
    assert all(any(start <= number < start + 300 for number in numbers) for start in (0, 300, 600, 900))


def test_the_same_seed_takes_the_same_rows(stored: Table) -> None:
    first, second, other = (sample_rows(stored, ["number"], 5, seed)["number"].tolist() for seed in (1, 1, 2))

    assert first == second != other
