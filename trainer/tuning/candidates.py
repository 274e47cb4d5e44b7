"""Where the candidates of a search come from: a grid, chance, or Optuna's tree-structured Parzen estimator (TPE).

Each gives one candidate at a time and takes its score. The same seed gives the same candidates; for TPE, with
the same scores.
"""

import importlib.util
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from modelbus.shared.contracts.commands.tuning import Dimension, Search
from modelbus.shared.errors import InvalidCommand
from modelbus.trainer.tuning.search_space import Space, draw

DEFAULT_COUNT = 20
"""Number of candidates that are drawn by default."""

_TRIES = 100

Chosen = dict[str, Any]
"""By key of the space, the value."""


class CandidateSource(Protocol):
    """A source of candidates."""

    count: int
    """Maximum number of candidates."""

    def ask(self) -> Chosen | None:
        """The next one; None when there is no more."""

    def tell(self, signed_score: float | None) -> None:
        """Take the score of the last one: more is better; None if it failed."""


def candidate_source(search: Search, seed: int) -> CandidateSource:
    """The source that a search names."""
    if search.method == "grid":
        return ListedCandidates(list(grid(search.space)))
    if search.method == "tpe":
        return TpeCandidates(search.space, search.candidates or DEFAULT_COUNT, seed)
    return ListedCandidates(drawn(search, seed))


def require_method(method: str) -> None:
    """Check that what a search needs is installed.

    Raises:
        InvalidCommand: It is not; names the extra.
    """
    if method == "tpe" and importlib.util.find_spec("optuna") is None:
        problem = "method 'tpe' needs Optuna, which is not installed: pip install 'modelbus[tune]'"
        expected = ["grid", "random", "halving"]
        raise InvalidCommand(problem, details=[{"where": "search.method", "problem": problem, "expected": expected}])


def candidate_count(search: Search) -> int:
    """The maximum number of candidates of a search."""
    if search.method == "grid":
        return search.grid_size
    count = search.candidates or DEFAULT_COUNT
    return min(count, search.grid_size) if _has_values_only(search) and search.method != "tpe" else count


def _has_values_only(search: Search) -> bool:
    return all(dimension.values is not None for dimension in search.space.values())


def grid(space: Space) -> Iterator[Chosen]:
    """All combinations of values; the last key varies fastest."""
    for values in itertools.product(*(dimension.values or [] for dimension in space.values())):
        yield dict(zip(space, values, strict=True))


def drawn(search: Search, seed: int) -> list[Chosen]:
    """Random candidates, each once; all combinations, where the space has only lists with no more of them."""
    count = search.candidates or DEFAULT_COUNT
    if _has_values_only(search) and search.grid_size <= count:
        return list(grid(search.space))
    random = np.random.default_rng(seed)
    found: dict[str, Chosen] = {}
    for _ in range(count * _TRIES):
        chosen = {key: draw(dimension, random) for key, dimension in search.space.items()}
        found.setdefault(json.dumps(chosen, sort_keys=True), chosen)
        if len(found) == count:
            break
    return list(found.values())


class ListedCandidates:
    """Candidates that are known beforehand."""

    def __init__(self, candidates: list[Chosen]) -> None:
        self._waiting = iter(candidates)
        self.count = len(candidates)

    def ask(self) -> Chosen | None:
        """The next one."""
        return next(self._waiting, None)

    def tell(self, signed_score: float | None) -> None:
        """Changes nothing."""


class TpeCandidates:
    """Candidates where good ones were found (Bergstra et al. 2011), drawn by Optuna."""

    def __init__(self, space: Space, count: int, seed: int) -> None:
        import optuna  # an extra, and slow to import

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._failed = optuna.trial.TrialState.FAIL
        sampler = optuna.samplers.TPESampler(seed=seed)
        self._study: Any = optuna.create_study(direction="maximize", sampler=sampler)
        self._space = space
        self._distributions = _distributions(space, optuna.distributions)
        self._trial: Any = None
        self._asked = 0
        self.count = count

    def ask(self) -> Chosen | None:
        """The next one."""
        if self._asked == self.count:
            return None
        self._asked += 1
        self._trial = self._study.ask(self._distributions)
        return {key: _value(self._space[key], found) for key, found in self._trial.params.items()}

    def tell(self, signed_score: float | None) -> None:
        """Take its score."""
        if signed_score is None:
            self._study.tell(self._trial, state=self._failed)
        else:
            self._study.tell(self._trial, signed_score)


def _value(dimension: Dimension, found: Any) -> Any:
    return dimension.values[found] if dimension.values is not None else found


def _distributions(space: Space, library: Any) -> Mapping[str, Any]:
    """Values by their position, as Optuna takes no lists and objects; a normal distribution only has its ends."""
    made: dict[str, Any] = {}
    for key, dimension in space.items():
        if dimension.values is not None:
            made[key] = library.CategoricalDistribution(range(len(dimension.values)))
        elif dimension.is_integer:
            low, high = map(int, dimension.ends)
            step = dimension.step or 1
            high = low + (high - low) // step * step
            made[key] = library.IntDistribution(low, high, log=dimension.is_logarithmic, step=step)
        else:
            low_number, high_number = map(float, dimension.ends)
            made[key] = library.FloatDistribution(low_number, high_number, log=dimension.is_logarithmic)
    return made
