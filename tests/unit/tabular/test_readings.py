"""How a column is read by a signature: missing marks, number forms, dates and zones of the training table hold."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelbus.evaluator.drift.report import compare_columns
from modelbus.shared.contracts import DriftThresholds, SignatureColumn
from modelbus.shared.errors import SignatureMismatch
from modelbus.shared.tabular.cells.readings import changed_types
from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from tests.unit.tables import fit, table
from tests.unit.tabular.test_one_table import encoded, learnt
from tests.unit.written_tables import Dataset, delimited, download, upload


def trained(folder: Path, cells: list[str], *, delimiter: str = ",", **options: Any) -> tuple[TabularEncoder, Dataset]:
    """An encoder of a table with a column ``x`` of these cells and one of row numbers."""
    table = {"x": cells, "row": [str(row) for row in range(len(cells))]}
    dataset = upload(delimited(table, delimiter), folder / "trained", **options)
    return learnt(dataset)[0], dataset


def row(encoder: TabularEncoder, cell: Any) -> tuple[list[float], dict[str, dict[str, int]]]:
    """One cell encoded, and what was reported."""
    matrix, report = encoder.rows([{"x": cell, "row": 0}])
    return matrix[0].tolist(), report.counts()


def second(folder: Path, encoder: TabularEncoder, cells: list[str], *, delimiter: str = ",") -> np.ndarray:
    """A second file of the table, uploaded without any option, as the encoder reads it."""
    table = {"x": cells, "row": ["0"] * len(cells)}
    return encoded(upload(delimited(table, delimiter), folder / "second"), encoder)


@pytest.mark.parametrize("cell", ["-999", -999, -999.0, "", None, "NA"])
def test_a_mark_of_the_training_table_is_missing_in_whatever_form(tmp_path: Path, cell: Any) -> None:
    encoder, _ = trained(tmp_path, ["1", "2", "-999", "4"], missing_marks=["-999"])
    assert row(encoder, cell)[0] == row(encoder, None)[0]
    assert row(encoder, cell)[1]["missing"] == {"x": 1}


def test_a_mark_of_the_training_table_is_missing_in_a_second_file_that_was_not_told(tmp_path: Path) -> None:
    encoder, _ = trained(tmp_path, ["1", "2", "-999", "4"], missing_marks=["-999"])
    matrix = second(tmp_path, encoder, ["-999", "2"])
    assert matrix[0].tolist() == row(encoder, None)[0]
    assert matrix[1].tolist() == row(encoder, 2)[0]


def test_a_word_that_is_no_mark_of_the_training_table_is_a_category_in_a_file_that_has_it_as_one(
    tmp_path: Path,
) -> None:
    encoder, _ = trained(tmp_path, ["NA", "DE", "FR", "NA"], missing_marks=["unknown"])
    matrix = second(tmp_path, encoder, ["NA", "DE"])
    assert matrix[0].tolist() == row(encoder, "NA")[0]
    assert matrix[0].tolist() != row(encoder, None)[0]


FORMS = {
    "thousands": (["1,234", "2,500", "12"], {"thousands_mark": ","}, "2,500", 2500.0),
    "points between thousands": (
        ["1.234,5", "2.500,0", "12"],
        {"thousands_mark": ".", "decimal_mark": ","},
        "2.500",
        2500.0,
    ),
    "percent": (["12 %", "50 %", "3 %"], {"percent": "fraction"}, "50 %", 0.5),
    "currency": (["€ 5", "€ 7.50", "€ 1"], {"units": ["€"]}, "€ 7.50", 7.5),
    "accounting": (["(5)", "7", "1"], {"has_accounting_signs": True}, "(5)", -5.0),
}


@pytest.mark.parametrize(("cells", "options", "text", "number"), FORMS.values(), ids=FORMS.keys())
def test_numbers_are_read_by_the_form_of_the_training_table(
    tmp_path: Path, cells: list[str], options: dict[str, Any], text: str, number: float
) -> None:
    encoder, dataset = trained(tmp_path, cells, delimiter=";", **options)
    assert dataset.described.columns[0].type in ("integer", "real")
    assert row(encoder, text)[0] == row(encoder, number)[0]
    assert second(tmp_path, encoder, [text, text], delimiter=";")[0].tolist() == row(encoder, number)[0]
    frame, _ = encoder.transform(pd.DataFrame({"x": [text], "row": [0]}))
    assert frame[0].tolist() == row(encoder, number)[0]


def test_a_text_that_is_not_of_the_training_tables_form_is_refused_with_the_form(tmp_path: Path) -> None:
    encoder, _ = trained(tmp_path, ["1,5", "2,25"], delimiter=";")
    with pytest.raises(SignatureMismatch, match="with a decimal comma"):
        row(encoder, "1.234")


def test_a_file_with_another_decimal_mark_is_read_where_its_cells_tell_it_apart(tmp_path: Path) -> None:
    encoder, _ = trained(tmp_path, ["1,5", "2,25", "1000,125"], delimiter=";")
    assert second(tmp_path, encoder, ["1.5", "1.125"])[0].tolist() == row(encoder, 1.5)[0]
    assert second(tmp_path, encoder, ["12", "7"])[0].tolist() == row(encoder, 12)[0]
    with pytest.raises(SignatureMismatch, match="with a decimal comma"):
        second(tmp_path, encoder, ["1.125", "2.250"])  # a thousand and more, where commas stand before fractions
    told = upload(b"x,row\n1.125,0\n", tmp_path / "told", decimal_mark=".")
    assert encoded(told, encoder)[0].tolist() == row(encoder, 1.125)[0]


def test_dates_are_read_in_the_order_of_the_training_table(tmp_path: Path) -> None:
    encoder, _ = trained(tmp_path, ["31/12/2023", "01/02/2024"])
    # no cell of the second file tells day and month apart: it stays text there
    assert second(tmp_path, encoder, ["03/04/2024"])[0].tolist() == row(encoder, "2024-04-03")[0]
    # in this one each cell is a day in another order: it would be read with months first
    with pytest.raises(SignatureMismatch, match="%d/%m/%Y"):
        second(tmp_path, encoder, ["12/31/2024"])


@pytest.mark.parametrize("value", ["2024-01-31T10:00:00+02:00", pd.Timestamp("2024-01-31T10:00", tz="UTC")])
def test_a_zone_in_a_column_without_one_is_reported(tmp_path: Path, value: Any) -> None:
    encoder, _ = trained(tmp_path, ["2024-01-31T10:00:00", "2024-02-01T11:00:00"])
    assert row(encoder, value)[1]["coerced"] == {"x": 1}
    assert row(encoder, "2024-01-31T10:00:00")[1]["coerced"] == {}
    _, report = encoder.transform(pd.DataFrame({"x": pd.to_datetime([value], utc=True), "row": [0]}))
    assert report.counts()["coerced"] == {"x": 1}


@pytest.mark.parametrize(
    ("cells", "value", "meant"),
    [
        (["1E5", "2B7", "3", "4.50"], 4.5, "4.50"),
        (["1E5", "2B7", "3", "4.50"], 100_000, "1E5"),
        (["1E5", "2B7", "3", "4.50"], 3.0, "3"),
        (["yes", "no", "maybe"], True, "yes"),
        (["yes", "no", "maybe"], np.False_, "no"),
        (["2024-01-31", "never"], pd.Timestamp("2024-01-31"), "2024-01-31"),
        (["red", " blue", "green"], "blue", None),
        (["red", "blue", "green"], " blue ", "blue"),
    ],
)
def test_a_value_means_the_category_that_alone_stands_for_it(
    tmp_path: Path, cells: list[str], value: Any, meant: str | None
) -> None:
    encoder, _ = trained(tmp_path, cells)
    outputs, report = row(encoder, value)
    if meant is None:
        assert report["unseen"] == {"x": 1}
    else:
        assert outputs == row(encoder, meant)[0]
        assert report["unseen"] == {}


def test_a_value_that_two_categories_stand_for_is_unseen(tmp_path: Path) -> None:
    encoder, _ = trained(tmp_path, ["1.5", "1.50", "x"])
    assert row(encoder, 1.50)[0] == row(encoder, "1.5")[0]
    encoder, _ = trained(tmp_path, ["1.500", "1.50", "x"])
    assert row(encoder, 1.5)[1]["unseen"] == {"x": 1}


def test_a_changed_type_is_a_sentence_that_names_both(tmp_path: Path) -> None:
    here = upload(b"code,n\n3,1\n4.50,2\n", tmp_path / "t").described.columns
    readings = [SignatureColumn(name="code", type="text"), SignatureColumn(name="n", type="real")]
    assert changed_types(here, readings) == [
        "column 'code' is real in this dataset and text in the training table: it is read as text"
    ]


FIRST = "1900-01-01"
MARKS_OF_ALL_KINDS = {
    "a date": (
        ["2024-01-31", "2024-02-03", "1900-01-01"],
        ["1900-01-01"],
        ",",
        ["1900-01-01", pd.Timestamp("1900-01-01")],
    ),
    "a date of a form": (["31.01.2024", "01.01.1900"], ["01.01.1900"], ",", ["01.01.1900", "1900-01-01"]),
    "a number with a comma": (["1,5", "2,5", "-99,9"], ["-99,9"], ";", ["-99,9", -99.9]),
    "another spelling": (["1", "2.5", "-999"], ["-999"], ",", ["-999.0", "-999", -999, "-9.99e2"]),
    "a boolean": (["true", "false", "n"], ["n"], ",", ["n"]),
}


@pytest.mark.parametrize(("cells", "marks", "delimiter", "values"), MARKS_OF_ALL_KINDS.values(), ids=MARKS_OF_ALL_KINDS)
def test_marks_hold_in_columns_of_every_type(
    tmp_path: Path, cells: list[str], marks: list[str], delimiter: str, values: list[Any]
) -> None:
    encoder, _ = trained(tmp_path, cells * 3, missing_marks=marks, delimiter=delimiter)
    for value in values:
        assert row(encoder, value)[1]["missing"] == {"x": 1}, value
        assert row(encoder, value)[0] == row(encoder, None)[0], value
    untold = second(tmp_path, encoder, [cells[-1], cells[0]], delimiter=delimiter)
    assert untold[0].tolist() == row(encoder, None)[0]


def test_numbers_beyond_doubles_are_not_taken_for_their_neighbours(tmp_path: Path) -> None:
    encoder, _ = trained(tmp_path, ["9007199254740993", "9007199254740995", "x"])
    assert row(encoder, 9007199254740992)[1]["unseen"] == {"x": 1}
    assert row(encoder, 9007199254740993)[0] == row(encoder, "9007199254740993")[0]


def test_another_scale_or_unit_of_a_second_file_is_not_taken_over(tmp_path: Path) -> None:
    encoder, _ = trained(tmp_path, ["12%", "50 %", "3%"], percent="fraction")
    scaled = upload(b"x,row\n50%,0\n12%,0\n", tmp_path / "second", percent="number")
    assert encoded(scaled, encoder)[0].tolist() == row(encoder, 0.5)[0]
    encoder, _ = trained(tmp_path, ["$12", "$5", "$7"], units=["$"])
    with pytest.raises(SignatureMismatch, match=r"an optional '\$'"):
        encoded(upload("x,row\n€50,0\n".encode(), tmp_path / "second", units=["€"]), encoder)


def test_booleans_and_infinities_mean_the_same_in_every_form(tmp_path: Path) -> None:
    encoder, _ = trained(tmp_path, ["0", "1", "1", ""])
    frame = pd.DataFrame({"x": [True, False], "row": [0, 0]})
    frame.to_parquet(tmp_path / "frame.parquet")
    stored = upload((tmp_path / "frame.parquet").read_bytes(), tmp_path / "second", "frame.parquet")
    assert encoded(stored, encoder)[0].tolist() == row(encoder, True)[0] == row(encoder, 1)[0]
    assert row(encoder, "inf")[0] == row(encoder, float("-inf"))[0] == row(encoder, None)[0]
    assert second(tmp_path, encoder, ["inf", "1"])[0].tolist() == row(encoder, None)[0]


@pytest.mark.parametrize("content", [b"a,b\n,1\n,2\n", b"a,b\nNA,1\nNA,2\n"])
@pytest.mark.parametrize("kind", ["text", "real", "datetime"])
@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_a_declared_column_without_a_value_is_the_same_when_it_comes_back(
    tmp_path: Path, content: bytes, kind: str, name: str
) -> None:
    first = upload(content, tmp_path / "first", columns={"a": {"type": kind}})
    again = upload(download(first, name), tmp_path / "again", f"again.{name}")
    assert again.identity == first.identity


def test_drift_compares_what_cells_mean() -> None:
    codes = ["3", "4.50", "1E5", "2B7", "red", "yes"] * 40
    outcome = fit(
        "LogisticRegression",
        frame=table().head(len(codes)).assign(plan=codes),
    )
    reference = table().head(len(codes)).assign(plan=codes)
    meant = {"3": 3, "4.50": 4.5, "1E5": 100_000.0, "yes": True}
    current = reference.assign(plan=pd.Series([meant.get(code, code) for code in codes], dtype=object))
    [found] = [
        each for each in compare_columns(outcome.model, reference, current, DriftThresholds()) if each.name == "plan"
    ]
    assert not found.has_drifted
