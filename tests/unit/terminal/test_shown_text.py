"""No text of users, records or errors is read as markup, or reaches a terminal as a control character."""

import io
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from modelbus.commands.terminal.error_printing import print_error
from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.shown_text import shown, shown_in_line
from modelbus.errors import InvalidCommand

HOSTILE = [
    "[/nope]",
    "[bold]x",
    "[link=http://x]",
    ":warning:",
    "\x1b[2J",
    "\x9b31m",
    "\u202eabc",
    "\u2066",
    "a\tb",
    "\r",
]
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))


def printed(width: int | None, write: Any) -> str:
    """What a printer writes, on a terminal of a width, or into a pipe."""
    file = io.StringIO()
    console = Console(
        file=file,
        force_terminal=width is not None,
        width=width or 80,
        color_system=None,
        highlight=False,
        no_color=True,
    )
    write(Printer(console=console))
    return file.getvalue()


def assert_harmless(text: str) -> None:
    for letter in text:
        assert letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), repr(letter)


@given(st.lists(TEXTS, min_size=2, max_size=2), TEXTS, st.sampled_from([None, 30, 100]))
def test_tables_facts_and_sentences_are_harmless(headings: list[str], text: str, width: int | None) -> None:
    rows = [[text, 1], [None, text]]
    assert_harmless(printed(width, lambda printer: printer.table(headings, rows, empty=text)))
    assert_harmless(printed(width, lambda printer: printer.table(headings, [], empty=text)))
    assert_harmless(printed(width, lambda printer: printer.facts({text: text, "list": [text], "map": {text: text}})))
    assert_harmless(printed(width, lambda printer: printer.rows([text], [{text: text}])))
    assert_harmless(printed(width, lambda printer: printer.say(text)))
    assert_harmless(printed(width, lambda printer: printer.warn([text])))


@given(TEXTS, TEXTS)
def test_errors_are_harmless(text: str, other: str) -> None:
    detail = {"where": text, "problem": other, "expected": [text, 1], "given": other, "column": text}
    error = InvalidCommand(other or None, details=[detail])
    error.add_note(text)
    file = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", file)
        print_error(error, as_json=False)
    assert_harmless(file.getvalue())


@pytest.mark.parametrize("text", ["[/nope]", "[bold]x[/bold]", ":warning:", "naïve 数据 ✓"])
def test_a_harmless_text_is_shown_as_it_is(text: str) -> None:
    assert text in printed(None, lambda printer: printer.table([text], [[1]], empty=""))
    assert text in printed(None, lambda printer: printer.table(["a"], [[text]], empty=""))
    assert text in printed(None, lambda printer: printer.facts({text: text}))
    assert text in printed(None, lambda printer: printer.say(text))
    assert text in printed(None, lambda printer: printer.warn([text]))


def test_escapes_show_what_was_there() -> None:
    assert shown("a\x1b[31m\nb\x9b\u202e") == "a\\x1b[31m\nb\\x9b\\u202e"
    assert shown_in_line("a\tb\nc") == r"a\tb\nc"


def test_a_note_is_wrapped_on_a_terminal_and_whole_in_a_pipe() -> None:
    note = "a sentence of some words " * 5
    assert max(map(len, printed(40, lambda printer: printer.warn([note])).splitlines())) <= 40
    assert printed(None, lambda printer: printer.warn([note])).splitlines() == [f"note: {note}"]
