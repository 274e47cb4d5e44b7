"""Arrow files and streams, Feather and ORC: the types and limits of Parquet, whatever the file's own types are."""

import io
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather, orc

from modelbus.shared.contracts import ParseOptions
from modelbus.shared.errors import InvalidCommand, LimitExceeded, MalformedTable
from tests.unit.ingesting import ingested, types

MOMENT = datetime.fromisoformat("2024-01-31T10:00:00.250")


def _written(write: Callable[[io.BytesIO], Any]) -> bytes:
    sink = io.BytesIO()
    write(sink)
    return sink.getvalue()


def arrow_file(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def arrow_stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


WRITERS: dict[str, Callable[[pa.Table], bytes]] = {
    "file": arrow_file,
    "stream": arrow_stream,
    "lz4": lambda table: arrow_file(table, compression="lz4"),
    "zstd": lambda table: arrow_file(table, compression="zstd"),
    "feather": lambda table: _written(lambda sink: feather.write_feather(table, sink)),
    "orc": lambda table: _written(lambda sink: orc.write_table(table, sink)),
    "parquet": lambda table: _written(lambda sink: pq.write_table(table, sink)),
}
ARROW = [name for name in WRITERS if name not in ("orc", "parquet")]
every = pytest.mark.parametrize("kind", WRITERS)
PLAIN = pa.table(
    {
        "whole": pa.array([1, None, 3], pa.int32()),
        "real": pa.array([0.5, float("nan"), None]),
        "text": ["x", " ", None],
        "flag": [True, None, False],
        "day": pa.array([MOMENT.date(), None, None]),
        "moment": pa.array([MOMENT, None, MOMENT], pa.timestamp("us")),
        "zoned": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", "UTC")),
        "a": pa.array([1, 2, 3], pa.int8()),
        "a.b": ["p", "q", "r"],
        "nothing": pa.array([None] * 3, pa.string()),
    }
)


@every
def test_types_are_believed(tmp_path: Path, kind: str) -> None:
    content = WRITERS[kind](PLAIN)

    table, frame = ingested(tmp_path, content, file_name="data.bin", media_type="application/octet-stream")

    assert table.format == ("arrow" if kind in ARROW else kind)
    assert types(table) == {
        "whole": "integer",
        "real": "real",
        "text": "text",
        "flag": "boolean",
        "day": "datetime",
        "moment": "datetime",
        "zoned": "datetime",
        "a": "integer",
        "a.b": "text",
        "nothing": "empty",
    }
    assert frame["real"] == [0.5, None, None]
    assert frame["text"] == ["x", None, None]
    assert frame["moment"] == [MOMENT, None, MOMENT]
    assert frame["zoned"][0] == MOMENT.replace(tzinfo=UTC)
    assert table.sha256 == ingested(tmp_path, WRITERS["parquet"](PLAIN))[0].sha256


@pytest.mark.parametrize("kind", ARROW)
def test_arrow_types_that_other_files_lack_are_read(tmp_path: Path, kind: str) -> None:
    source = pa.table(
        {
            "codes": pa.array(["x", None, "y"]).dictionary_encode(),
            "large": pa.array(["p", "q", None], pa.large_string()),
            "view": pa.array(["a text longer than twelve", None, "s"], pa.string_view()),
            "half": pa.array([0.5, None, 1], pa.float16()),
            "unsigned": pa.array([1, 2**63 - 1, None], pa.uint64()),
            "whole": pa.array([Decimal(1), Decimal(2), None], pa.decimal128(5, 0)),
        }
    )
    table, frame = ingested(tmp_path, WRITERS[kind](source))
    assert list(types(table).values()) == ["text", "text", "text", "real", "integer", "integer"]
    assert frame["codes"] == ["x", None, "y"]
    assert frame["view"] == ["a text longer than twelve", None, "s"]
    assert frame["whole"] == [1, 2, None]


def test_runs_of_arrow_are_read(tmp_path: Path) -> None:
    runs = pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"])
    assert ingested(tmp_path, arrow_file(pa.table({"r": runs})))[1] == {"r": ["a", "a", "b"]}


def test_batches_with_dictionaries_of_their_own_are_one_column(tmp_path: Path) -> None:
    batches = [pa.record_batch({"c": pa.array(texts).dictionary_encode()}) for texts in (["x", "y"], ["z", "x"])]
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    assert ingested(tmp_path, sink.getvalue())[1] == {"c": ["x", "y", "z", "x"]}


NESTED = {
    "lists": (pa.array([[1], [2]]), "put each nested value into a column of its own"),
    "structs": (pa.array([{"x": 1}, {"x": 2}]), "put each nested value into a column of its own"),
    "maps": (pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())), "put each nested value"),
}


@every
@pytest.mark.parametrize(("column", "expected"), NESTED.values(), ids=NESTED.keys())
def test_nested_columns_are_refused_by_name(tmp_path: Path, kind: str, column: pa.Array, expected: str) -> None:
    with pytest.raises(MalformedTable, match=f"column 'odd': the type .* is not supported; expected .*{expected}"):
        ingested(tmp_path, WRITERS[kind](pa.table({"a": [1, 2], "odd": column})))


def test_durations_are_refused_with_what_would_be_right(tmp_path: Path) -> None:
    odd = pa.array([1, 2], pa.duration("s"))
    with pytest.raises(MalformedTable, match="write durations as numbers, such as seconds"):
        ingested(tmp_path, arrow_file(pa.table({"odd": odd})))


@every
def test_no_rows_and_too_many_columns_are_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(MalformedTable, match="the table has no rows"):
        ingested(tmp_path, WRITERS[kind](pa.table({"a": pa.array([], pa.int64())})))
    with pytest.raises(LimitExceeded, match="expected at most 50"):
        ingested(tmp_path, WRITERS[kind](pa.table({f"c{position}": [1] for position in range(51)})))


@every
def test_a_cut_or_damaged_file_is_refused_or_read_and_nothing_else(tmp_path: Path, kind: str) -> None:
    content = WRITERS[kind](PLAIN)
    chance = random.Random(5)
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with suppress(MalformedTable, LimitExceeded):
            ingested(tmp_path, bytes(damaged))
        (tmp_path / "table.parquet").unlink(missing_ok=True)
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(MalformedTable):
        ingested(tmp_path, content[: len(content) // 2], file_name="x")


@pytest.mark.parametrize("kind", ["file", "stream"])
def test_offsets_that_point_beyond_the_text_are_refused(tmp_path: Path, kind: str) -> None:
    content = WRITERS[kind](pa.table({"t": ["abcdefgh", "ij"]}))
    offsets = b"".join(offset.to_bytes(4, "little") for offset in (0, 8, 10))
    wrong = content.replace(offsets, offsets[:8] + (10**9).to_bytes(4, "little"))
    assert wrong != content
    with pytest.raises(MalformedTable, match="the Arrow file cannot be read"):
        ingested(tmp_path, wrong)


@every
def test_bytes_that_are_not_utf8_are_refused_by_their_column(tmp_path: Path, kind: str) -> None:
    odd = pa.array([b"\xff\xfe", b"x"]).view(pa.string())
    with pytest.raises(MalformedTable, match=r"bytes that are not UTF-8|Invalid UTF8"):
        ingested(tmp_path, WRITERS[kind](pa.table({"odd": odd})))


@every
def test_columns_are_declared_as_in_parquet(tmp_path: Path, kind: str) -> None:
    source = pa.table({"code": [7, 8], "day": ["31.01.2024", "01.02.2024"]})
    columns = {"code": {"type": "text"}, "day": {"type": "datetime", "date_format": "%d.%m.%Y"}}
    _, frame = ingested(tmp_path, WRITERS[kind](source), options=ParseOptions.model_validate({"columns": columns}))
    assert frame["code"] == ["7", "8"]
    assert [moment.day for moment in frame["day"]] == [31, 1]
    options = ParseOptions.model_validate({"columns": {"cod": {"type": "text"}}})
    with pytest.raises(InvalidCommand, match="no column 'cod'"):
        ingested(tmp_path, WRITERS[kind](source), options=options)


@every
def test_an_index_without_a_name_is_skipped(tmp_path: Path, kind: str) -> None:
    source = pa.Table.from_pandas(pd.DataFrame({"a": [1, 2]}, index=pd.Index([5, 7])))
    table, frame = ingested(tmp_path, WRITERS[kind](source))
    assert frame == {"a": [1, 2]}
    assert table.warnings == ["the index stored by pandas is skipped"]


@every
def test_batches_of_any_size_become_row_groups_of_one(tmp_path: Path, kind: str) -> None:
    source = pa.table({"a": list(range(120_000))})
    _, frame = ingested(tmp_path, WRITERS[kind](source))
    metadata = pq.read_metadata(tmp_path / "table.parquet")
    assert [metadata.row_group(group).num_rows for group in range(3)] == [50_000, 50_000, 20_000]
    assert frame["a"] == list(range(120_000))


def test_a_date_that_orc_cannot_give_is_refused(tmp_path: Path) -> None:
    far = pa.array([datetime.fromisoformat("9999-01-01")], pa.timestamp("us"))
    with pytest.raises(MalformedTable, match="a timestamp before 1677 or after 2262"):
        ingested(tmp_path, WRITERS["orc"](pa.table({"d": far})))


NAMED = {
    "orc": ("x.orc", b"a,b\n1,2\n", "is named as orc but is not in that format; expected an ORC file"),
    "arrow": ("x.feather", b"FEA1....", "the file is Feather version 1"),
    "xlsx": ("x.xlsx", b"a,b\n1,2\n", "is named as xlsx but is not in that format; expected an .xlsx or .xlsm"),
    "xls": ("x.xls", b"\xd0\xcf\x11\xe0....", "old Excel workbook"),
}


@pytest.mark.parametrize(("name", "content", "problem"), NAMED.values(), ids=NAMED.keys())
def test_a_file_that_is_not_what_it_is_called_is_refused(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    with pytest.raises(MalformedTable, match=problem):
        ingested(tmp_path, content, file_name=name)


def test_a_declared_format_that_the_bytes_contradict_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable, match="the file is Arrow; expected orc, as declared"):
        ingested(tmp_path, arrow_file(PLAIN), format="orc")
    with pytest.raises(MalformedTable, match="declared as ods but is not in that format"):
        ingested(tmp_path, "a\n1\n", format="ods")
