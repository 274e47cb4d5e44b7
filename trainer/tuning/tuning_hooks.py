"""The progress that a search reports while it runs, and when it has to stop."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from modelbus.shared.contracts.commands.tuning import StoppingReason
from modelbus.shared.contracts.records.candidate_records import TuningProgress
from modelbus.trainer.fitting.fit_progress import ReportCallback
from modelbus.trainer.tuning.leaderboard import Leaderboard

_PAUSE_S: Final = 0.5


@dataclass(frozen=True)
class TuningHooks:
    """What a search needs of its caller."""

    is_stop_asked: Callable[[], bool] = lambda: False
    """Whether it has to end with the best so far."""
    offer_early_end: Callable[[], None] = lambda: None
    """Called when there is a best candidate: from then on the search can end early."""
    show: Callable[[TuningProgress], None] = lambda _progress: None
    """Takes the growing leaderboard."""


class TuningWatch:
    """Watches over one search: its time, its progress, whether it is to stop."""

    def __init__(
        self,
        board: Leaderboard,
        hooks: TuningHooks,
        report: ReportCallback,
        *,
        budget_s: float | None,
        keeps_best: bool,
        prefix: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Args:
        board: The candidates.
        hooks: Take the progress, and decide when to stop.
        report: Takes the fraction of the search that is done, and what is being done.
        budget_s: Seconds after which no fit begins; None for no end.
        keeps_best: Whether to offer to end early.
        prefix: What to say before what is being done.
        clock: Tells the time in seconds.
        """
        self._clock = clock
        self._board = board
        self._hooks = hooks
        self._report = report
        self._budget_s = budget_s
        self._keeps_best = keeps_best
        self._prefix = prefix
        self._started = clock()
        self._told_at = 0.0
        self._is_offered = False
        self._untold: str | None = None
        self._stopping = threading.Event()
        self._telling = threading.Lock()
        self.done = 0
        self.total: int | None = None
        """Candidates times folds; None where that is unknown."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Report until the block is left: also what came too soon after the last report, and before a long fit."""
        thread = threading.Thread(target=self._tick, name="tuning-reporter", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()

    def _tick(self) -> None:
        while not self._stopping.wait(_PAUSE_S):
            if (doing := self._untold) is not None:
                self.tell(doing)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the search began."""
        return self._clock() - self._started

    @property
    def budget_s(self) -> float:
        """Seconds of the budget; infinity without one."""
        return float("inf") if self._budget_s is None else self._budget_s

    @property
    def remaining_s(self) -> float:
        """Seconds of the budget that are left; infinity without one."""
        return float("inf") if self._budget_s is None else self._budget_s - self.elapsed_s

    def stopping(self) -> StoppingReason | None:
        """The reason why no further fit may begin; None if one may. At least one candidate is always measured."""
        if self._board.best is None:
            return None
        if self._hooks.is_stop_asked():
            return "cancelled"
        return "time_budget" if self.remaining_s <= 0 else None

    def step(self, doing: str) -> None:
        """One fit was measured; report it, unless something was reported a moment ago."""
        self.done += 1
        if self._keeps_best and not self._is_offered and self._board.best is not None:
            self._is_offered = True
            self._hooks.offer_early_end()
        self.tell(doing)

    def tell(self, doing: str, *, is_last: bool = False) -> None:
        """Report the progress; soon, if it was reported a moment ago."""
        if not is_last and time.monotonic() - self._told_at < _PAUSE_S:
            self._untold = doing
            return
        with self._telling:  # two threads report, and progress never goes back
            self._untold = None
            self._told_at = time.monotonic()
            self._say(doing)

    def _say(self, doing: str) -> None:
        progress = self._progress()
        self._hooks.show(progress)
        words = [f"{self._prefix}{doing}"]
        if progress.best is not None:
            words.append(f"best {progress.scoring} so far {progress.best:.4g}")
        if progress.remaining_s is not None:
            words.append(f"about {progress.remaining_s:.0f} s left")
        self._report(self._fraction(), ", ".join(words))

    def _progress(self) -> TuningProgress:
        best, board = self._board.best, self._board
        return TuningProgress(
            scoring=board.objective.name,
            done=self.done,
            total=self.total,
            best=best.mean if best is not None else None,
            remaining_s=self._likely_left_s(),
            candidate_count=len(board.trials),
            leaderboard=board.shown(),
        )

    def _likely_left_s(self) -> float | None:
        remaining_s = [self.remaining_s] if self._budget_s is not None else []
        if self.total and self.done:
            remaining_s.append(self.elapsed_s * (self.total - self.done) / self.done)
        return max(0.0, round(min(remaining_s), 1)) if remaining_s else None

    def _fraction(self) -> float:
        of_steps = self.done / self.total if self.total else 0.0
        of_time = self.elapsed_s / self._budget_s if self._budget_s is not None else 0.0
        return min(1.0, max(of_steps, of_time))
