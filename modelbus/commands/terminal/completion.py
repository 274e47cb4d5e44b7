"""Completion of names in the shell, from the gateway if it answers quickly; never an error or a long wait."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from modelbus.shared.errors import ModelbusError

if TYPE_CHECKING:
    from modelbus.client.synchronous.client import Client

ANSWER_S: Final = 1.0
"""Seconds for the gateway's answer: no completion is better than a shell that hangs."""


def datasets(incomplete: str) -> list[str]:
    """Names of datasets."""
    return _starting(incomplete, lambda client: [one.name for one in client.datasets.list()])


def estimators(incomplete: str) -> list[str]:
    """Names of estimators."""
    return _starting(incomplete, lambda client: [one.name for one in client.estimators.list()])


def models(incomplete: str) -> list[str]:
    """Names of models; after an ``@``, their aliases and versions."""
    return _starting(incomplete, _references if "@" in incomplete else _model_names)


def jobs(incomplete: str) -> list[str]:
    """Ids of the newest jobs."""
    return _starting(incomplete, lambda client: [one.correlation_id for one in client.jobs.list(limit=50)])


def evaluations(incomplete: str) -> list[str]:
    """Ids of evaluations."""
    return _starting(incomplete, lambda client: [one.id for one in client.evaluations.list()])


def plot_owners(incomplete: str) -> list[str]:
    """Ids of evaluations and of the newest jobs."""
    return sorted({*evaluations(incomplete), *jobs(incomplete)})


def words(*known: str) -> Callable[[str], list[str]]:
    """Some fixed words."""
    return lambda incomplete: [word for word in known if word.startswith(incomplete)]


def _model_names(client: "Client") -> list[str]:
    return [one.name for one in client.models.list()]


def _references(client: "Client") -> list[str]:
    found = client.models.list()
    return [f"{one.name}@{selector}" for one in found for selector in [*one.aliases, *map(str, one.versions)]]


def _starting(incomplete: str, names: Callable[["Client"], list[str]]) -> list[str]:
    from modelbus.client.synchronous.client import Client

    try:
        with Client(retry_s=0, answer_s=ANSWER_S) as client:
            return [name for name in names(client) if name.startswith(incomplete)]
    except ModelbusError:
        # No suggestions is all that a user who presses Tab can be shown.
        return []
