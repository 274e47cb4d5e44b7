"""Plug-ins that a test installs for itself."""

from pathlib import Path

import pytest

from modelbus.shared.models import installed_plugins
from modelbus.trainer.catalogue import entries as catalogue
from modelbus.trainer.catalogue import plugin_entries as plugins
from tests.plugins import write_distribution

HEAD = """
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import RandomForestClassifier
from modelbus.plugins import EstimatorPlugin

class Mean(RegressorMixin, BaseEstimator):
    def __init__(self, depth=1, n_jobs=None): self.depth, self.n_jobs = depth, n_jobs
    def fit(self, X, y): return self
    def predict(self, X): return [0.0] * len(X)
"""


def forget() -> None:
    """Have the entry points read anew."""
    installed_plugins.installed_plugins.cache_clear()
    plugins.trainable_plugins.cache_clear()
    catalogue._entries.cache_clear()


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, entry_points: dict[str, str], code: str) -> None:
    """Install a distribution that is named after the folder."""
    folder.mkdir()
    write_distribution(folder, f"mb-{folder.name}", entry_points, code)
    monkeypatch.syspath_prepend(str(folder))
    forget()
