"""Every documented error is provoked somewhere in the tests: a code that no test names is a promise nobody has seen."""

from pathlib import Path

import pytest

import modelbus.gateway.http.problems  # noqa: F401 - has errors of its own
from modelbus.shared.errors import error_types

TESTS = Path(__file__).parents[2]
NEVER_RAISED_ITSELF = {"unavailable"}
"""Only its children are raised."""
ANSWERING = {"shared", "gateway"}
"""The rooms whose errors a gateway tells; those of the local stack, the client and the demo are of the user's side."""
SKIPPED = {"test_errors.py", Path(__file__).name}
TEXTS = [path.read_text() for path in TESTS.rglob("test_*.py") if path.name not in SKIPPED]
KINDS = {kind.code: kind for kind in error_types() if kind.__module__.split(".")[1] in ANSWERING}


@pytest.mark.parametrize("code", sorted(KINDS.keys() - NEVER_RAISED_ITSELF))
def test_a_test_provokes_it(code: str) -> None:
    raised = f"pytest.raises({KINDS[code].__name__}"

    assert any(f'"{code}"' in text or raised in text for text in TEXTS)
