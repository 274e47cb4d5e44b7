# Made from ../asynchronous/evaluations.py by tools/twin.py: change it there, then run `make twin`.
"""Evaluations: list, read, compare, plot, delete. ``client.evaluate`` creates them."""

import builtins
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelbus.client.arguments.checking import Checked
from modelbus.client.calls import path_of, record_of
from modelbus.client.client_errors import WrongArgument
from modelbus.client.comparison import Comparison
from modelbus.client.shown.records import DrawnPlot, Evaluation
from modelbus.client.synchronous.http_transport import Transport
from modelbus.client.synchronous.plots import PlotNames, Plots

if TYPE_CHECKING:
    import os

EvaluationList = list[Evaluation]

_PAGE_LIMIT = 200


class Evaluations(Checked):
    """Model versions measured on datasets."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, model: str | None = None, dataset: str | None = None) -> EvaluationList:
        """All evaluations without their tables: unfinished ones first, then newest first.

        Args:
            model: Only evaluations of this model.
            dataset: Only evaluations on this dataset.
        """
        pages = self._transport.pages(
            "/evaluations", "evaluations", page_limit=_PAGE_LIMIT, model=model, dataset=dataset
        )
        return [record_of(Evaluation, one) for page in pages for one in page]

    def get(self, evaluation: str) -> Evaluation:
        """One evaluation; it has metrics once its job has succeeded.

        Raises:
            UnknownEvaluation: No evaluation has that id.
        """
        return record_of(Evaluation, self._transport.document("GET", path_of("evaluations", evaluation)))

    def delete(self, evaluation: str) -> None:
        """Delete an evaluation; its job is cancelled if it has not ended.

        Raises:
            UnknownEvaluation: No evaluation has that id.
        """
        self._transport.document("DELETE", path_of("evaluations", evaluation))

    def compare(self, evaluations: Sequence[str]) -> Comparison:
        """Compare evaluations: their metrics, the differences to the first one, and reasons to doubt the comparison.

        Args:
            evaluations: 2 to 10 different ids.

        Raises:
            WrongArgument: The ids are not a list.
            UnknownEvaluation: An evaluation does not exist.
            Conflict: An evaluation has no metrics yet.
            BadRequest: There are too few or too many ids, or one occurs twice.
        """
        if isinstance(evaluations, str):
            raise WrongArgument(f"compare: evaluations must be a list of ids, not {evaluations!r}")
        document = self._transport.document("GET", "/evaluations/compare", id=builtins.list(evaluations))
        return record_of(Comparison, document)

    def plots(self, evaluation: str) -> PlotNames:
        """The names of an evaluation's plots.

        Raises:
            UnknownEvaluation: No evaluation has that id.
            Conflict: The evaluation has no metrics yet.
        """
        return self._plots(evaluation).names()

    def plot(self, evaluation: str, name: str) -> DrawnPlot:
        """One plot: the points behind it, and the picture that notebooks show.

        Raises:
            UnknownEvaluation: No evaluation has that id.
            NotFound: The evaluation has no plot of that name; the message lists its plots.
        """
        return self._plots(evaluation).get(name)

    def download_plot(self, evaluation: str, name: str, path: "str | os.PathLike[str]") -> Path:
        """Save a plot: a picture if the file's name ends in ``.svg``, its points if it ends in ``.json``.

        Returns:
            The path.

        Raises:
            UnknownEvaluation, NotFound: The evaluation or the plot does not exist.
            InvalidCommand: The file's name has another suffix.
        """
        return self._plots(evaluation).download(name, path)

    def _plots(self, evaluation: str) -> Plots:
        return Plots(self._transport, "evaluations", evaluation)
