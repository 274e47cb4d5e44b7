"""One table has one meaning: a model encodes its rows alike in whatever form they come, and a download is the table."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.cells.meanings import value_of
from modelbus.shared.tabular.cells.readings import reading_of
from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from modelbus.shared.tabular.tables.stored_tables import read_frame
from tests.unit.written_tables import (
    Dataset,
    Texts,
    delimited,
    download,
    json_lines,
    parquet_of_texts,
    rows_of,
    upload,
    written_tables,
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def learnt(dataset: Dataset) -> tuple[TabularEncoder, list[SignatureColumn]]:
    """An encoder that learnt a dataset's columns."""
    columns = [reading_of(column) for column in dataset.described.columns]
    encoder = TabularEncoder()
    with dataset.open() as table:
        frame = read_frame(table)
    encoder.fit_transform(frame, None, columns, "clustering", 0)
    return encoder, columns


def has_ambiguous_values(table: Texts, columns: list[SignatureColumn]) -> bool:
    """Whether two texts of a column of text stand for the same value."""
    texts = [set(table[column.name]) for column in columns if column.type == "text"]
    values = [[value_of(text) for text in one if value_of(text) is not None] for one in texts]
    return any(len(set(one)) < len(one) for one in values)


def encoded(dataset: Dataset, encoder: TabularEncoder) -> np.ndarray:
    """A dataset as the encoder reads it."""
    readings = {column.name: column for column in encoder.columns}
    with dataset.open() as table:
        matrix, _ = encoder.transform(read_frame(table, readings=readings))
    return matrix


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)
@given(table=written_tables(least_rows=2), data=st.data())
def test_rows_are_encoded_alike_in_whatever_form_they_come(folder: Path, table: Texts, data: st.DataObject) -> None:
    trained = upload(delimited(table), folder / "trained")
    encoder, columns = learnt(trained)
    count = len(next(iter(table.values())))
    chosen = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=count, unique=True))
    assume(any(cells[row] for cells in table.values() for row in chosen))
    some = {name: [cells[row] for row in chosen] for name, cells in table.items()}
    expected = encoded(trained, encoder)[chosen]
    rows = rows_of(some)
    forms = {
        "rows together": encoder.rows(rows)[0],
        "rows one by one": np.vstack([encoder.rows([row])[0] for row in rows]),
        "a frame of text": encoder.transform(pd.DataFrame(some, dtype=object))[0],
        "CSV": encoded(upload(delimited(some), folder / "some"), encoder),
        "TSV": encoded(upload(delimited(some, "\t"), folder / "some", "some.tsv"), encoder),
        "JSON lines": encoded(upload(json_lines(rows), folder / "some", "some.jsonl"), encoder),
        "Parquet": encoded(upload(parquet_of_texts(some), folder / "some", "some.parquet"), encoder),
    }
    part = upload(delimited(some), folder / "part")
    for name in ("csv", "jsonl", "parquet"):
        if name == "jsonl" and has_ambiguous_values(table, columns):
            continue  # JSON has no way to write 5 as +5 and as 5.
        again = upload(download(part, name), folder / "again", f"again.{name}")
        forms[f"downloaded as {name}"] = encoded(again, encoder)
    if not has_ambiguous_values(table, columns):
        with part.open() as stored:
            frame = stored.parquet.read().to_pandas()
        forms["a frame of values"] = encoder.transform(frame)[0]
        sink = io.BytesIO()
        frame.to_parquet(sink)
        forms["Parquet of values"] = encoded(upload(sink.getvalue(), folder / "some", "some.parquet"), encoder)
    for form, matrix in forms.items():
        assert matrix.tobytes() == expected.tobytes(), form


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)
@given(table=written_tables(), source=st.sampled_from(["csv", "jsonl", "parquet"]))
def test_a_download_is_the_same_table_when_it_is_uploaded(folder: Path, table: Texts, source: str) -> None:
    content = {
        "csv": delimited(table),
        "jsonl": json_lines(rows_of(table)),
        "parquet": parquet_of_texts(table),
    }[source]
    dataset = upload(content, folder / "first", f"first.{source}")
    for name in ("csv", "jsonl", "parquet"):
        again = upload(download(dataset, name), folder / "again", f"again.{name}")
        assert again.identity == dataset.identity, name
