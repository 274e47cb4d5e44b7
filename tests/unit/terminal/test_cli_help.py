"""The command line explains itself: every command has examples that are right, and the documentation has them all."""

import json
import re
import shlex
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from modelbus.cli import app
from modelbus.commands.terminal.exits import code_of
from modelbus.commands.terminal.printing import cell_text, fact_text
from modelbus.commands.terminal.session import json_or_text, settings_of
from modelbus.errors import GatewayUnreachable, ModelbusError, StoreUnavailable, UnexpectedAnswer, UnknownModel
from tools.cli_page import PAGE, commands, page

COMMANDS = dict(commands(typer.main.get_command(app), "modelbus"))
EXAMPLE = re.compile(r"^- `(.+)`$", re.MULTILINE)
RUNNER = CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"})


def test_the_page_is_what_the_help_says() -> None:
    assert page() == PAGE.read_text()


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_help_is_there_and_fits_into_eighty_columns(path: str) -> None:
    done = RUNNER.invoke(app, [*path.split()[1:], "--help"])
    assert done.exit_code == 0
    assert max(map(len, done.output.splitlines())) <= 80


@pytest.mark.parametrize("path", sorted(set(COMMANDS) - {"modelbus version"}))
def test_every_command_has_examples_that_can_be_typed(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "commands.json").touch()
    examples = EXAMPLE.findall(COMMANDS[path].help)
    assert examples
    for example in examples:
        words = _own(shlex.split(f"modelbus {example.partition('modelbus ')[2].rstrip(')')}"))
        name = path.split()
        assert words[: len(name)] == name
        # raises where an argument is missing or an option is unknown
        COMMANDS[path].make_context(path, words[len(name) :])


def _own(words: list[str]) -> list[str]:
    """The words of the command itself, without pipes and redirections."""
    ends = [place for place, word in enumerate(words) if word in ("|", "<", ">")]
    return words[: ends[0]] if ends else words


def test_values_are_json_where_they_can_be() -> None:
    pairs = ["depth=3", "share=1.0", "on=true", "none=null", "name=gini", 'quoted="3"', "list=[1, 2]", "eq=a=b"]
    assert settings_of(pairs, "--set") == {
        "depth": 3,
        "share": 1.0,
        "on": True,
        "none": None,
        "name": "gini",
        "quoted": "3",
        "list": [1, 2],
        "eq": "a=b",
    }
    assert isinstance(json_or_text("1.0"), float)


@pytest.mark.parametrize("pairs", [["depth"], ["=3"], ["a=1", "a=2"]])
def test_a_pair_that_is_none_is_wrong_usage(pairs: list[str]) -> None:
    with pytest.raises(typer.BadParameter):
        settings_of(pairs, "--set")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GatewayUnreachable(), 3),
        (UnexpectedAnswer(), 3),
        (StoreUnavailable(), 3),
        (UnknownModel(), 1),
        (ModelbusError(), 1),
    ],
)
def test_errors_have_exit_codes(error: ModelbusError, code: int) -> None:
    assert code_of(error) == code


def test_cells_are_whole_and_harmless() -> None:
    assert cell_text("a\nb\x1b[31m\x9b\u202e") == r"a\nb\x1b[31m\x9b\u202e"
    assert cell_text("x" * 500) == "x" * 500
    assert [cell_text(value) for value in (None, True, 0.1 + 0.2, 7, [1])] == ["-", "yes", "0.3", "7", "[1]"]
    assert [cell_text(value) for value in (1234567.891, 0.00001, 1e300)] == ["1234568", "1e-05", "1e+300"]
    assert fact_text({"a": 1, "b": [1, 2]}) == "a=1, b=[1, 2]"
    assert json.dumps(fact_text(["x", 1.5])) == '"x, 1.5"'


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "shop"),
        ("train", "shop", "price", "-e", "Ridge", "--set", "alpha"),
        ("predict", "m"),
        ("predict", "m", "--row", "a=1", "--dataset", "x"),
        ("predict", "m", "--row", "{broken"),
        ("predict", "m", "--file", "there-is-none.csv"),
        ("datasets", "upload", "there-is-none.csv"),
        ("models", "alias", "m", "champion"),
        ("publish", "no JSON"),
        ("publish",),
        ("nothing",),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_before_anything_is_asked(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = RUNNER.invoke(app, arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr
