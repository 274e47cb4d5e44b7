"""A shell against the whole stack."""

from pathlib import Path

import pytest

from modelbus.stack import LocalStack
from tests.e2e.api import fresh
from tests.e2e.terminal import Terminal


@pytest.fixture
def terminal(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A shell in an empty folder, told where the gateway is."""
    return Terminal(stack.gateway_url, tmp_path, monkeypatch, capsys)


@pytest.fixture
def shop(terminal: Terminal) -> str:
    """A small table in a file, and its name."""
    name = fresh("shop")
    rows = "".join(f"{size / 2},{'red' if size % 2 else 'blue'},{size * 7}\n" for size in range(40))
    (terminal.folder / f"{name}.csv").write_text(f"size,color,price\n{rows}")
    return name
