"""The candidates of a search and their scores: the basis of its decisions, and the table that users read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson

from modelbus.shared.contracts.records.candidate_records import Candidate, CandidateState
from modelbus.trainer.tuning.fit_costs import FitCosts
from modelbus.trainer.tuning.objectives import Objective
from modelbus.trainer.tuning.shared_ranking import Cell, shared_merits

SHOWN_LIMIT: Final = 20
"""Number of candidates that are shown while a search runs."""
_SHOWN_BYTES: Final = 32_768
_ERROR_LENGTH: Final = 500


@dataclass(eq=False)
class Trial:
    """One candidate, while it is measured."""

    number: int
    estimator: str
    hyperparameters: Mapping[str, Any]
    fold_count: int
    """Folds to measure it on."""
    row_count: int | None = None
    """Rows that a fit has, where rounds differ in that."""
    scores: list[float | None] = field(default_factory=list)
    fit_s: list[float] = field(default_factory=list)
    sampled: dict[int, float] = field(default_factory=dict)
    """Scores on the first fold, by the number of its rows that were fitted on."""
    costs: FitCosts = field(default_factory=FitCosts)
    handicap: float = 0.0
    """What chance may have added to its signed score, as it was measured on fewer folds than others; negative for a
    vote on few rows, which is steadier than its members.
    """
    members: "Sequence[Trial]" = ()
    """The candidates that take part, if this one is a vote."""
    error: str | None = None
    is_discarded: bool = False
    stopped: str | None = None
    """The reason why its fit was killed."""
    skipped: str | None = None
    """The reason why it is not fitted any further."""

    @property
    def is_complete(self) -> bool:
        """Whether it has a score on each fold."""
        return self.error is None and len(self.scores) == self.fold_count and None not in self.scores

    @property
    def values(self) -> list[float]:
        """The scores that are defined."""
        return [value for value in self.scores if value is not None]

    @property
    def shown_scores(self) -> list[float | None]:
        """One a fold; of one that had no whole fold yet, that of the largest sample."""
        return list(self.scores) or ([self.sampled[max(self.sampled)]] if self.sampled else [])

    @property
    def mean(self) -> float | None:
        """Of the scores so far."""
        found = [value for value in self.shown_scores if value is not None]
        return float(np.mean(found)) if found else None

    @property
    def is_running(self) -> bool:
        """Whether it has a score and can still be the best."""
        is_out = self.error is not None or self.is_discarded or self.stopped is not None
        return not is_out and bool(self.scores or self.sampled)

    @property
    def mean_fit_s(self) -> float:
        """Seconds that a fit took."""
        return float(np.mean(self.fit_s)) if self.fit_s else 0.0

    def fail(self, words: str) -> None:
        """Record why it failed."""
        self.error = words[:_ERROR_LENGTH]

    def restart(self, fold_count: int, row_count: int) -> None:
        """Measure it anew, on more rows."""
        self.fold_count, self.row_count = fold_count, row_count
        self.scores, self.fit_s = [], []

    def record(self, rank: int | None) -> Candidate:
        """As the table has it."""
        found = [value for value in self.shown_scores if value is not None]
        return Candidate(
            number=self.number,
            estimator=self.estimator,
            hyperparameters=dict(self.hyperparameters),
            rank=rank,
            mean=self.mean,
            standard_deviation=float(np.std(found)) if found else None,
            scores=self.shown_scores,
            fit_s=round(self.mean_fit_s or max(self.costs.fit_s.values(), default=0.0), 4),
            row_count=self.row_count if self.scores or not self.sampled else max(self.sampled),
            state=self._state(rank),
            error=self.error or self.stopped or self.skipped,
        )

    def _state(self, rank: int | None) -> CandidateState:
        if self.error:
            return "failed"
        if self.is_discarded:
            return "discarded"
        if self.stopped:
            return "stopped"
        if rank is not None and self.is_complete:
            return "measured"
        return "skipped" if self.skipped and not self.scores else "unfinished"

    def merits(self, objective: Objective) -> dict[Cell, float]:
        """Its scores, by what it was measured on."""
        found: dict[Cell, float] = {(rows, 0): objective.signed_score(score) for rows, score in self.sampled.items()}
        for fold, score in enumerate(self.scores):
            if score is not None:
                found[float("inf"), fold] = objective.signed_score(score)
        return found


class Leaderboard:
    """All candidates of a search."""

    def __init__(self, objective: Objective, *, ranks_unfinished: bool = False) -> None:
        """Args:
        objective: Decides which is better.
        ranks_unfinished: Whether one that was not measured on all folds is ranked too, by the folds that it shares with
            others.
        """
        self.objective = objective
        self._ranks_unfinished = ranks_unfinished
        self._ranked: tuple[list[tuple[int, int, int, float, bool]], list[Trial], list[float]] = ([], [], [])
        self.trials: list[Trial] = []

    def add(self, estimator: str, hyperparameters: Mapping[str, Any], fold_count: int) -> Trial:
        """A further candidate."""
        trial = Trial(len(self.trials) + 1, estimator, hyperparameters, fold_count)
        self.trials.append(trial)
        return trial

    def ranking(self) -> list[Trial]:
        """The remaining candidates, the best first; of equals the earlier one is first.

        They were measured on all folds, and one that was measured with more rows is before one with fewer; or,
        where the unfinished ones are ranked too, they are in the order of ``shared_merits``.
        """
        if self._ranks_unfinished:
            return self._shared_ranking()
        # each mean is read once: the leaderboard is shown by another thread while candidates are measured
        found = [
            (-(trial.row_count or 0), -self.objective.signed_score(mean), trial.number, trial)
            for trial in list(self.trials)
            if trial.is_complete and not trial.is_discarded and (mean := trial.mean) is not None
        ]
        return [trial for *_, trial in sorted(found, key=lambda one: one[:3])]

    def best_of_families(self) -> list[Trial]:
        """The best of each estimator in the ranking, in its order."""
        found: dict[str, Trial] = {}
        for trial in self.ranking():
            found.setdefault(trial.estimator, trial)
        return list(found.values())

    def near_best(self, fraction: float) -> list[Trial]:
        """Those of the ranking that are nearly as good as the best, including it; the best first.

        Args:
            fraction: Of the difference between the best and the last of the ranking.
        """
        ranking = self._shared_ranking()
        if not ranking:
            return []
        goodness = self._ranked[2]
        least = goodness[0] - fraction * (goodness[0] - goodness[-1])
        return [trial for trial, good in zip(ranking, goodness, strict=True) if good >= least]

    def _shared_ranking(self) -> list[Trial]:
        # called many times between two fits, and also by the thread that shows it
        trials = list(self.trials)
        state = [(one.number, len(one.scores), len(one.sampled), one.handicap, one.is_running) for one in trials]
        if state != self._ranked[0]:
            running = [trial for trial, (*_, is_running) in zip(trials, state, strict=True) if is_running]
            self._ranked = (state, *self._ranked_anew(running))
        return list(self._ranked[1])

    def _ranked_anew(self, trials: Sequence[Trial]) -> tuple[list[Trial], list[float]]:
        found = [(trial, merits) for trial in trials if (merits := trial.merits(self.objective))]
        shown = shared_merits([each for _, each in found])
        goodness = [signed_score - trial.handicap for signed_score, (trial, _) in zip(shown, found, strict=True)]
        order = sorted(zip(goodness, found, strict=True), key=lambda one: (-one[0], one[1][0].number))
        return [trial for _, (trial, _) in order], [one for one, _ in order]

    def signed_score(self, trial: Trial) -> float:
        """How good a candidate with scores is: more is better, whatever the metric."""
        mean = trial.mean
        assert mean is not None  # it has scores
        return self.objective.signed_score(mean)

    @property
    def best(self) -> Trial | None:
        """The first of the ranking; None as long as there is none."""
        ranking = self.ranking()
        return ranking[0] if ranking else None

    @property
    def failed_count(self) -> int:
        """Candidates that failed."""
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
