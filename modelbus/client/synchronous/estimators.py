# Made from ../asynchronous/estimators.py by tools/twin.py: change it there, then run `make twin`.
"""Estimators that can be trained."""

from modelbus.client.arguments.checking import Checked
from modelbus.client.calls import path_of, record_of
from modelbus.client.shown.records import Estimator
from modelbus.client.synchronous.http_transport import Transport
from modelbus.client.typed_answers import EstimatorSummary
from modelbus.shared.contracts import Task

EstimatorList = list[EstimatorSummary]


class Estimators(Checked):
    """The catalogue: estimators of scikit-learn and of installed plug-ins."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, task: Task | None = None) -> EstimatorList:
        """The estimators that can be trained.

        Args:
            task: Only those of this task: ``classification``, ``regression``, ``outlier_detection``, ``clustering``.
        """
        document = self._transport.document("GET", "/estimators", task=task)
        return [record_of(EstimatorSummary, one) for one in document["estimators"]]

    def get(self, name: str) -> Estimator:
        """One estimator, with a JSON Schema of its hyperparameters.

        Raises:
            UnknownEstimator: No estimator has that name; the message suggests similar ones.
        """
        return record_of(Estimator, self._transport.document("GET", path_of("estimators", name)))
