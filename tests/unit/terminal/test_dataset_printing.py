"""Datasets are shown with statistics, small histograms and top values."""

import io
from typing import Any

import pytest
from rich.console import Console

from modelbus.commands.resources.dataset_printing import histogram_text, print_columns
from modelbus.commands.terminal.printing import Printer
from modelbus.shared.contracts.records.dataset_records import ColumnSchema

SIZE = {"name": "size", "type": "real", "missing": 1, "distinct": 9, "minimum": 0.5, "maximum": 9.5, "mean": 4.25}
SIZE |= {"standard_deviation": 2.5, "histogram": {"edges": [0, 1, 2, 3], "counts": [1, 0, 8]}}
COLOR = {"name": "[/nope]", "type": "text", "missing": 0, "distinct": 2, "top": [{"value": "red\x1b", "count": 1200}]}
DAY = {"name": "day", "type": "datetime", "missing": 0, "distinct": 3, "minimum": "2024-01-01T00:00:00"}
DAY |= {"maximum": "2024-02-01T12:30:00", "mean": "2024-01-15T06:00:00.123456", "standard_deviation": 86400.0}


def shown(*columns: dict[str, Any], encoding: str = "utf-8", width: int | None = None) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    console = Console(file=file, force_terminal=width is not None, width=width or 200, color_system=None)
    print_columns(Printer(console=console), [ColumnSchema.model_validate(one) for one in columns])
    file.flush()
    return raw.getvalue().decode(encoding)


def test_statistics_are_named_as_statisticians_name_them() -> None:
    heading, size, color, day = shown(SIZE, COLOR, DAY).splitlines()
    for name in ("minimum", "mean", "maximum", "standard deviation", "histogram", "top values"):
        assert name in heading
    assert size.split() == ["size", "real", "1", "9", "0.5", "4.25", "9.5", "2.5", "▂▁█", "-"]
    assert color.startswith("[/nope]")
    assert color.endswith(r"red\x1b (1,200)")
    assert "2024-01-01  2024-01-15 06:00:00  2024-02-01 12:30:00  1 days" in day


def test_a_terminal_without_blocks_gets_ascii() -> None:
    assert ".-#".replace("-", "_") in shown(SIZE, encoding="ascii")


def test_a_narrow_terminal_shows_the_rest_below() -> None:
    lines = shown(SIZE, COLOR, width=64).splitlines()
    assert max(map(len, lines)) <= 64
    assert any("standard deviation: 2.5, histogram: ▂▁█" in line for line in lines)
    assert any("top values: red" in line for line in lines)


@pytest.mark.parametrize(
    ("counts", "text"),
    [([], None), ([0, 0], None), ([1], "█"), ([0, 1, 100], "▁▂█"), ([5] * 40, "█" * 20), ([1, 2, 3, 4], "▃▅▇█")],
)
def test_a_histogram_has_one_bar_for_each_bin(counts: list[int], text: str | None) -> None:
    assert histogram_text({"counts": counts}) == text
    assert histogram_text(None) is None
