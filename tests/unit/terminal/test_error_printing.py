"""What people read of an error's details."""

from typing import Any

import pytest

from modelbus.commands.terminal.error_printing import print_error
from modelbus.shared.errors import InvalidCommand

DEPTH = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "description": "The depth.", "default": None}


@pytest.mark.parametrize(
    ("expected", "shown"),
    [
        (DEPTH, "integer | null"),
        ({"enum": ["gini", "entropy"], "description": "The criterion."}, "gini, entropy"),
        (["r2", "max_error"], "r2, max_error"),
        ("a number", "a number"),
    ],
)
def test_what_would_be_right_is_named_without_the_schema_around_it(
    capsys: pytest.CaptureFixture[str], expected: Any, shown: str
) -> None:
    detail = {"where": "--set x", "problem": "must be something else", "expected": expected, "given": "abc"}
    print_error(InvalidCommand("the estimator rejects x", details=[detail]), as_json=False)
    lines = capsys.readouterr().err.splitlines()
    assert f"  --set x: must be something else; expected: {shown}; given: abc" in lines
