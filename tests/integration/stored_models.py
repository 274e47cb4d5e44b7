"""Models in the store, as a trainer leaves them, for tests to predict with."""

import copy
import hashlib
from collections.abc import Callable
from typing import Any

from pymongo.database import Database

from modelbus.shared.models.artifacts import dump_model, library_versions
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.outcomes import Outcomes
from modelbus.shared.tabular.predicting.model import FittedModel
from tests.integration.samples import train_job
from tests.unit.tables import features, fit


def make_model(
    database: Database[Document],
    name: str,
    estimator: str = "LogisticRegression",
    alter: Callable[[FittedModel], None] | None = None,
) -> list[Any]:
    """Store a small model as a trainer would; returns what it predicts for the table.

    Args:
        database: Where.
        name: The model's.
        estimator: What is fitted.
        alter: What is done to it before it is stored.
    """
    fitted = copy.deepcopy(fit(estimator))
    predicted = fitted.model.predict_frame(features(), False).labels
    if alter is not None:
        alter(fitted.model)
    payload = dump_model(fitted.model)
    job = train_job(model=name)
    record = {
        "model": name,
        "libraries": library_versions(),
        "artifact_sha256": hashlib.sha256(payload).hexdigest(),
        "artifact_size_bytes": len(payload),
        "signature": fitted.model.signature.model_dump(mode="json"),
    }
    blob_id = BlobStore(database).save(payload, "artifact", job.correlation_id, 1)
    outcome = {"kind": "version", "record": record, "blob_id": blob_id, "promote": True}
    Outcomes(database).apply({"_id": job.correlation_id, "owner": "local", "outcome": outcome})
    return predicted
