"""What ``auto`` tries after the families' defaults, and in which order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from modelbus.trainer.auto.drawing_near import draw_near
from modelbus.trainer.auto.portfolio import Family
from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial
from modelbus.trainer.tuning.search_space import draw

TRIED_LIMIT: Final = 200
"""Maximum number of candidates, by default."""
_LEADING: Final = 3
"""Number of families that are refined."""

Further = tuple[Family, Mapping[str, Any]]
"""A candidate to try: a family, and hyperparameters of its own."""


class AutoCandidates:
    """Decides what to try, by seed and scores alone, never by time."""

    def __init__(self, families: Sequence[Family], board: Leaderboard, seed: int) -> None:
        self._families = families
        self._board = board
        self._seed = seed

    def further(self) -> Iterator[Further]:
        """The other hyperparameters of the families whose default is still a candidate; then draws."""
        in_running = {one.estimator for one in self._board.ranking()}
        yield from self.others([family for family in self._families if family.estimator in in_running])
        yield from self._draws()

    def others(self, families: Sequence[Family]) -> Iterator[Further]:
        """The families' other hyperparameters, in turn; none twice."""
        longest = max((len(family.others) for family in families), default=0)
        for number in range(longest):
            for family in families:
                if number < len(family.others) and not self._is_tried(family, family.others[number]):
                    yield family, family.others[number]

    def leading(self, trials: Sequence[Trial]) -> list[Family]:
        """The families of the best of some candidates."""
        families = {family.estimator: family for family in self._families if family.space}
        wanted = {trial.estimator for trial in trials}
        names = dict.fromkeys(one.estimator for one in self._board.ranking() if one.estimator in wanted)
        return [families[name] for name in names if name in families][:_LEADING]

    def _is_tried(self, family: Family, chosen: Mapping[str, Any]) -> bool:
        made = family.made_of(chosen)
        return any(one.estimator == family.estimator and one.hyperparameters == made for one in self._board.trials)

    def _draws(self) -> Iterator[Further]:
        """Draws from the spaces of the best families, in turn, the best one twice as often; every other turn near the
        best of each family.
        """
        for number in range(TRIED_LIMIT):
            leading = self.leading(self._board.trials)
            if not leading:
                return
            turn = [leading[0], *leading[1:2], leading[0], *leading[2:3]]
            family = turn[number % len(turn)]
            random = np.random.default_rng([self._seed, number])
            if number // len(turn) % 2:
                best = next(one for one in self._board.ranking() if one.estimator == family.estimator)
                yield family, draw_near(family.space, family.chosen_of(best.hyperparameters), random)
            else:
                yield family, {key: draw(dimension, random) for key, dimension in family.space.items()}
