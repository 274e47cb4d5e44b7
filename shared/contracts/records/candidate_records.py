"""The candidates of a search or of the choice of an estimator."""

from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts.base import Contract

CandidateState = Literal["measured", "discarded", "failed", "unfinished", "skipped", "stopped"]


class Candidate(Contract):
    """A candidate of a search or of the choice of an estimator."""

    number: int = Field(ge=1)
    """The number of the candidate, in the order of trial."""
    estimator: str
    hyperparameters: dict[str, Any]
    """The hyperparameters, in the form of a training command."""
    rank: int | None = None
    """The rank, 1 for the best. In a search, only candidates scored on all folds have one; with `auto`, all candidates
    that are still in the running, compared on the folds they share."""
    mean: float | None = None
    """The mean of the search metric over the scored folds."""
    standard_deviation: float | None = None
    scores: list[float | None] = []
    """The score of each scored fold."""
    fit_s: float = 0.0
    """The mean fit time in seconds."""
    row_count: int | None = None
    """The number of rows of a fit, if it differs between rounds (`halving`) or if a sample was used (`auto`)."""
    state: CandidateState = "measured"
    """`discarded`: clearly worse than the best on the first folds, so the others were not scored. `unfinished`: the
    search ended before all folds were scored. `skipped`: not fitted further, because it would not have ended in time.
    `stopped`: the fit exceeded its share of the time."""
    error: str | None = None
    """The reason why the candidate failed or was skipped or stopped."""


class TuningProgress(Contract):
    """The progress of a search or of the choice of an estimator."""

    scoring: str
    """The metric to optimise."""
    done: int
    """The number of completed fits (candidates times folds)."""
    total: int | None = None
    """The total number of fits, if known."""
    best: float | None = None
    """The best mean score so far."""
    remaining_s: float | None = None
    """The estimated remaining time in seconds, if known."""
    candidate_count: int
    """The number of candidates tried so far."""
    leaderboard: list[Candidate] = []
    """The best candidates so far, at most 20."""


class CandidatesRecord(Contract):
    """All candidates of a version."""

    model: str
    version: int
    scoring: str
    candidates: list[Candidate]
    """The candidates, best first, then those that were not scored on all folds."""
