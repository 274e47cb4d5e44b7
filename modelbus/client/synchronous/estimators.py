# Made from ../asynchronous/estimators.py by tools/twin.py: change it there, then run `make twin`.
"""Estimators: what can be trained."""

from modelbus.client.calls import path_of, record_of
from modelbus.client.synchronous.http_transport import Transport
from modelbus.client.typed_answers import EstimatorSummary
from modelbus.shared.contracts import EstimatorRecord, Task

EstimatorList = list[EstimatorSummary]


class Estimators:
    """The catalogue: scikit-learn's estimators, and those of installed plug-ins."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, task: Task | None = None) -> EstimatorList:
        """What can be trained.

        Args:
            task: Only for that: ``classification``, ``regression``, ``outlier_detection``, ``clustering``.
        """
        document = self._transport.document("GET", "/estimators", task=task)
        return [record_of(EstimatorSummary, one) for one in document["estimators"]]

    def get(self, name: str) -> EstimatorRecord:
        """One estimator, with a JSON Schema of its hyperparameters.

        Raises:
            UnknownEstimator: There is none of that name; the message names close ones.
        """
        return record_of(EstimatorRecord, self._transport.document("GET", path_of("estimators", name)))
