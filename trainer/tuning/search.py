"""The search for hyperparameters: candidates times folds of the training rows. Pure maths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from modelbus.shared.contracts import HoldOut
from modelbus.shared.contracts.commands.tuning import Search, SearchValidation, StoppingReason
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.trainer.fitting.cross_validation import fold_indices
from modelbus.trainer.fitting.fold_fitting import FoldFitter
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.fitting.prepared_fit import PreparedFit
from modelbus.trainer.rows.splitting import Split, split_rows
from modelbus.trainer.tuning.candidate_measuring import CandidateMeasuring
from modelbus.trainer.tuning.candidates import CandidateSource, candidate_source
from modelbus.trainer.tuning.encoded_folds import EncodedFolds
from modelbus.trainer.tuning.halving import rounds, with_fewer_rows
from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial
from modelbus.trainer.tuning.objectives import Objective, objective_of
from modelbus.trainer.tuning.search_space import candidate
from modelbus.trainer.tuning.tuning_hooks import TuningWatch

_TOLD_ERRORS = 10


@dataclass(frozen=True, eq=False)
class Choice:
    """What a search found."""

    estimator: str
    hyperparameters: Mapping[str, Any]
    board: Leaderboard
    """All candidates."""
    number: int
    """Which of them it is."""
    method: str
    elapsed_s: float
    stopped_early: StoppingReason | None
    warnings: Sequence[str] = ()
    """Warnings for the users of the model, as sentences."""

    def summary(self) -> dict[str, Any]:
        """The summary in a version's record; the table of candidates is stored separately."""
        best = next(trial for trial in self.board.trials if trial.number == self.number)
        return {
            "method": self.method,
            "scoring": self.board.objective.name,
            "candidate_count": len(self.board.trials),
            "failed_count": self.board.failed_count,
            "measured_count": sum(trial.mean is not None for trial in self.board.trials),
            "best": self.number,
            "mean": best.mean,
            "elapsed_s": round(self.elapsed_s, 3),
            **({"stopped_early": self.stopped_early} if self.stopped_early else {}),
        }


@dataclass(frozen=True, eq=False)
class TuningRows:
    """The rows of a search: some training rows of a table."""

    frame: pd.DataFrame
    plan: FitPlan
    prepared: PreparedFit
    work: FoldFitter
    split: Split
    """Its training rows; those that are held out take no part."""

    @property
    def is_classification(self) -> bool:
        """Whether the task is classification."""
        return self.prepared.task == "classification"

    @property
    def needs_probabilities(self) -> bool:
        """Whether a model must give probabilities by itself: a classifier must, unless calibration provides them."""
        return self.is_classification and self.plan.calibration is None

    def objective(self) -> Objective:
        """The objective of the plan."""
        tuning = self.plan.tuning
        return objective_of(tuning.scoring if tuning is not None else None, self.prepared.task)

    def splits_of(self, validation: SearchValidation) -> list[Split]:
        """The folds that candidates are measured on.

        Raises:
            EstimatorRejected: There are too few rows.
        """
        train, values = self.split.train, self.prepared.known.values
        is_ordered = self.plan.time_schema is not None
        groups = self.prepared.groups[train] if self.prepared.groups is not None else None
        if validation.fold_count is None:
            times = np.arange(len(train), dtype=np.float64) if is_ordered else None  # they are in the order of time
            positions = [
                split_rows(
                    values[train],
                    HoldOut(fraction=float(validation.fraction or 0)),
                    is_classification=self.is_classification,
                    seed=self.plan.seed,
                    times=times,
                    groups=groups,
                )
            ]
        else:
            found = fold_indices(
                values[train],
                validation.fold_count,
                self.is_classification,
                is_ordered=is_ordered,
                seed=self.plan.seed,
                groups=groups,
            )
            positions = [Split(*one) for one in found]
        return [Split(train[one.train], train[one.hold_out]) for one in positions]

    def measuring(
        self, splits: list[Split], objective: Objective, *, needs_probabilities: bool = False
    ) -> CandidateMeasuring:
        """The measuring of candidates on folds.

        Args:
            splits: The folds.
            objective: The metric.
            needs_probabilities: Whether a candidate without probabilities fails.
        """
        encoded = EncodedFolds(self.frame, self.plan, self.prepared, splits)
        return CandidateMeasuring(encoded, self.prepared, self.work, objective, needs_probabilities=needs_probabilities)


class HyperparameterSearch:
    """One search."""

    def __init__(self, rows: TuningRows, search: Search, board: Leaderboard, watch: TuningWatch) -> None:
        self._rows = rows
        self._search = search
        self._board = board
        self._watch = watch
        self._splits = rows.splits_of(search.cross_validation)
        self._stopped: StoppingReason | None = None

    def run(self) -> Choice:
        """Try the candidates.

        Raises:
            EstimatorRejected: None of them could be fitted, or there are too few rows for the number of folds.
        """
        source = candidate_source(self._search, self._rows.plan.seed)
        if self._search.method == "halving":
            self._halve(source)
        else:
            self._try_all(source)
        self._watch.tell("searched", is_last=True)
        return choice_of(self._board, self._search.method, self._watch.elapsed_s, self._stopped)

    def _try_all(self, source: CandidateSource) -> None:
        measuring = self._rows.measuring(self._splits, self._board.objective)
        self._watch.total = source.count * len(self._splits)
        while not self._stopped and (chosen := source.ask()) is not None:
            trial = self._add(chosen)
            self._measure(trial, measuring, f"candidate {trial.number} of {source.count}")
            source.tell(self._board.signed_score(trial) if trial.is_complete else None)

    def _halve(self, source: CandidateSource) -> None:
        candidates = []
        while (chosen := source.ask()) is not None:
            candidates.append(chosen)
        fewest = min(len(split.train) for split in self._splits)
        planned = rounds(len(candidates), fewest, self._search.factor, self._search.min_resource_rows)
        self._watch.total = sum(one.candidate_count for one in planned) * len(self._splits)
        left = [self._add(chosen) for chosen in candidates]
        for number, one in enumerate(planned, 1):
            left = left[: one.candidate_count]
            # in the last round each fold has all its rows
            row_count = one.row_count if number < len(planned) else max(len(split.train) for split in self._splits)
            measuring = self._rows.measuring(self._reduced(row_count), self._board.objective)
            for trial in left:
                if self._stopped:
                    return
                self._again(trial, row_count, measuring, f"round {number} of {len(planned)}, candidate {trial.number}")
            survivors = set(map(id, left))
            left = [trial for trial in self._board.ranking() if id(trial) in survivors and trial.row_count == row_count]

    def _again(self, trial: Trial, row_count: int, measuring: CandidateMeasuring, what: str) -> None:
        """Measure one on more rows; if the search is stopped meanwhile, its scores on fewer rows are kept."""
        had = (trial.row_count, trial.scores, trial.fit_s)
        trial.restart(len(self._splits), row_count)
        self._measure(trial, measuring, what)
        if not trial.is_complete and trial.error is None and had[1]:
            trial.row_count, trial.scores, trial.fit_s = had

    def _reduced(self, row_count: int) -> list[Split]:
        return with_fewer_rows(
            self._splits,
            row_count,
            self._rows.prepared.known.values,
            is_classification=self._rows.is_classification,
            seed=self._rows.plan.seed,
        )

    def _add(self, chosen: Mapping[str, Any]) -> Trial:
        name = self._rows.plan.estimator_name
        try:
            hyperparameters, error = candidate(self._rows.plan.hyperparameters, name, chosen), None
        except InvalidCommand as found:  # what it names is in another candidate's estimator
            hyperparameters, error = dict(chosen), found.message
        trial = self._board.add(name, hyperparameters, len(self._splits))
        if error is not None:
            trial.fail(error)
        return trial

    def _measure(self, trial: Trial, measuring: CandidateMeasuring, what: str) -> None:
        for number in range(len(self._splits)):
            if trial.error is None:
                self._stopped = self._watch.stopping()
                if self._stopped:
                    return
                measuring.measure(trial, number)
            self._watch.step(f"{what}, fold {number + 1} of {len(self._splits)}")


def choice_of(board: Leaderboard, method: str, elapsed_s: float, stopped: StoppingReason | None) -> Choice:
    """The best candidate.

    Raises:
        EstimatorRejected: There is none; the message gives the errors of the first ones.
    """
    best = board.best
    if best is None:
        failed = [trial for trial in board.trials if trial.error is not None]
        details = [
            {"where": f"candidates.{trial.number}", "problem": trial.error, "given": dict(trial.hyperparameters)}
            for trial in failed[:_TOLD_ERRORS]
        ]
        first = failed[0].error if failed else "none was measured"
        raise EstimatorRejected(
            f"none of the {len(board.trials)} candidates could be fitted and measured; the first error: {first}",
            details=details,
        )
    return Choice(best.estimator, best.hyperparameters, board, best.number, method, elapsed_s, stopped)
