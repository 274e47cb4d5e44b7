"""Which row below the header holds units, and which is data in brackets."""

from pathlib import Path

import pytest

from tests.unit.ingesting import read

NO_UNITS = ["(5),(7)", "[1.5],[2.5]", "[0],[1]", "(1,5);(2,5)", "(€5),(7 EUR)", "(5%),(7 %)", "(1 234),(5)"]
NO_UNITS += ["[2024-01-31],[1]", "(NA),(?)", "[1:2],[3]", "<1>,<2>", "(-5),(+7)", "(1e5),(2)", "[kg],(5)", "(3/4),(1)"]


@pytest.mark.parametrize("row", NO_UNITS)
def test_numbers_in_brackets_are_no_units(tmp_path: Path, row: str) -> None:
    mark = ";" if ";(" in row else ","

    table, _ = read(tmp_path, f"x{mark}y\n{row}\n1{mark}2\n2{mark}3\n")

    assert table.row_count == 3
    assert not any("holds units" in warning for warning in table.warnings)


def test_negative_numbers_of_accountants_in_the_first_row_are_read(tmp_path: Path) -> None:
    _, cells = read(tmp_path, "x,y\n(5),(7)\n1,2\n2,3\n", has_accounting_signs=True)

    assert cells == {"x": [-5, 1, 2], "y": [-7, 2, 3]}


@pytest.mark.parametrize(
    "row", ["[kg],(m/s)", "[m2],[kg/m3]", "(%),[-]", "[1/s],[10^3 kg]", "(°C),(CO2)", "[10⁶ m³],[€]"]
)
def test_units_in_brackets_are_still_left_out(tmp_path: Path, row: str) -> None:
    table, cells = read(tmp_path, f"x,y\n{row}\n1,2\n2,3\n")

    assert cells == {"x": [1, 2], "y": [2, 3]}
    assert any("holds units" in warning for warning in table.warnings)
