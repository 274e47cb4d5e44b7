# Made from ../asynchronous/evaluations.py by tools/twin.py: change it there, then run `make twin`.
"""Evaluations: read, listed, deleted. ``client.evaluate`` makes them."""

from modelbus.client.calls import path_of, record_of
from modelbus.client.synchronous.transport import Transport
from shared.contracts import EvaluationRecord

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
        found: EvaluationList = []
        cursor: str | None = None
        while True:
            page = self._transport.document(
                "GET", "/evaluations", model=model, dataset=dataset, limit=_PAGE_LIMIT, cursor=cursor
            )
            found += [record_of(EvaluationRecord, one) for one in page["evaluations"]]
            cursor = page["next"]
            if cursor is None:
                return found

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
