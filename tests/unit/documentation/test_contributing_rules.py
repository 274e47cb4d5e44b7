"""What CONTRIBUTING.md says of the tests holds for them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.snippets import ROOT

FILES = sorted((ROOT / "tests").rglob("test_*.py"))
CLOCKS = {"monotonic", "perf_counter", "time", "time_ns", "monotonic_ns", "perf_counter_ns"}


def calls_of(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    """Calls of the module ``time`` outside lambdas, which are the work of processes that a test kills."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
            module = node.func.value
            if isinstance(module, ast.Name) and module.id == "time":
                yield node
        yield from calls_of(node, names)


def is_bound_to_a_number(node: ast.Assert) -> bool:
    """Whether an assertion compares a clock with a number that is written there."""
    compared = [one for one in ast.walk(node) if isinstance(one, ast.Compare) and any(calls_of(one, CLOCKS))]
    return any(isinstance(side, ast.Constant) for one in compared for side in one.comparators)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_test_sleeps_or_asserts_an_absolute_time(path: Path) -> None:
    tree = ast.parse(path.read_text())
    sleeps = [one.lineno for one in calls_of(tree, {"sleep"})]
    clocked = [one.lineno for one in ast.walk(tree) if isinstance(one, ast.Assert) and is_bound_to_a_number(one)]
    assert (sleeps, clocked) == ([], [])


def test_a_sleep_and_an_absolute_time_are_found() -> None:
    tree = ast.parse("def test_it():\n    time.sleep(1)\n    assert time.monotonic() - begun < 0.9\n")
    assert [one.lineno for one in calls_of(tree, {"sleep"})] == [2]
    assert [one.lineno for one in ast.walk(tree) if isinstance(one, ast.Assert) and is_bound_to_a_number(one)] == [3]
