# Made from ../asynchronous/evaluations.py by tools/twin.py: change it there, then run `make twin`.
"""Evaluations: read, listed, compared, drawn, deleted. ``client.evaluate`` makes them."""

import builtins
from pathlib import Path
from typing import TYPE_CHECKING

from modelbus.client.calls import path_of, record_of
from modelbus.client.comparison import Comparison
from modelbus.client.synchronous.http_transport import Transport
from modelbus.client.synchronous.plots import PlotNames, Plots
from modelbus.shared.contracts import EvaluationRecord
from modelbus.shared.contracts.records.plot_points import Plot

if TYPE_CHECKING:
    import os

EvaluationList = list[EvaluationRecord]

_PAGE_LIMIT = 200


class Evaluations:
    """Model versions, measured on datasets."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, model: str | None = None, dataset: str | None = None) -> EvaluationList:
        """All evaluations, those that are not filled yet before the others, newest first; without their tables.

        Args:
            model: Only those of this model.
            dataset: Only those on this dataset.
        """
        pages = self._transport.pages(
            "/evaluations", "evaluations", page_limit=_PAGE_LIMIT, model=model, dataset=dataset
        )
        return [record_of(EvaluationRecord, one) for page in pages for one in page]

    def get(self, evaluation: str) -> EvaluationRecord:
        """One evaluation; its metrics are there once its job succeeded.

        Raises:
            UnknownEvaluation: There is none of that id.
        """
        return record_of(EvaluationRecord, self._transport.document("GET", path_of("evaluations", evaluation)))

    def delete(self, evaluation: str) -> None:
        """Delete an evaluation; a job that still computes it is cancelled.

        Raises:
            UnknownEvaluation: There is none of that id.
        """
        self._transport.document("DELETE", path_of("evaluations", evaluation))

    def compare(self, evaluations: builtins.list[str]) -> Comparison:
        """Put evaluations side by side, with differences to the first, and what makes them differ.

        Args:
            evaluations: The ids of 2 to 10, each once.

        Raises:
            UnknownEvaluation: There is none of an id.
            Conflict: One has no metrics yet.
            BadRequest: They are too few, too many, or one is there twice.
        """
        document = self._transport.document("GET", "/evaluations/compare", id=builtins.list(evaluations))
        return record_of(Comparison, document)

    def plots(self, evaluation: str) -> PlotNames:
        """The names of an evaluation's plots.

        Raises:
            UnknownEvaluation: There is none of that id.
            Conflict: It has no metrics yet.
        """
        return self._plots(evaluation).names()

    def plot(self, evaluation: str, name: str) -> Plot:
        """A plot as the points behind it.

        Raises:
            UnknownEvaluation: There is none of that id.
            NotFound: It has no plot of that name; the message names those that it has.
        """
        return self._plots(evaluation).get(name)

    def download_plot(self, evaluation: str, name: str, path: "str | os.PathLike[str]") -> Path:
        """Save a plot: as a picture (``.svg``), or as its points (``.json``), as the file's name says.

        Returns:
            The path.

        Raises:
            UnknownEvaluation, NotFound: There is no such evaluation, or no such plot.
            InvalidCommand: The file's name says neither.
        """
        return self._plots(evaluation).download(name, path)

    def _plots(self, evaluation: str) -> Plots:
        return Plots(self._transport, "evaluations", evaluation)
