"""The plots of a job: each is drawn and stored as SVG, and as points."""

from collections.abc import Sequence
from typing import Final, Literal

from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome, StoredFile
from modelbus.shared.contracts.records.plot_points import Plot
from modelbus.shared.store.connection import Document
from modelbus.shared.worker.child import JobContext

DRAWING_FROM: Final = 0.9
"""The fraction of a job that is done when drawing begins."""


def store_plots(plots: Sequence[Plot], context: JobContext, kind: Literal["plot", "result_plot"]) -> list[StoredFile]:
    """Draw plots and store each as two pending blobs.

    Args:
        plots: The points; their names differ.
        context: The job's.
        kind: ``plot`` stays as long as its evaluation, ``result_plot`` as long as its job.

    Returns:
        The files, named ``{plot}.svg`` and ``{plot}.json``.

    Raises:
        StoreUnavailable: MongoDB does not answer.
    """
    files = []
    for number, plot in enumerate(plots):
        fraction = DRAWING_FROM + (1 - DRAWING_FROM) * number / len(plots)
        context.progress(fraction, f"drawing {plot.title}")
        points = plot.model_dump_json(exclude_defaults=True).encode()
        for name, content in ((f"{plot.name}.svg", _drawn(plot)), (f"{plot.name}.json", points)):
            blob_id = context.blobs.save(content, kind, context.correlation_id, context.fence)
            files.append(StoredFile(name=name, blob_id=blob_id))
    return files


def answer_with_plots(result: Document, plots: Sequence[Plot], context: JobContext) -> AnswerOutcome:
    """The outcome of a job that has only a result and its plots.

    Args:
        result: The result; JSON. The names of the plots are added as ``plots``.
        plots: The points; their names are distinct.
        context: The job's context.

    Raises:
        StoreUnavailable: MongoDB does not answer.
    """
    files = store_plots(plots, context, "result_plot")
    return context.answer({**result, "plots": [plot.name for plot in plots]}, files=files)


def _drawn(plot: Plot) -> bytes:
    # importing matplotlib takes most of a second and 64 MB, so it is imported on demand
    from modelbus.shared.drawing import draw

    return draw(plot)
