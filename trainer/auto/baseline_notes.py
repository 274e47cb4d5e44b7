"""The warning where ``auto`` found nothing better than the baseline."""

from collections.abc import Sequence

from modelbus.shared.plural import agreeing
from modelbus.trainer.tuning.leaderboard import Leaderboard, Trial

_NAMED: int = 3


def baseline_notes(board: Leaderboard, baseline: str, budget_s: float) -> list[str]:
    """A sentence if the best candidate is the baseline, with the reason.

    Args:
        board: The candidates.
        baseline: The baseline's estimator.
        budget_s: The time budget in seconds.
    """
    best = board.best
    if best is None or best.estimator != baseline:
        return []
    others = [trial for trial in board.trials if trial.estimator != baseline]
    measured = [trial for trial in others if trial.error is None and trial.stopped is None and trial.mean is not None]
    words = f"auto chose the baseline {baseline}, which uses no feature: {_of_measured(len(measured), len(others))}"
    unmeasured = [trial for trial in others if trial not in measured]
    if unmeasured:
        words += f". Not fully measured: {_named(unmeasured)}"
    if any(trial.stopped or trial.skipped for trial in unmeasured):
        words += f". The time budget was {budget_s:g} s; a longer one would let them finish"
    return [f"{words}."]


def _of_measured(measured: int, tried: int) -> str:
    if not tried:
        return "no other candidate was tried"
    if tried == 1:
        return f"the only other candidate {'was measured, and was not better' if measured else 'could not be measured'}"
    if not measured:
        return f"none of the {tried} other candidates could be measured"
    were = agreeing(measured, "was", "were")
    return f"{measured} of the {tried} other candidates {were} measured, and none was better"


def _named(trials: Sequence[Trial]) -> str:
    named = [f"{one.estimator} ({one.error or one.stopped or one.skipped or 'out of time'})" for one in trials]
    more = len(named) - _NAMED
    return ", ".join(named[:_NAMED]) + (f" and {more} more" if more > 0 else "")
