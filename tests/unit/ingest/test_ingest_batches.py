"""A column that comes in many batches: what is taken as it stands is taken as it would be at a closer look."""

import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelbus.evaluator.ingest.ahead import ColumnPool
from modelbus.evaluator.ingest.cells.narrowing import ColumnNarrowing, delimited_candidates
from modelbus.evaluator.ingest.cells.numerals import has_leading_zero
from modelbus.evaluator.ingest.cells.texts import missing_mask, trimmed
from modelbus.evaluator.ingest.spool import SpoolWriter, read_spool
from modelbus.evaluator.ingest.table import ColumnPlan, Stage, TextTable
from modelbus.evaluator.ingest.writing.casting import write_groups, write_typed
from modelbus.evaluator.ingest.writing.kept import KeptWriter
from modelbus.shared.tabular.cells.marks import MISSING_MARKS, TEXT_MISSING_MARKS
from tests.unit.ingesting import ingested, types
from tests.waiting import TIMEOUT_S

NO_STAGE = Stage(lambda fraction, message: None, 0.0, 1.0, "")
NEVER = "a mark that no cell is"
"""With a mark of the sender's own every cell is looked at closely."""

CELLS = {
    "whole numbers": ["1", "-2", "0", "-0", "15", "9007199254740993", "9223372036854775807"],
    "reals": ["1.5", "-.5", "2.", "1e5", "1E-3", "0.25", "100000000000000000.5"],
    "reals with commas": ["1,5", "-,5", "0,25"],
    "booleans": ["true", "False", "yes", "t"],
    "ISO dates": [
        "2024-01-31",
        "2024-01-31T10:00:00",
        "2024-02-29T10:00",
        "2024-02-29 10:00:00.123456",
        "2024-01-31T10:00Z",
        "0000-01-01",
    ],
    "calendar dates": ["31/12/2024", "01/02/2024", "12/31/2024", "31.12.2024", "31/12/2024 10:00"],
    "no value": [None, "NA", "nan", "NaN", "-", " ", "null"],
    "nearly numbers": [
        "007",
        "-007",
        "00.5",
        "+5",
        "+1.5",
        "0x1F",
        "1,000.5",
        "inf",
        "-Infinity",
        "1e400",
        "1_0",
        "5 ",
    ],
    "too long": ["9223372036854775808", "12345678901234567890123", "10000000000000001"],
    "text": ["x", "2024-13-01", "lot 5", "1.2.3", "é", "\u0661"],
}


@st.composite
def batches(draw: st.DrawFn) -> list[list[str | None]]:
    """Mostly one kind of cells, with others among them; in every other case a late one."""
    kind = draw(st.sampled_from(sorted(CELLS)))
    usual = st.sampled_from(CELLS[kind]) | st.sampled_from(CELLS["no value"])
    any_cell = st.sampled_from(sorted({cell for cells in CELLS.values() for cell in cells if cell}))
    found = draw(st.lists(st.lists(usual, min_size=1, max_size=4), min_size=1, max_size=4))
    late = draw(st.lists(usual | any_cell, max_size=3))
    return [*found, late] if late else found


def narrowed(texts: list[list[str | None]], marks: tuple[str, ...]) -> tuple[ColumnNarrowing, list[pa.Array]]:
    """The column, and its cells as they are to be spooled."""
    column = ColumnNarrowing(delimited_candidates(".,"), marks=marks, text_marks=TEXT_MISSING_MARKS)
    return column, [column.feed(pa.array(cells, pa.string())) for cells in texts]


def cast(folder: Path, spooled: list[pa.Array], plan: ColumnPlan) -> list[Any]:
    with SpoolWriter(folder / "spool") as spool:
        for cells in spooled:
            spool.write(pa.record_batch({"0": cells}))
    text = TextTable([plan], spool.row_count, "utf-8", ",", [], lambda rows: {})
    write_typed(folder / "spool", folder / "table", text, NO_STAGE, skipped=None)
    found: list[Any] = pq.read_table(folder / "table").column(0).cast(pa.string()).to_pylist()
    return found


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=batches())
def test_cells_that_are_taken_as_they_stand_are_taken_as_at_a_closer_look(
    tmp_path: Path, texts: list[list[str | None]]
) -> None:
    (quick, typed), (close, untyped) = (narrowed(texts, marks) for marks in (MISSING_MARKS, (*MISSING_MARKS, NEVER)))
    plans = [column.plan("x") for column in (quick, close)]
    assert quick.warnings("x") == close.warnings("x")
    assert (plans[0].type, plans[0].date_format, plans[0].has_decimal_comma, plans[0].is_zoned) == (
        plans[1].type,
        plans[1].date_format,
        plans[1].has_decimal_comma,
        plans[1].is_zoned,
    )
    assert all(pa.types.is_string(cells.type) for cells in untyped)
    assert cast(tmp_path, typed, plans[0]) == cast(tmp_path, untyped, plans[1])


def test_booleans_of_another_pair_make_text_of_a_column_though_they_are_written_as_arrow_writes_them() -> None:
    column, _ = narrowed([["yes", "no"], ["yes", "no"], ["true", "false"]], MISSING_MARKS)
    assert column.plan("x").type == "text"


LATE: dict[str, tuple[str, str, str, list[str]]] = {
    "a real": ("12", "12.5", "real", ["12.0", "12.5"]),
    "a word": ("12", "lot 5", "text", ["12", "lot 5"]),
    "a code": ("12", "007", "text", ["12", "007"]),
    "a hexadecimal number": ("12", "0x1F", "text", ["12", "0x1F"]),
    "a plus": ("12", "+5", "integer", ["12", "5"]),
    "a real that is a code": ("1.5", "00.5", "text", ["1.5", "00.5"]),
    "a number that a double rounds": ("1.5", "9223372036854775808", "text", ["1.5", "9223372036854775808"]),
    "a date in another form": ("31/12/2024", "12/31/2024", "text", ["31/12/2024", "12/31/2024"]),
    "a day that is none": ("2024-01-31", "2024-02-30", "text", ["2024-01-31", "2024-02-30"]),
    "a negative zero, then": ("-0", "lot 5", "text", ["-0", "lot 5"]),
    "a word after moments": ("2024-01-31T10:00:00", "never", "text", ["2024-01-31T10:00:00", "never"]),
    "a word after moments with a space": ("2024-01-31 10:00:00", "never", "text", ["2024-01-31 10:00:00", "never"]),
    "a word after days": ("2024-01-31", "never", "text", ["2024-01-31", "never"]),
    "a word after dates": ("31/12/2024", "never", "text", ["31/12/2024", "never"]),
    "a word of another pair": ("yes", "true", "text", ["yes", "true"]),
    "another word than true": ("true", "maybe", "text", ["true", "maybe"]),
}


@pytest.mark.parametrize(("usual", "last", "kind", "shown"), LATE.values(), ids=LATE.keys())
def test_the_last_cell_of_a_long_file_has_its_say(
    tmp_path: Path, usual: str, last: str, kind: str, shown: list[str]
) -> None:
    count = 150_000
    content = "x,filler\n" + f"{usual},{'f' * 60}\n" * count + f"{last},f\n"
    table, _ = ingested(tmp_path, content)
    column = pq.read_table(tmp_path / "table.parquet", columns=["x"]).column(0)
    assert types(table)["x"] == kind
    assert table.row_count == count + 1
    assert [str(cell) for cell in (column[0], column[count - 1], column[count])] == [shown[0], *shown]


def test_only_edges_and_short_cells_are_looked_at_and_slices_too() -> None:
    cells = pa.array(["long enough", " NA", "", None, "NA", "\tx ", "-"])
    for part in (cells, cells.slice(1), cells.slice(4, 2), cells.slice(3, 1), cells.slice(0, 0)):
        texts = part.to_pylist()
        values = trimmed(part)
        assert values.to_pylist() == [None if text is None else text.strip(" \t") for text in texts]
        mask = missing_mask(values, MISSING_MARKS)
        expected = [value in MISSING_MARKS for value in values.to_pylist()]
        assert (mask.to_pylist() if mask is not None else [False] * len(part)) == expected


@pytest.mark.parametrize(("cell", "is_small"), [("x" * 50, True), (None, False)])
def test_a_spool_is_compressed_where_that_halves_it(tmp_path: Path, cell: str | None, is_small: bool) -> None:
    cells = pa.array([cell or f"{number * 7919 % 99991:05d}" for number in range(5000)])
    batch = pa.record_batch({"0": cells})
    with SpoolWriter(tmp_path / "spool") as spool:
        spool.write(batch)
        spool.write(batch)
    assert ((tmp_path / "spool").stat().st_size < batch.nbytes) == is_small
    assert [found.equals(batch) for found in read_spool(tmp_path / "spool")] == [True, True]
    assert not (tmp_path / "spool").exists()


def test_columns_are_encoded_as_their_first_row_group_suggests(tmp_path: Path) -> None:
    content = "id.id,id,real,city\n" + "".join(f"{n},{n * 7919},{n / 7},{n % 5}x\n" for n in range(60_000))
    ingested(tmp_path, content)
    group = pq.read_metadata(tmp_path / "table.parquet").row_group(1)
    encoded = {group.column(place).path_in_schema: set(group.column(place).encodings) for place in range(4)}
    assert "DELTA_BINARY_PACKED" in encoded["id.id"] & encoded["id"]
    assert "RLE_DICTIONARY" in encoded["city"]
    assert not encoded["real"] & {"RLE_DICTIONARY", "DELTA_BINARY_PACKED"}


class _FailedError(Exception):
    pass


class _Reader:
    def feed(self, place: int, cells: pa.Array, start: int) -> None:
        raise _FailedError(f"column {place}, {len(cells)} cells from row {start} on")


def groups(*, fails: bool) -> Iterator[pa.RecordBatch]:
    for number in range(3):
        if fails and number == 2:
            raise _FailedError
        yield pa.record_batch({"x": pa.array(range(50_000))})


def test_batches_that_fail_are_raised_here_and_no_thread_is_left(tmp_path: Path) -> None:
    before = threading.active_count()
    with KeptWriter(tmp_path / "kept") as kept, pytest.raises(_FailedError):
        write_groups(tmp_path / "table", [ColumnPlan("x", "integer")], groups(fails=True), NO_STAGE, 150_000, kept)
    assert threading.active_count() == before


def test_a_group_that_cannot_be_written_is_raised_here_and_no_thread_is_left(tmp_path: Path) -> None:
    before = threading.active_count()
    with KeptWriter(tmp_path / "kept") as kept, pytest.raises(ValueError, match="schema"):
        write_groups(tmp_path / "table", [ColumnPlan("x", "text")], groups(fails=False), NO_STAGE, 150_000, kept)
    assert threading.active_count() == before


def test_a_reader_of_columns_that_fails_is_raised_here_and_no_thread_is_left(tmp_path: Path) -> None:
    before = threading.active_count()
    with SpoolWriter(tmp_path / "spool") as spool:
        for _ in range(2):
            spool.write(pa.record_batch({"0": pa.array(["1", "2"]), "1": pa.array(["x", "y"])}))
    plans = [ColumnPlan("x", "integer"), ColumnPlan("y", "text")]
    text = TextTable(plans, spool.row_count, "utf-8", ",", [], lambda rows: {})
    with pytest.raises(_FailedError, match="2 cells from row 0 on"):
        write_typed(tmp_path / "spool", tmp_path / "table", text, NO_STAGE, skipped=None, reader=_Reader())
    assert threading.active_count() == before


def test_columns_are_worked_on_side_by_side_and_found_in_their_order() -> None:
    threads = set()
    thread_count = min(os.cpu_count() or 1, 4)
    all_at_once = threading.Barrier(thread_count)

    def work(number: int, name: str) -> str:
        if number < thread_count:
            all_at_once.wait(TIMEOUT_S)
        threads.add(threading.get_ident())
        return f"{name}{number}"

    before = threading.active_count()
    with ColumnPool() as columns:
        found = columns.each(work, range(40), "ab" * 20)
        assert columns.each(work, [], []) == []
        with pytest.raises(_FailedError, match="column 3"):
            columns.each(lambda place: _Reader().feed(place, [], 0) if place == 3 else place, range(5))
        assert columns.each(work, [7], "c") == ["c7"]
    assert found == [f"{'ab'[number % 2]}{number}" for number in range(40)]
    assert len(threads) == thread_count
    assert threading.active_count() == before


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux alone")
def test_threads_for_columns_give_way_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def priority(_: object) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def forbidden(*_: int) -> None:
        raise PermissionError

    own = priority(None)
    with ColumnPool() as columns:
        assert columns.each(priority, [1]) == [min(own + 5, 19)]
    monkeypatch.setattr(os, "setpriority", forbidden)
    with ColumnPool() as columns:
        assert columns.each(priority, [1]) == [own]
    assert priority(None) == own


@settings(max_examples=300, deadline=None)
@given(cells=st.lists(st.none() | st.text("0123+-.,x ", max_size=5)), first=st.integers(0, 3), count=st.integers(0, 9))
def test_a_leading_zero_is_one_that_another_digit_follows(cells: list[str | None], first: int, count: int) -> None:
    part = cells[first : first + count]
    expected = any(re.match(r"[+-]?0[0-9]", cell) for cell in part if cell)
    assert has_leading_zero(pa.array(cells, pa.string()).slice(first, count)) == expected


@settings(max_examples=300, deadline=None)
@given(
    cells=st.lists(st.none() | st.sampled_from(MISSING_MARKS) | st.text("NAna/#<>-? x", max_size=5)),
    marks=st.sampled_from([MISSING_MARKS, TEXT_MISSING_MARKS, ("",), ("", "x", "é")]),
)
def test_a_mark_of_missing_values_is_the_whole_cell(cells: list[str | None], marks: tuple[str, ...]) -> None:
    mask = missing_mask(pa.array(cells, pa.string()), marks)
    expected = [cell in marks if cell is not None else False for cell in cells]
    assert (mask.to_pylist() if mask is not None else [False] * len(cells)) == expected
