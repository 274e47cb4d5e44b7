"""Commands as they go through the doors."""

from typing import Any

from tests.e2e.api import fresh


def train_command(dataset: str, **fields: Any) -> dict[str, Any]:
    """Have a new model learn ``kind``, unless the fields say otherwise."""
    return {"command": "TrainModel", "model": fresh("model"), "dataset": dataset, "target": "kind", **fields}
