"""Evaluations: read, listed, deleted. ``client.evaluate`` makes them."""

from modelbus.client.asynchronous.transport import AsyncTransport
from modelbus.client.calls import path_of, record_of
from shared.contracts import EvaluationRecord

EvaluationList = list[EvaluationRecord]


class AsyncEvaluations:
    """Model versions, measured on datasets."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> EvaluationList:
        """All evaluations, also those that are not filled yet."""
        document = await self._transport.document("GET", "/evaluations")
        return [record_of(EvaluationRecord, one) for one in document["evaluations"]]

    async def get(self, evaluation: str) -> EvaluationRecord:
        """One evaluation; its metrics are there once its job succeeded.

        Raises:
            UnknownEvaluation: There is none of that id.
        """
        return record_of(EvaluationRecord, await self._transport.document("GET", path_of("evaluations", evaluation)))

    async def delete(self, evaluation: str) -> None:
        """Delete an evaluation; a job that still computes it is cancelled.

        Raises:
            UnknownEvaluation: There is none of that id.
        """
        await self._transport.document("DELETE", path_of("evaluations", evaluation))
