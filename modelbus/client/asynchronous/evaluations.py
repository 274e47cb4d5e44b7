"""Evaluations: read, listed, deleted. ``client.evaluate`` makes them."""

from modelbus.client.asynchronous.transport import AsyncTransport
from modelbus.client.calls import path_of, record_of
from shared.contracts import EvaluationRecord

EvaluationList = list[EvaluationRecord]

_PAGE_LIMIT = 200


class AsyncEvaluations:
    """Model versions, measured on datasets."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self, *, model: str | None = None, dataset: str | None = None) -> EvaluationList:
        """All evaluations, those that are not filled yet before the others, newest first; without their tables.

        Args:
            model: Only those of this model.
            dataset: Only those on this dataset.
        """
        found: EvaluationList = []
        cursor: str | None = None
        while True:
            page = await self._transport.document(
                "GET", "/evaluations", model=model, dataset=dataset, limit=_PAGE_LIMIT, cursor=cursor
            )
            found += [record_of(EvaluationRecord, one) for one in page["evaluations"]]
            cursor = page["next"]
            if cursor is None:
                return found

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
