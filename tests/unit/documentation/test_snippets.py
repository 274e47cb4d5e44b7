"""Each block of code of the documentation runs in a test, or says why it does not."""

import re

import pytest

from tests.snippets import README, ROOT, RUN, Snippet, read_pages, run_snippets, snippets_of

PAGES = read_pages()
FENCE = re.compile(r"^\s*(```|~~~)", re.MULTILINE)
MARK = re.compile(r"<!-- not run: .+? -->")
READ = {"", "json", "toml", "text"}
"""Languages of blocks that are for reading."""
MADE_BY = {
    "prices": "README.md",
    "churn": "a_first_model.ipynb",
    "customers": "a_first_model.ipynb",
    "customers-june": "monitoring_a_model.ipynb",
}
"""The page that makes a dataset or a model which other pages use."""


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


@pytest.mark.parametrize("page", [page for page in PAGES if page != README])
def test_a_page_that_uses_another_pages_dataset_or_model_links_to_it_before(page: str) -> None:
    lines = (ROOT / page).read_text().splitlines()
    lacking = []
    for block in run_snippets(page):
        above = "\n".join(lines[: block.line])
        for name, maker in MADE_BY.items():
            if re.search(rf"(?<![\w-]){name}(?![\w-])", block.code) and f"{maker})" not in above:
                lacking.append(f"{block.place}: {name} comes from {maker}")
    assert lacking == []


def test_the_readme_has_no_comment_in_a_command() -> None:
    """zsh takes a comment for arguments where it is typed."""
    strings = re.compile(r"'[^']*'|\"[^\"]*\"")
    commands = [one for one in snippets_of(README) if one.language == "sh"]
    assert [one.place for one in commands if "#" in strings.sub("", one.code)] == []
