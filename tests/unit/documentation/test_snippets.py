"""Each block of code of the documentation is run by a test, or says why it is not."""

import re

import pytest

from tests.snippets import ROOT, RUN, Snippet, read_pages, run_snippets, snippets_of

PAGES = read_pages()
FENCE = re.compile(r"^\s*(```|~~~)", re.MULTILINE)
MARK = re.compile(r"<!-- not run: .+? -->")
READ = {"", "json", "toml", "text"}
"""Languages of blocks that are for reading."""


def shell(page: str) -> list[Snippet]:
    return [one for one in snippets_of(page) if one.language == "sh"]


def test_there_are_blocks_to_run() -> None:
    assert sum(len(run_snippets(page)) for page in PAGES) > 30
    assert {one.language for page in PAGES for one in run_snippets(page)} == RUN


@pytest.mark.parametrize("page", PAGES)
def test_no_block_is_missed(page: str) -> None:
    """Indented blocks, other fences and other names of a language would be neither run nor marked."""
    text = (ROOT / page).read_text()
    assert len(FENCE.findall(text)) == 2 * len(snippets_of(page))
    assert {one.language for one in snippets_of(page)} <= READ | RUN


@pytest.mark.parametrize("page", PAGES)
def test_each_mark_stands_above_a_block_that_would_be_run(page: str) -> None:
    marked = [one for one in snippets_of(page) if one.reason is not None]
    assert len(MARK.findall((ROOT / page).read_text())) == len(marked)
    assert {one.language for one in marked} <= RUN


@pytest.mark.parametrize("page", PAGES)
def test_no_shell_takes_an_argument_for_a_pattern(page: str) -> None:
    """zsh refuses an unquoted ``?``, ``*`` or ``[`` that matches no file."""
    quoted = re.compile(r"'[^']*'|\"[^\"]*\"|(?<!\S)#[^\n]*")
    assert [one.place for one in shell(page) if re.search(r"[?*\[]", quoted.sub("", one.code))] == []
