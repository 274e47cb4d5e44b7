"""The candidates that were tried, and how good they are: what a search decides by, and what its user reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson

from shared.contracts.records import Candidate
from trainer.objectives import Objective

SHOWN_LIMIT: Final = 20
"""So many are shown while a search runs."""
_SHOWN_BYTES: Final = 32_768
_ERROR_LENGTH: Final = 500


@dataclass(eq=False)
class Trial:
    """One candidate, while it is measured."""

    number: int
    estimator: str
    hyperparameters: Mapping[str, Any]
    part_count: int
    """Parts that it is to be measured on."""
    row_count: int | None = None
    """Rows that a fit has, where rounds differ in that."""
    scores: list[float | None] = field(default_factory=list)
    fit_s: list[float] = field(default_factory=list)
    error: str | None = None
    is_discarded: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether it has a score on each part."""
        return self.error is None and len(self.scores) == self.part_count and None not in self.scores

    @property
    def values(self) -> list[float]:
        """The scores that are defined."""
        return [value for value in self.scores if value is not None]

    @property
    def mean(self) -> float | None:
        """Of the scores so far."""
        return float(np.mean(self.values)) if self.values else None

    @property
    def mean_fit_s(self) -> float:
        """Seconds that a fit took."""
        return float(np.mean(self.fit_s)) if self.fit_s else 0.0

    def fail(self, words: str) -> None:
        """Keep why it cannot be had."""
        self.error = words[:_ERROR_LENGTH]

    def restart(self, part_count: int, row_count: int) -> None:
        """Measure it anew, on more rows."""
        self.part_count, self.row_count = part_count, row_count
        self.scores, self.fit_s = [], []

    def record(self, rank: int | None) -> Candidate:
        """As the table has it."""
        state = "failed" if self.error else "discarded" if self.is_discarded else "unfinished"
        return Candidate(
            number=self.number,
            estimator=self.estimator,
            hyperparameters=dict(self.hyperparameters),
            rank=rank,
            mean=self.mean,
            standard_deviation=float(np.std(self.values)) if self.values else None,
            scores=list(self.scores),
            fit_s=round(self.mean_fit_s, 4),
            row_count=self.row_count,
            state="measured" if rank is not None else state,
            error=self.error,
        )


class Leaderboard:
    """All candidates of a search."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.trials: list[Trial] = []

    def add(self, estimator: str, hyperparameters: Mapping[str, Any], part_count: int) -> Trial:
        """A further candidate."""
        trial = Trial(len(self.trials) + 1, estimator, hyperparameters, part_count)
        self.trials.append(trial)
        return trial

    def ranking(self) -> list[Trial]:
        """Those that were measured on all parts and are in the running still, the best first.

        One that was measured with more rows is before one with fewer; of equals the earlier one is first.
        """
        # each mean is read once: the leaderboard is shown by another thread while candidates are measured
        found = [
            (-(trial.row_count or 0), -self.objective.merit(mean), trial.number, trial)
            for trial in list(self.trials)
            if trial.is_complete and not trial.is_discarded and (mean := trial.mean) is not None
        ]
        return [trial for *_, trial in sorted(found, key=lambda one: one[:3])]

    def merit(self, trial: Trial) -> float:
        """How good a candidate with scores is: more is better, whatever the metric."""
        mean = trial.mean
        assert mean is not None  # it has scores
        return self.objective.merit(mean)

    @property
    def best(self) -> Trial | None:
        """The first of the ranking; None as long as there is none."""
        ranking = self.ranking()
        return ranking[0] if ranking else None

    @property
    def failed_count(self) -> int:
        """Candidates that could not be had."""
        return sum(trial.error is not None for trial in self.trials)

    def records(self) -> list[Candidate]:
        """The whole table: the ranking, then the others in the order in which they were tried."""
        ranking = self.ranking()
        ranked = set(map(id, ranking))
        others = [trial for trial in list(self.trials) if id(trial) not in ranked]
        return [trial.record(rank) for rank, trial in enumerate(ranking, 1)] + [trial.record(None) for trial in others]

    def shown(self) -> list[Candidate]:
        """The best, as many as a job's record holds while they grow."""
        shown: list[Candidate] = []
        size_bytes = 0
        for record in self.records()[:SHOWN_LIMIT]:
            size_bytes += len(orjson.dumps(record.model_dump(mode="json")))
            if size_bytes > _SHOWN_BYTES:
                break
            shown.append(record)
        return shown
