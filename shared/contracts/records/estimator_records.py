"""Estimators: the classes that can be trained."""

from typing import Any

from modelbus.shared.contracts.base import Contract, Task


class EstimatorRecord(Contract):
    """An estimator of the catalogue."""

    name: str
    task: Task
    description: str
    """The first line of the estimator's documentation."""
    module: str
    hyperparameters: dict[str, Any] = {}
    """The JSON Schema of the hyperparameters: an object with one property for each."""
    can_stream: bool = False
    """Whether the estimator can be trained one row group at a time (`streaming`)."""
