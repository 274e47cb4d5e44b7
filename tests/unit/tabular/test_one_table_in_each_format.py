"""One table has one digest and one encoding in each format that a file may have, compressed or not."""

import bz2
import gzip
import io
import lzma
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import orc

from modelbus.shared.tabular.cells.readings import reading_of
from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from modelbus.shared.tabular.tables.stored_tables import read_frame
from tests.unit.workbooks import archive, ods, xlsx
from tests.unit.written_tables import Dataset, delimited, download, json_lines, upload

Columns = dict[str, list[Any]]
_SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

_WORDS = ["red", "green", "a,b", 'say "hi"', "ÀÉ 😀", "=1+1", "two\nlines", "x y"]
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(-(2**53), 2**53),
    "real": st.floats(allow_nan=False, allow_infinity=False, width=64).filter(lambda value: value != int(value)),
    "flag": st.booleans(),
    # what a number of days holds to the millisecond, and ORC's nanoseconds reach
    "moment": st.integers(0, 10**12).map(lambda ms: datetime(1980, 1, 1) + timedelta(milliseconds=ms)),  # noqa: DTZ001
    "word": st.sampled_from(_WORDS),
}


@st.composite
def typed_tables(draw: st.DrawFn) -> Columns:
    """Tables of typed cells; each column has a value at least, and None where it has none."""
    kinds = draw(st.lists(st.sampled_from(sorted(_VALUES)), min_size=1, max_size=5, unique=True))
    rows = draw(st.integers(2, 8))
    table: Columns = {}
    for kind in kinds:
        cells = draw(st.lists(_VALUES[kind] | st.none(), min_size=rows, max_size=rows))
        cells[draw(st.integers(0, rows - 1))] = draw(_VALUES[kind])
        table[kind] = cells
    # a row without any value is a blank line in a text of one column
    table["row"] = list(range(rows))
    return table


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _rows(table: Mapping[str, Sequence[Any]]) -> list[list[Any]]:
    return [list(table), *map(list, zip(*table.values(), strict=True))]


def _arrow(table: Columns) -> pa.Table:
    kinds = {"whole": pa.int64(), "row": pa.int64(), "real": pa.float64(), "flag": pa.bool_(), "word": pa.string()}
    return pa.table({name: pa.array(cells, kinds.get(name, pa.timestamp("us"))) for name, cells in table.items()})


def _binary(table: Columns) -> dict[str, bytes]:
    source = _arrow(table)
    sinks = {name: io.BytesIO() for name in ("parquet", "arrow", "orc")}
    pq.write_table(source, sinks["parquet"])
    with pa.ipc.new_file(sinks["arrow"], source.schema) as writer:
        writer.write_table(source)
    orc.write_table(source, sinks["orc"])
    return {name: sink.getvalue() for name, sink in sinks.items()}


def files_of(table: Columns) -> dict[str, bytes]:
    """The table in each format, by names that say which."""
    texts = {name: [_text(cell) for cell in cells] for name, cells in table.items()}
    objects = [dict(zip(table, map(_json, row), strict=True)) for row in zip(*table.values(), strict=True)]
    csv = delimited(texts)
    return {
        "t.csv": csv,
        "t.tsv": delimited(texts, "\t"),
        "t.jsonl": json_lines(objects),
        **{f"t.{name}": content for name, content in _binary(table).items()},
        "t.xlsx": xlsx({"Data": _rows(table)}),
        "t.ods": ods({"Data": _rows(table)}),
        "t.csv.gz": gzip.compress(csv),
        "t.csv.bz2": bz2.compress(csv),
        "t.csv.xz": lzma.compress(csv),
        "t.csv.zst": bytes(pa.Codec("zstd").compress(csv)),
        "t.zip": archive({"t.csv": csv}),
    }


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def encoded(dataset: Dataset, encoder: TabularEncoder) -> np.ndarray:
    with dataset.open() as table:
        return encoder.transform(read_frame(table, readings={one.name: one for one in encoder.columns}))[0]


@settings(suppress_health_check=_SLOW, deadline=None, max_examples=6)
@given(table=typed_tables())
def test_one_table_is_the_same_dataset_in_each_format(folder: Path, table: Columns) -> None:
    datasets = {name: upload(content, folder / name, name) for name, content in files_of(table).items()}

    identities = {name: dataset.identity for name, dataset in datasets.items()}
    assert set(map(str, identities.values())) == {str(identities["t.parquet"])}, identities


@settings(suppress_health_check=_SLOW, deadline=None, max_examples=4)
@given(table=typed_tables(), data=st.data())
def test_a_model_reads_the_rows_of_each_format_alike(folder: Path, table: Columns, data: st.DataObject) -> None:
    files = files_of(table)
    learnt_from = data.draw(st.sampled_from(["t.csv", "t.parquet", "t.xlsx", "t.ods", "t.orc"]))
    trained = upload(files[learnt_from], folder / "trained", learnt_from)
    encoder = TabularEncoder()
    with trained.open() as opened:
        columns = [reading_of(column) for column in trained.described.columns]
        encoder.fit_transform(read_frame(opened), None, columns, "clustering", 0)
    expected = encoded(trained, encoder)

    for name, content in files.items():
        np.testing.assert_array_equal(encoded(upload(content, folder / "other", name), encoder), expected, name)


@pytest.mark.parametrize("text_format", ["csv", "jsonl", "parquet"])
def test_a_download_is_the_table_though_its_first_row_is_long(folder: Path, text_format: str) -> None:
    rows = [{"long": "x" * 60_000, "other": "y" * 5_000, "code": "98765"}, {"long": "z", "other": "NA", "code": "12"}]
    first = upload(json_lines(rows), folder / "first", "t.jsonl")

    again = upload(download(first, text_format), folder / "again", f"t.{text_format}")

    assert again.identity == first.identity
