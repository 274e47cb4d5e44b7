"""One candidate on one fold of the rows, fitted and measured; its failure does not affect the others."""

import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts import UNSUPERVISED
from modelbus.shared.errors import ModelbusError
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.trainer.fitting.estimator_fitting import fit_encoded, scaling_of, translated_refusals
from modelbus.trainer.fitting.fit_warnings import gathered_warnings
from modelbus.trainer.fitting.fold_fitting import FoldFitter
from modelbus.trainer.fitting.prepared_fit import PreparedFit
from modelbus.trainer.rows.splitting import Split
from modelbus.trainer.tuning.encoded_folds import EncodedFolds
from modelbus.trainer.tuning.ensembling import GROUPS
from modelbus.trainer.tuning.halving import sample_indices
from modelbus.trainer.tuning.leaderboard import Trial
from modelbus.trainer.tuning.objectives import Objective

_NODE_STORE_S: Final = 1e-6
"""Seconds to store a node of a tree."""


@dataclass(frozen=True, eq=False)
class HeldOutAnswers:
    """A candidate's answers for the rows that it was measured on."""

    answers: npt.NDArray[Any]
    """Class codes, clusters or numbers, shape (n_rows,)."""
    probabilities: npt.NDArray[np.float64] | None
    """Shape (n_rows, n_classes), where it has them."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """The outcome of a candidate on one fold."""

    score: float | None = None
    error: str | None = None
    """Why there is no score."""
    found: HeldOutAnswers | None = None
    """Where there is a score."""
    fit_s: float = 0.0
    answer_s: float = 0.0
    """Seconds that the held-out rows took."""
    store_s: float = 0.0
    """Expected seconds to store it."""


class CandidateMeasuring:
    """Measures candidates on folds of the rows; as they are, without calibration and threshold, which come after."""

    def __init__(
        self,
        folds: EncodedFolds,
        prepared: PreparedFit,
        work: FoldFitter,
        objective: Objective,
        *,
        needs_probabilities: bool = False,
    ) -> None:
        """Args:
        folds: The folds.
        prepared: The prepared fit.
        work: Weighs rows.
        objective: The metric.
        needs_probabilities: Whether a candidate without probabilities fails.
        """
        self.folds = folds
        self._prepared = prepared
        self._work = work
        self._objective = objective
        self._needs_probabilities = needs_probabilities

    def measure(self, trial: Trial, number: int) -> HeldOutAnswers | None:
        """Fit a candidate on one fold and record its score, or the reason why there is none.

        Args:
            trial: The candidate.
            number: The fold, from 0 on.

        Returns:
            What it answered; None if it failed.
        """
        taken = self.take(trial, number)
        if taken.fit_s:
            trial.fit_s.append(taken.fit_s)
        if taken.error is None or taken.fit_s:
            trial.scores.append(taken.score)
        if taken.error is not None:
            trial.fail(taken.error)
        return taken.found

    def take(self, trial: Trial, number: int, row_count: int | None = None) -> Measurement:
        """Fit a candidate on one fold and measure it there; changes nothing.

        Args:
            trial: The candidate.
            number: The fold, from 0 on.
            row_count: How many of the fold's rows it is fitted on; None takes all.
        """
        try:
            with gathered_warnings():  # of one that may be thrown away; the chosen one's are those of its own fit
                return self._taken(trial, number, row_count)
        except ModelbusError as error:
            return Measurement(error=error.message)

    def gains(self, truth: npt.NDArray[Any], own: HeldOutAnswers, other: HeldOutAnswers) -> list[float]:
        """The gain of some answers over others, on each of a few groups of the rows.

        Args:
            truth: Class codes or numbers of the rows, shape (n_rows,).
            own: Answers for them.
            other: The answers to compare them with.

        Returns:
            Differences of the score, more is better; none of groups that it is not defined for.
        """
        found: list[float] = []
        objective = self._objective
        for group in range(GROUPS):
            rows = slice(group, None, GROUPS)
            scores = [
                objective.score(truth[rows], one.answers[rows], _at(one.probabilities, rows)) for one in (own, other)
            ]
            if scores[0] is not None and scores[1] is not None:
                found.append(objective.signed_score(scores[0]) - objective.signed_score(scores[1]))
        return found

    def _taken(self, trial: Trial, number: int, row_count: int | None) -> Measurement:
        estimator = self._prepared.make(trial.estimator, trial.hyperparameters)
        with translated_refusals(estimator):
            fold = self.folds.encoded(number, scaling_of(estimator))
        truth = fold.held_out if self._prepared.task in UNSUPERVISED else self.folds.targets(number)[1]
        started = time.perf_counter()
        self._fit(estimator, fold.train, number, row_count)
        fitted_at = time.perf_counter()
        model = FittedModel(fold.encoder, estimator, self._work.signature)
        found = HeldOutAnswers(*model.answers(fold.held_out, has_probabilities=model.has_probabilities))
        score = self._objective.score(truth, found.answers, found.probabilities)
        error = self._fault(score, number, found)
        return Measurement(
            score,
            error,
            found if error is None else None,
            fit_s=fitted_at - started,
            answer_s=time.perf_counter() - fitted_at,
            store_s=_NODE_STORE_S * _node_count(estimator),
        )

    def _fit(self, estimator: Any, matrix: npt.NDArray[np.float64], number: int, row_count: int | None) -> None:
        split, task = self.folds.splits[number], self._prepared.task
        target = None if task in UNSUPERVISED else self.folds.targets(number)[0]
        if row_count is not None and row_count < len(matrix):
            assert target is not None  # samples are of tasks that have one
            is_classification = task == "classification"
            indices = sample_indices(target, row_count, is_classification=is_classification, seed=self._prepared.seed)
            matrix, target, split = matrix[indices], target[indices], Split(split.train[indices], split.hold_out)
        weights = self._work.weigh(estimator, split)
        fit_encoded(estimator, matrix, target, task=task, weights=weights, on_step=lambda _done, _total: None)

    def _fault(self, score: float | None, number: int, found: HeldOutAnswers) -> str | None:
        """The reason why a fitted candidate fails; None if it does not."""
        name, has_none = self._objective.name, found.probabilities is None
        if has_none and self._objective.needs_probabilities:
            return f"{name} needs probabilities, which it does not have"
        if has_none and self._needs_probabilities:
            return "it gives no probabilities, which a chosen classifier must"
        return None if score is not None else f"{name} is not defined for its answers on fold {number + 1}"


def _node_count(estimator: Any) -> int:
    """Nodes of a forest's trees: its size, where that is what takes time."""
    members = getattr(estimator, "estimators_", None)
    if not isinstance(members, list):
        return 0
    return sum(int(one.tree_.node_count) for one in members if hasattr(one, "tree_"))


def _at(probabilities: npt.NDArray[np.float64] | None, rows: slice) -> npt.NDArray[np.float64] | None:
    return None if probabilities is None else probabilities[rows]
