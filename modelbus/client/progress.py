"""Progress bars: of a job, and of bytes that are sent. Shown on standard error, where somebody looks."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from modelbus.shared.contracts import JobRecord

if TYPE_CHECKING:
    from rich.progress import Progress

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


@contextlib.contextmanager
def job_display(is_shown: bool | None) -> Iterator[Callable[[JobRecord], None]]:
    """Show how far a job is, until the block ends.

    Args:
        is_shown: Whether to show it; None: where somebody looks.

    Yields:
        What is to be told of each change.
    """
    progress = _progress(is_shown)
    if progress is None:
        yield lambda _record: None
        return
    with progress:
        task = progress.add_task("waiting", total=None)

        def show(record: JobRecord) -> None:
            fraction = record.progress.fraction if record.progress else None
            progress.update(
                task,
                description=_description(record),
                total=None if fraction is None else 1.0,
                completed=0.0 if fraction is None else fraction,
            )

        yield show


@contextlib.contextmanager
def upload_display(is_shown: bool | None, name: str, size_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many bytes are sent, until the block ends."""
    progress = _progress(is_shown)
    if progress is None:
        yield lambda _count: None
        return
    with progress:
        task = progress.add_task(f"sending {name}", total=size_bytes)
        yield lambda count: progress.update(task, completed=count)


def _progress(is_shown: bool | None) -> "Progress | None":
    if is_shown is False:
        return None
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if is_shown is None and not (console.is_terminal or console.is_jupyter):
        return None
    # The words stand behind the bar, so that it does not jump when they change.
    columns = (BarColumn(20), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    return Progress(*columns, console=console, transient=True)


def _description(record: JobRecord) -> str:
    if record.status == "queued":
        return "waiting for a worker"
    doing = _DOING.get(record.command, record.command)
    message = record.progress.message if record.progress else ""
    again = f" (attempt {record.attempt})" if record.attempt > 1 else ""
    return f"{doing}{again}: {message}" if message else f"{doing}{again}"
