"""Candidates: what a search, or the choice of an estimator, tried."""

from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract

CandidateState = Literal["measured", "discarded", "failed", "unfinished", "skipped", "stopped"]


class Candidate(Contract):
    """One candidate of a search, or of the choice of an estimator."""

    number: int = Field(ge=1)
    """In the order in which they were tried."""
    estimator: str
    hyperparameters: dict[str, Any]
    """As they can be given to a training."""
    rank: int | None = None
    """1 is the best. Of a search only those have one that were measured on all folds; of `auto` all that are in the
    running, in the order of what they showed on the folds that they share."""
    mean: float | None = None
    """Of the metric that is searched by, over the folds that it was measured on."""
    standard_deviation: float | None = None
    scores: list[float | None] = []
    """One a fold that was measured."""
    fit_s: float = 0.0
    """Seconds that a fit took, on average."""
    row_count: int | None = None
    """Rows that a fit had, where rounds differ in that (`halving`), or where it was measured on a sample only
    (`auto`)."""
    state: CandidateState = "measured"
    """`discarded`: the first folds were so much worse than the best that the others were not measured. `unfinished`:
    the search ended before all folds were. `skipped`: it was not fitted any further, since that would not have ended in
    time. `stopped`: its fit took more than its share of the time and was ended."""
    error: str | None = None
    """Why it failed, or was skipped or stopped, in words."""


class TuningProgress(Contract):
    """How far a search, or the choice of an estimator, is."""

    scoring: str
    """The metric."""
    done: int
    """Candidates times folds that are done."""
    total: int | None = None
    """How many there are, where that is known."""
    best: float | None = None
    """The best mean so far."""
    remaining_s: float | None = None
    """Seconds that are likely left, where that can be told."""
    candidate_count: int
    """Candidates that were tried so far."""
    leaderboard: list[Candidate] = []
    """The best of them, 20 at most."""


class CandidatesRecord(Contract):
    """All candidates that a version was chosen from, as `GET /models/{name}/versions/{version}/candidates` answers."""

    model: str
    version: int
    scoring: str
    candidates: list[Candidate]
    """The best first, then those that were not measured on all folds."""
