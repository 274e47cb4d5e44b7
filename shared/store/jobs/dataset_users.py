"""Which jobs use a dataset: those that its deletion ends, and those that go with it."""

from typing import Final

from modelbus.shared.contracts import ExportDataset, ProfileDataset, ReadRows
from modelbus.shared.store.operation import Document

READING: Final = (ReadRows.__name__, ExportDataset.__name__)
"""The commands whose jobs go with the dataset that they read."""


def using(dataset: Document) -> Document:
    """What the queued and running jobs match that read a dataset, but for its readings.

    Args:
        dataset: The dataset's document. Jobs that are bound to another of its name do not read this one.
    """
    name, digests = dataset["_id"], {"$in": [dataset["sha256"], None]}
    reads = [
        {"datasets.name": name, "datasets": {"$elemMatch": {"name": name, "sha256": digests}}},
        {"spec.dataset": name, "datasets": {"$exists": False}},  # an earlier release accepted it
    ]
    return {
        "status": {"$in": ["queued", "running"]},
        "command": {"$nin": [*READING, ProfileDataset.__name__]},
        "$or": reads,
    }
