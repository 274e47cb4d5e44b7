# Made from ../asynchronous/evaluations.py by tools/twin.py: change it there, then run `make twin`.
"""Evaluations: read, listed, deleted. ``client.evaluate`` makes them."""

from modelbus.client.calls import path_of, record_of
from modelbus.client.synchronous.transport import Transport
from shared.contracts import EvaluationRecord

EvaluationList = list[EvaluationRecord]


class Evaluations:
    """Model versions, measured on datasets."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> EvaluationList:
        """All evaluations, also those that are not filled yet."""
        document = self._transport.document("GET", "/evaluations")
        return [record_of(EvaluationRecord, one) for one in document["evaluations"]]

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
