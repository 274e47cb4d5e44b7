"""Estimators: what can be trained."""

from typing import Any

from modelbus.shared.contracts.base import Contract, Task


class EstimatorRecord(Contract):
    """One estimator of the catalogue."""

    name: str
    task: Task
    description: str
    """First line of the estimator's own documentation."""
    module: str
    hyperparameters: dict[str, Any] = {}
    """JSON Schema of the hyperparameters: an object with a property for each."""
    can_stream: bool = False
    """Whether it can be fitted a row group at a time (`streaming`)."""
