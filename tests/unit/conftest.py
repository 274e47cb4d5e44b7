"""What several files of the unit tests share."""

from collections.abc import Iterator

import pytest

from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from tests.plugins import PLUGIN_FOLDER
from tests.unit.encoders import TARGET
from tests.unit.plugin_installing import forget
from tests.unit.tables import COLUMNS, features


@pytest.fixture(scope="module")
def encoder() -> TabularEncoder:
    """An encoder that has learnt the table of every type; no test changes it."""
    made = TabularEncoder()
    made.fit_transform(features(), TARGET, COLUMNS, "classification", 0)
    return made


@pytest.fixture
def fresh_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test installs, it sees; and no other test does."""
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The distribution of ``tests/plugin``."""
    monkeypatch.syspath_prepend(str(PLUGIN_FOLDER))
