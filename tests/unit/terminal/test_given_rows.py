"""Rows for ``modelbus predict``: from options, files of any format, and standard input."""

import io
import json
import sys
from pathlib import Path

import pytest
import typer

from modelbus.commands.tasks.given_rows import rows_of_file, rows_of_options
from modelbus.commands.terminal.names import names_of

ROWS = [{"size": "2.0", "color": "red"}, {"size": "3", "color": None}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "size,color\n2.0,red\n3,\n"),
        ("rows.csv", "\ufeffsize,color\r\n2.0,red\r\n\r\n3,\r\n"),
        ("rows.CSV", '"size","color"\n2.0,"red"\n3,""\n'),
        ("rows.tsv", "size\tcolor\n2.0\tred\n3\t\n"),
        ("rows.txt", "size;color\n2.0;red\n3;\n"),
        ("rows.csv", "size;color\n2.0;red\n3;\n"),
        ("rows.csv", '"size";"color"\n2.0;"red"\n3;\n'),
        ("rows", "size|color\n2.0|red\n3|\n"),
        ("-", "size,color\n2.0,red\n3,\n"),
        ("-", "\ufeffsize\tcolor\n2.0\tred\n3\t\n"),
    ],
)
def test_delimited_text_is_rows_of_text(name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    if name != "-":
        Path(name).write_text(text, encoding="utf-8", newline="")
    given = rows_of_file(name)
    assert (given.rows, given.is_text) == (ROWS, True)


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": null}]', '{"a": 1}\n{"a": null}\n', ' \n [{"a": 1},{"a":null}]'])
@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl", "rows.dat"])
def test_json_is_rows_of_values(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    given = rows_of_file(str(tmp_path / name))
    assert (given.rows, given.is_text) == ([{"a": 1}, {"a": None}], False)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "", "has no rows"),
        ("a.csv", "size,color\n", "has no rows"),
        ("a.csv", "size,size\n1,2\n", "two columns named 'size'"),
        ("a.csv", "size,color\n1,2\n1\n", "row 2: 1 cells, but 2 columns"),
        ("a.json", "[1]", "JSON objects"),
        ("a.json", "[]", "JSON objects"),
        ("a.json", "{broken", "not valid JSON"),
    ],
)
def test_a_file_without_rows_is_wrong_usage(name: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(typer.BadParameter, match=said):
        rows_of_file(str(tmp_path / name))


def test_a_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"a\n\xff\n")
    for name in ("latin.csv", "none.csv", "."):
        with pytest.raises(typer.BadParameter, match="cannot read"):
            rows_of_file(str(tmp_path / name))


def test_options_are_rows() -> None:
    given = rows_of_options(["size=2.0,color=red", json.dumps({"size": 3}), '"name=a, b",size=1'])
    assert given.rows == [{"size": 2.0, "color": "red"}, {"size": 3}, {"name": "a, b", "size": 1}]


def test_names_are_repeated_or_separated_by_commas() -> None:
    assert names_of(["a,b", "c", '"d,e", f'], "--keep") == ["a", "b", "c", "d,e", "f"]
    assert names_of(None, "--keep") is None
    for wrong in (["a,,b"], [""], ["a", "a"]):
        with pytest.raises(typer.BadParameter):
            names_of(wrong, "--keep")
