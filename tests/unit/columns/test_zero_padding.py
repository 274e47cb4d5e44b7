"""Numbers with zeros before them: codes where many have them, numbers with an odd cell where few have."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.tabular.cells.likely_forms import likely_numbers
from modelbus.trainer.rows.learning_target import learn_target
from tests.unit.ingesting import read, types

ODD: dict[str, tuple[list[str], str]] = {
    "one among different numbers": ([str(k * 3 % 61) for k in range(60)], "007"),
    "one among repeated numbers": ([str(k % 50) for k in range(60)], "007"),
    "one among reals": ([f"{k}.5" for k in range(60)], "00.5"),
    "one of three digits among others": ([str(k) for k in range(100, 160)], "007"),
    "a negative one": ([str(k) for k in range(60)], "-07"),
    "one in a short table": (["1", "2", "3"], "007"),
    "one of two": (["1"], "07"),
    "one in hundreds": ([str(10_000 + k) for k in range(300)], "01067"),
}


@pytest.mark.parametrize(("numbers", "odd"), ODD.values(), ids=ODD.keys())
def test_one_zero_before_a_number_is_told_with_the_option_that_reads_it(
    tmp_path: Path, numbers: list[str], odd: str
) -> None:
    text = "n,t\n" + "".join(f"{cell},w\n" for cell in [*numbers, odd])

    table, _ = read(tmp_path, text)
    [alert] = [alert for alert in table.alerts if alert.column == "n"]
    read_so, cells = read(tmp_path, text, columns={"n": {"type": "real"}})

    assert types(table)["n"] == "text"
    assert alert.code == "number_like_text"
    assert f"{odd!r} (line {len(numbers) + 2})" in alert.message
    assert "columns.n.type=real reads such cells" in alert.message
    assert "leave" not in alert.message
    assert (types(read_so)["n"], cells["n"][-1]) == ("real", float(odd))


def test_a_file_option_is_not_said_to_read_a_zero_before_a_number(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "n,t\n" + "".join(f'"{k},000",w\n' for k in range(1, 30)) + "007,w\n")

    message = next(alert.message for alert in table.alerts if alert.column == "n")
    assert "thousands_mark=',' reads some of them" in message
    assert "columns.n.type=real reads such cells as numbers (007 becomes 7)" in message


def test_numbers_of_one_row_in_many_columns_are_no_second_header(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "x,y\n07,08\n" + "".join(f"{k},{k}\n" for k in range(20)))

    messages = [alert.message for alert in table.alerts if alert.code == "number_like_text"]
    assert len(messages) == 2
    assert not any("second header" in message for message in messages)


CODES = {
    "padded throughout": [f"{k:05d}" for k in range(90, 120)],
    "padded to one width": [f"{k:05d}" for k in range(9_600, 30_000, 100)],
    "a few of one width": [f"{k:05d}" for k in [501, 907, *range(10_000, 11_000, 10)]],
    "of any width": ["01", "02", *map(str, range(1, 30))],
}


@pytest.mark.parametrize("cells", CODES.values(), ids=CODES.keys())
def test_codes_stay_codes_without_advice_to_make_numbers_of_them(tmp_path: Path, cells: list[str]) -> None:
    table, _ = read(tmp_path, "n,t\n" + "".join(f"{cell},w\n" for cell in cells))

    assert types(table)["n"] == "text"
    assert "number_like_text" not in [alert.code for alert in table.alerts]


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("odd", ["007", "00.5"])
def test_a_target_with_one_zero_before_a_number_is_refused_for_what_it_is(task: Any, odd: str) -> None:
    cells = [f"{k}.5" if "." in odd else str(k) for k in range(60)] + [odd]

    with pytest.raises((InvalidCommand, EstimatorRejected), match="60 of 61 examined values are") as caught:
        learn_target(pd.Series(cells), SignatureColumn(name="x", type="text"), task, "LinearRegression")

    assert repr(odd) in str(caught.value)
    assert "classifier" not in str(caught.value)


@given(st.lists(st.integers(1, 9999).map(str), min_size=1, max_size=80), st.integers(0, 99))
def test_one_padded_number_never_hides_that_a_column_holds_numbers(numbers: list[str], odd: int) -> None:
    found = likely_numbers(dict.fromkeys([*numbers, f"0{odd}"], 1))

    assert found is not None
    assert found.odd == f"0{odd}"
