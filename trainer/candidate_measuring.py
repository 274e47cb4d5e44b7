"""One candidate on one part of the rows: fitted, measured, and never in the way of the others if it fails."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.contracts import UNSUPERVISED
from shared.errors import ModelbusError
from shared.tabular.model import FittedModel
from trainer.encoded_parts import EncodedParts
from trainer.estimator_fitting import fit_encoded, scaling_of, translated_refusals
from trainer.fit_warnings import gathered_warnings
from trainer.leaderboard import Trial
from trainer.objectives import Objective
from trainer.part_fitting import PartFitting
from trainer.preparing import PreparedFit


@dataclass(frozen=True, eq=False)
class HeldOutAnswers:
    """What a candidate answered for the rows that it was measured on."""

    answers: npt.NDArray[Any]
    """Class codes, clusters or numbers, shape (n_rows,)."""
    probabilities: npt.NDArray[np.float64] | None
    """Shape (n_rows, n_classes), where it has them."""


class CandidateMeasuring:
    """Measures candidates on parts of the rows; as they are, without calibration and threshold, which come after."""

    def __init__(self, parts: EncodedParts, prepared: PreparedFit, work: PartFitting, objective: Objective) -> None:
        self.parts = parts
        self._prepared = prepared
        self._work = work
        self._objective = objective

    def measure(self, trial: Trial, number: int) -> HeldOutAnswers | None:
        """Fit a candidate on one part and note its score, or why there is none.

        Args:
            trial: The candidate.
            number: The part, from 0 on.

        Returns:
            What it answered; None if it failed.
        """
        try:
            with gathered_warnings():  # of one that may be thrown away; the chosen one's are those of its own fit
                model, matrix = self._fit(trial, number)
                found = HeldOutAnswers(*model.answers(matrix, has_probabilities=model.has_probabilities))
        except ModelbusError as error:
            trial.fail(error.message)
            return None
        truth = matrix if self._prepared.task in UNSUPERVISED else self.parts.targets(number)[1]
        score = self._objective.score(truth, found.answers, found.probabilities)
        trial.scores.append(score)
        if score is None:
            trial.fail(self._undefined(number, found))
            return None
        return found

    def _fit(self, trial: Trial, number: int) -> tuple[FittedModel, npt.NDArray[np.float64]]:
        estimator = self._prepared.make(trial.estimator, trial.hyperparameters)
        weights = self._work.weigh(estimator, self.parts.splits[number])
        with translated_refusals(estimator):
            part = self.parts.encoded(number, scaling_of(estimator))
        task = self._prepared.task
        target = None if task in UNSUPERVISED else self.parts.targets(number)[0]
        started = time.perf_counter()
        fit_encoded(estimator, part.train, target, task=task, weights=weights, on_step=lambda _done, _total: None)
        trial.fit_s.append(time.perf_counter() - started)
        return FittedModel(part.encoder, estimator, self._work.signature), part.held_out

    def _undefined(self, number: int, found: HeldOutAnswers) -> str:
        name = self._objective.name
        if self._objective.needs_probabilities and found.probabilities is None:
            return f"{name} needs probabilities, and it has none"
        return f"{name} is not defined for its answers on part {number + 1}"
