"""Messages of the services and the shared rooms: phrases that no message may contain, and counts that agree."""

import ast
from pathlib import Path
from typing import Final

import pytest

from modelbus.shared.plural import agreeing, counted

ROOT: Final = Path(__file__).parents[3]
ROOMS: Final = ("trainer", "predictor", "evaluator", "shared")
OTHERS: Final = ("trainer/auto", "trainer/tuning", "evaluator/ingest", "shared/contracts")
"""Folders with tests of their own words."""
PHRASES: Final = (
    "(s)",
    "all but gives",
    "give it fewer",
    "has another text",
    "is no moment",
    "is no record",
    "is none of",
    "not on the list",
    "nothing to tell",
    "nobody knows",
    "somebody",
    "so many",
    "tells nothing",
    "were left out",
    "without a word",
    "worked out",
)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1_240, "1,240 rows"), (12_000_000, "12,000,000 rows")],
)
def test_a_count_has_separators_and_its_noun_agrees(count: int, words: str) -> None:
    assert counted(count, "row") == words


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert [counted(count, "class", "classes") for count in (0, 1, 2)] == ["0 classes", "1 class", "2 classes"]


def test_a_verb_agrees_with_one_and_with_any_other_count() -> None:
    assert [agreeing(count, "holds", "hold") for count in (0, 1, 2, 1_000)] == ["hold", "holds", "hold", "hold"]


@pytest.mark.parametrize("room", ROOMS)
def test_no_message_has_a_phrase_that_a_reader_stumbles_over(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sorted((ROOT / room).rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(OTHERS)
        for line, text in messages_of(path)
        if any(phrase in text for phrase in PHRASES)
    ]
    assert found == []


def messages_of(path: Path) -> list[tuple[int, str]]:
    """The texts of a file that are no documentation: those with a space, and the parts of formatted ones."""
    tree = ast.parse(path.read_text())
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and " " in node.value
        and id(node) not in documentation
    ]
