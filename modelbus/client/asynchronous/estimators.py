"""Estimators that can be trained."""

from modelbus.client.arguments.checking import Checked
from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.calls import path_of, record_of
from modelbus.client.shown.records import Estimator
from modelbus.client.typed_answers import EstimatorSummary
from modelbus.shared.contracts import Task

EstimatorList = list[EstimatorSummary]


class AsyncEstimators(Checked):
    """The catalogue: estimators of scikit-learn and of installed plug-ins."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self, task: Task | None = None) -> EstimatorList:
        """The estimators that can be trained.

        Args:
            task: Only those of this task: ``classification``, ``regression``, ``outlier_detection``, ``clustering``.
        """
        document = await self._transport.document("GET", "/estimators", task=task)
        return [record_of(EstimatorSummary, one) for one in document["estimators"]]

    async def get(self, name: str) -> Estimator:
        """One estimator, with a JSON Schema of its hyperparameters.

        Raises:
            UnknownEstimator: No estimator has that name; the message suggests similar ones.
        """
        return record_of(Estimator, await self._transport.document("GET", path_of("estimators", name)))
