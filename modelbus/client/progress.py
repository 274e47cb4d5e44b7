"""Progress bars of jobs and uploads: in terminals, on standard error, and in notebooks; they leave nothing behind.

Elsewhere nothing is shown, so that logs have no bars.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from html import escape
from typing import TYPE_CHECKING, Any, Final, Protocol

from modelbus.shared.contracts import JobRecord

if TYPE_CHECKING:
    from rich.progress import Progress

_MINIMUM_FRACTION: Final = 0.02
"""A smaller fraction says too little about the time left."""
_MINIMUM_S: Final = 1.0
_DOING: Final = {
    "TrainModel": "training",
    "RetrainModel": "training",
    "ProfileDataset": "reading",
    "PreviewDataset": "reading",
    "PredictDataset": "predicting",
    "Predict": "predicting",
    "EvaluateModel": "evaluating",
    "EvaluatePredictions": "evaluating",
    "ExplainModel": "explaining",
    "ExplainPrediction": "explaining",
    "MeasureLearningCurve": "training",
    "ReportDrift": "comparing",
    "ExportDataset": "exporting",
    "CheckTraining": "checking",
}


class Bar(Protocol):
    """A progress bar."""

    def show(self, fraction: float | None, remaining_s: float | None, message: str) -> None:
        """Show how far it is.

        Args:
            fraction: The fraction that is done, from 0 to 1; None if unknown.
            remaining_s: The seconds that are left; None if unknown.
            message: What is being done.
        """


@contextlib.contextmanager
def job_display(is_shown: bool | None) -> Iterator[Callable[[JobRecord], None]]:
    """Show how far a job is, until the block ends.

    Args:
        is_shown: False for no bar, None for one in terminals and notebooks. True also shows one where the environment
            declares a terminal that standard error is not, by ``FORCE_COLOR`` for example.

    Yields:
        A function to call with each change of the job.
    """
    with _bar(is_shown) as bar:
        pace = _Pace()

        def show(record: JobRecord) -> None:
            fraction = record.progress.fraction if record.progress else None
            bar.show(fraction, _remaining_s(record, pace), _description(record))

        yield show


@contextlib.contextmanager
def upload_display(is_shown: bool | None, name: str, size_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many bytes are sent, until the block ends."""
    with _bar(is_shown) as bar:
        pace = _Pace()

        def show(sent_bytes: int) -> None:
            fraction = min(sent_bytes / size_bytes, 1.0) if size_bytes else None
            bar.show(fraction, pace.remaining_s(fraction), f"sending {name}")

        yield show


def time_left(remaining_s: float) -> str:
    """A duration for people, such as ``0:42 left`` or ``1:02:03 left``."""
    seconds = max(0, round(remaining_s))
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02} left" if hours else f"{minutes}:{seconds % 60:02} left"


class _Pace:
    """Estimates the time left from the time that a fraction took."""

    def __init__(self) -> None:
        self._began_at = time.monotonic()
        self._began_with = 0.0

    def restart(self, fraction: float | None) -> None:
        """Count from now on: what was done before was done at another pace."""
        self._began_at, self._began_with = time.monotonic(), fraction or 0.0

    def remaining_s(self, fraction: float | None) -> float | None:
        elapsed_s = time.monotonic() - self._began_at
        done = (fraction or 0.0) - self._began_with
        if fraction is None or done < _MINIMUM_FRACTION or elapsed_s < _MINIMUM_S:
            return None
        return elapsed_s * (1.0 - fraction) / done


class _NoBar:
    def show(self, fraction: float | None, remaining_s: float | None, message: str) -> None:
        """Nothing."""


class _TerminalBar:
    """A line of a terminal; erased at the end."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task = progress.add_task("waiting", total=None)
        self._ends_at: float | None = None

    def show(self, fraction: float | None, remaining_s: float | None, message: str) -> None:
        self._ends_at = None if remaining_s is None else time.monotonic() + remaining_s
        self._progress.update(
            self._task, description=message, total=None if fraction is None else 1.0, completed=fraction or 0.0
        )

    def time_text(self, elapsed_s: float) -> str:
        """The time left, where it is known; else the time elapsed."""
        if self._ends_at is not None:
            return time_left(self._ends_at - time.monotonic())
        return time_left(elapsed_s).removesuffix(" left")


class _NotebookBar:
    """An output of a notebook's cell; emptied at the end."""

    def __init__(self, display: Callable[..., Any]) -> None:
        self._handle = display(_bundle(None, None, "waiting"), raw=True, display_id=True)

    def show(self, fraction: float | None, remaining_s: float | None, message: str) -> None:
        self._handle.update(_bundle(fraction, remaining_s, message), raw=True)

    def end(self) -> None:
        """Empty the output."""
        self._handle.update({}, raw=True)


def _bundle(fraction: float | None, remaining_s: float | None, message: str) -> dict[str, str]:
    done = "" if fraction is None else f' value="{fraction:.4f}"'
    left = "" if remaining_s is None else f"{time_left(remaining_s)} "
    percent = "" if fraction is None else f" {fraction:.0%}"
    return {
        "text/html": f'{left}<progress max="1"{done}></progress>{percent} {escape(message)}',
        "text/plain": f"{left}{message}{percent}",
    }


@contextlib.contextmanager
def _bar(is_shown: bool | None) -> Iterator[Bar]:
    if is_shown is False:
        yield _NoBar()
    elif (display := _notebook_display()) is not None:
        bar = _NotebookBar(display)
        try:
            yield bar
        finally:
            bar.end()
    elif is_shown or (sys.stderr is not None and sys.stderr.isatty()):
        with _terminal_bar() as shown:
            yield shown
    else:
        yield _NoBar()


@contextlib.contextmanager
def _terminal_bar() -> Iterator[Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn
    from rich.text import Text

    console = Console(stderr=True)
    if console.is_dumb_terminal or not console.is_terminal:
        yield _NoBar()
        return

    class TimeColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{bar.time_text(task.elapsed or 0.0):>9}")

    # the message comes last, so that the bar does not move when it changes
    message = TextColumn("{task.description}", markup=False)
    progress = Progress(TimeColumn(), BarColumn(20), TaskProgressColumn(), message, console=console, transient=True)
    bar = _TerminalBar(progress)
    with progress:
        yield bar


def _notebook_display() -> Callable[..., Any] | None:
    """IPython's function to show something, in a notebook; None elsewhere. IPython is not imported for that."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    chosen: Callable[..., Any] = display
    return chosen


def _remaining_s(record: JobRecord, pace: _Pace) -> float | None:
    """The seconds until a job ends, or while it is queued, until it starts; None if unknown."""
    if record.status == "queued":
        pace.restart(None)
        estimated: float | None = getattr(record, "estimated_start_s", None)
        return estimated
    tuning = record.progress.tuning if record.progress else None
    if tuning is not None:
        return tuning.remaining_s
    return pace.remaining_s(record.progress.fraction if record.progress else None)


def _description(record: JobRecord) -> str:
    if record.status == "queued":
        return "waiting for a worker"
    doing = _DOING.get(record.command, record.command)
    message = record.progress.message if record.progress else ""
    again = f" (attempt {record.attempt})" if record.attempt > 1 else ""
    return f"{doing}{again}: {message}" if message else f"{doing}{again}"
