"""CSV that tells which columns are text by its quotes: no other file does, and no sender's word is ignored for it."""

import io
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelbus.evaluator.ingest.sources.delimited.own_csv import told_text
from tests.unit.ingesting import read, types
from tests.unit.written_tables import download, parquet_of_texts, upload

BOM = b"\xef\xbb\xbf"
THOUSANDS = BOM + b'price,cost\n"1,234","2,345"\n"3,456","4,567"\n'


@pytest.mark.parametrize("start", [BOM, b""], ids=["a byte order mark", "none"])
def test_numbers_that_need_quotes_are_read_by_the_option(tmp_path: Path, start: bytes) -> None:
    _, cells = read(tmp_path, start + THOUSANDS.removeprefix(BOM), thousands_mark=",")

    assert cells == {"price": [1234, 3456], "cost": [2345, 4567]}


NEEDED = ['"1,234"', '"5"" pipe"', '"two\nlines"', '"a;b"']


@pytest.mark.parametrize("cell", NEEDED)
def test_quotes_that_are_needed_tell_nothing(cell: str) -> None:
    assert told_text(BOM + f"a,b\n{cell},{cell}\n".encode(), ["a", "b"]) == frozenset()


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"thousands_mark": ","}, 98765),
        ({"has_accounting_signs": True}, 98765),
        ({"columns": {"a": {"type": "integer"}}}, 98765),
        ({"missing_marks": ["98765"]}, None),
    ],
)
def test_an_option_of_the_sender_beats_the_quotes(tmp_path: Path, options: dict[str, Any], value: int | None) -> None:
    told = BOM + b'a,"n"\n"98765",1\n"98764",2\n'

    plain, _ = read(tmp_path, told)
    _, cells = read(tmp_path, told, **options)

    assert types(plain)["a"] == "text"
    assert cells["a"][0] == value


def test_quotes_that_are_none_tell_nothing(tmp_path: Path) -> None:
    _, cells = read(tmp_path, BOM + b'a,"n"\n"98765",1\n', has_quotes=False)

    assert cells == {"a": ['"98765"'], '"n"': [1]}


NAMES = st.text(st.sampled_from("#i, s="), min_size=1, max_size=4).map(str.strip).filter(bool)
CELLS = st.sampled_from(["-", "1", "2", "NA", "(m)", "[kg]", "# no", "a,b", "2024-01-31", "#i", "5 ", "true", "x"])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(NAMES, st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=4))
@example({"#i": ["-", "1", "2"]})
@example({"#i": ["-", "1", "2"], "b": ["x", "y", "z"]})
@example({"#i": ["x", "1", "2"], "b": ["y", "3", "4"], "#c": ["z", "5", "6"], "d": ["u", "7", "8"]})
@example({"#": ["x", "a", "b"]})
@example({"a": ["a", "1", "2"]})
@example({"a": ["(m)", "1", "2"], "b": ["[kg]", "1", "2"]})
def test_text_of_any_name_comes_back_from_its_csv(table: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        dataset = upload(parquet_of_texts(table), Path(directory) / "a", "table.parquet")
        written = download(dataset, "csv")
        again = upload(written, Path(directory) / "b", "again.csv")

        assert again.identity == dataset.identity, written
        assert again.described.warnings == []


def test_names_that_begin_with_a_hash_are_read_by_everybody_and_come_back_beside_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"#i": ["x", "5a", "6"], "n": [float("nan"), 1.5, 2.5]})
    sink = io.BytesIO()
    frame.to_parquet(sink)
    dataset = upload(sink.getvalue(), tmp_path / "a", "table.parquet")

    written = download(dataset, "csv")

    assert upload(written, tmp_path / "b").identity == dataset.identity
    assert list(pd.read_csv(io.BytesIO(written)).columns) == ["#i", "n"]


@pytest.mark.parametrize("odd", ["oops", "007"])
def test_an_option_that_was_given_is_not_told_again(tmp_path: Path, odd: str) -> None:
    rows = "".join(f'"{number},234"\n' for number in range(1, 30))

    table, _ = read(tmp_path, f"price\n{rows}{odd}\n", thousands_mark=",")

    [alert] = [alert for alert in table.alerts if alert.column == "price"]
    assert f"{odd!r} (line 31)" in alert.message
    assert "thousands_mark" not in alert.message
