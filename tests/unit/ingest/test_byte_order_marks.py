"""Byte order marks, as often as they stand before a file: none is a part of a name."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from modelbus.shared.contracts.base import ColumnName, usable_name
from tests.unit.ingesting import ingested
from tests.unit.written_tables import download, upload

MARK = "\ufeff"


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({f"{MARK}a": ["x", "y"], "b": [1, 2]}), sink)
    return sink.getvalue()


FILES: dict[str, tuple[bytes, str]] = {
    "two": (f"{MARK * 2}a,b\nx,1\ny,2\n".encode(), "table.csv"),
    "three": (f"{MARK * 3}a,b\nx,1\ny,2\n".encode(), "table.csv"),
    "before a later name": (f"a,{MARK}b\nx,1\ny,2\n".encode(), "table.csv"),
    "with spaces": (f"{MARK * 2} {MARK} a,b\nx,1\ny,2\n".encode(), "table.csv"),
    "in UTF-16": (f"{MARK}a,b\nx,1\ny,2\n".encode("utf-16"), "table.csv"),
    "in a key": (f'{{"{MARK}a": "x", "b": 1}}\n{{"{MARK}a": "y", "b": 2}}\n'.encode(), "table.jsonl"),
    "in Parquet": (parquet(), "table.parquet"),
}


@pytest.mark.parametrize(("content", "file_name"), FILES.values(), ids=FILES.keys())
def test_no_mark_is_a_part_of_a_name(tmp_path: Path, content: bytes, file_name: str) -> None:
    _, cells = ingested(tmp_path, content, file_name=file_name)

    assert cells == {"a": ["x", "y"], "b": [1, 2]}


def test_the_table_comes_back_from_its_csv(tmp_path: Path) -> None:
    dataset = upload(FILES["two"][0], tmp_path / "a")

    assert upload(download(dataset, "csv"), tmp_path / "b").identity == dataset.identity


def test_a_command_names_the_column_with_the_mark_or_without() -> None:
    names = TypeAdapter(ColumnName)

    assert names.validate_python(f"{MARK}a") == "a"
    with pytest.raises(ValidationError, match="must not be blank"):
        names.validate_python(MARK)


@given(st.text(st.sampled_from([MARK, " ", "\t", "a", "é", "\u0301"])))
def test_a_usable_name_stays_what_it_is(name: str) -> None:
    usable = usable_name(name)

    assert usable == usable_name(usable)
    assert not usable.startswith((MARK, " ", "\t"))
    assert not usable.endswith((MARK, " ", "\t"))
