"""Control characters in text: NUL is refused in every format, the others come back from every file."""

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelbus.shared.errors import MalformedTable
from tests.unit.ingesting import ingested, read, skipped_lines
from tests.unit.written_tables import download, json_lines, parquet_of_texts, upload


def parquet(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


NUL: dict[str, tuple[bytes, str, str]] = {
    "CSV": (b"a,b\nx,1\nx\0,1\n" + b"x,1\n" * 60, "table.csv", "line 3"),
    "JSON lines": (b'{"a":"x"}\n{"a":"x\\u0000"}\n', "table.jsonl", "line 2, column 'a'"),
    "a key": (b'{"b":1}\n{"a\\u0000":"x"}\n', "table.jsonl", "column 2"),
    "Parquet": (parquet({"a": ["x", "x\0"]}), "table.parquet", "column 'a'"),
    "Parquet of bytes": (parquet({"a": pa.array([b"x\0", None])}), "table.parquet", "column 'a'"),
    "categories": (parquet({"a": pa.array(["x", "\0"]).dictionary_encode()}), "table.parquet", "column 'a'"),
    "a name in Parquet": (parquet({"a\0": ["x"]}), "table.parquet", "column 1"),
}


@pytest.mark.parametrize(("content", "file_name", "where"), NUL.values(), ids=NUL.keys())
def test_nul_is_refused_with_its_place(tmp_path: Path, content: bytes, file_name: str, where: str) -> None:
    with pytest.raises(MalformedTable, match="NUL") as caught:
        ingested(tmp_path, content, file_name=file_name)

    assert where in str(caught.value)


def test_a_line_with_nul_is_left_out_where_bad_rows_are(tmp_path: Path) -> None:
    lines = b'{"a":"x"}\n{"a":"\\u0000"}\n{"a":"y"}\n'

    table, cells = read(tmp_path, lines, declared={"file_name": "table.jsonl"}, on_bad_rows="skip")

    assert cells == {"a": ["x", "y"]}
    assert skipped_lines(table) == [2]


def test_the_six_characters_of_the_escape_are_text(tmp_path: Path) -> None:
    _, cells = ingested(tmp_path, json.dumps({"a": "\\u0000"}) + "\n", file_name="table.jsonl")

    assert cells == {"a": ["\\u0000"]}


TEXTS = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\0"), min_size=1, max_size=4)
TABLES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.lists(TEXTS, min_size=2, max_size=2), min_size=1)


@settings(max_examples=150, deadline=None)
@given(TABLES)
@example({"a": ["\x01", "\x02"]})
@example({"a": ["x\x1fy", "z"]})
@example({"a": ["x\x1ey", "z\x85"], "b": ["\x0b", "\x0c"]})
def test_other_control_characters_come_back_from_every_format(table: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        dataset = upload(parquet_of_texts(table), Path(directory) / "a", "table.parquet")
        for place, text_format in enumerate(["csv", "jsonl", "parquet"]):
            written = download(dataset, text_format)
            again = upload(written, Path(directory) / f"b{place}", f"again.{text_format}")
            assert again.identity == dataset.identity, written


def test_json_lines_of_a_control_character_come_back_as_csv(tmp_path: Path) -> None:
    dataset = upload(json_lines([{"a": "\x01", "b": 1}]), tmp_path / "a", "table.jsonl")

    assert upload(download(dataset, "csv"), tmp_path / "b").identity == dataset.identity


def test_bytes_that_are_no_text_are_still_binary(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable, match="the file is binary"):
        ingested(tmp_path, bytes(range(1, 256)) * 8)
