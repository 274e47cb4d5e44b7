"""The reference of the Python client: what it names is there."""

import re
from importlib import import_module

import pytest

from tests.snippets import ROOT

PAGE = (ROOT / "docs/site/python-reference.md").read_text()
NAMED = re.findall(r"^::: ([\w.]+)$", PAGE, re.MULTILINE)


def test_it_names_something() -> None:
    assert NAMED


@pytest.mark.parametrize("named", NAMED)
def test_what_it_names_is_there(named: str) -> None:
    try:
        import_module(named)
    except ModuleNotFoundError:
        home, _, name = named.rpartition(".")
        assert hasattr(import_module(home), name)
