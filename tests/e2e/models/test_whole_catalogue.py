"""Each estimator of the catalogue through the whole system: trained, stored, loaded by the predictor, and answering as
the fitted object does in process. What scikit-learn has and the catalogue has not is in ``LEFT_OUT``, with reasons.
"""

from typing import Any
from uuid import uuid4

import pytest
from pymongo.database import Database

from modelbus.shared.bus import Publisher
from modelbus.shared.contracts import TrainModel
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.tabular.tables.stored_tables import dataset_columns, open_table, read_frame
from modelbus.trainer.catalogue.entries import catalogue
from modelbus.trainer.fitting.plan import plan_of
from modelbus.trainer.training.fit import fit_model
from tests.e2e.api import Api, fresh
from tests.e2e.doors import QUEUE_OF, HttpDoor
from tests.e2e.tables import PARCEL, parcels
from tests.unit.tables import needed, table
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

FEATURES = ["amount", "visits", "is_member", "since", "seen", "plan", "gender", "town", "country", "nothing"]
TARGETS = {"classification": "label", "regression": "price"}
ASKED_FOR: dict[str, dict[str, Any]] = {
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},  # one-hot columns are collinear
    "RadiusNeighborsClassifier": {"radius": 50.0},  # within 1 some rows have no neighbour
    "RadiusNeighborsRegressor": {"radius": 50.0},
}
"""With no hyperparameters these refuse this table by design; they get what they ask for."""


@pytest.fixture(scope="module")
def mixed_dataset(api: Api) -> str:
    """240 rows with a column of each type, missing values in half of them."""
    return api.dataset(table().to_csv(index=False), "mixed")


@pytest.fixture(scope="module")
def mixed_frame(database: Database[Document], mixed_dataset: str) -> Any:
    """The same as the trainer reads it."""
    document: Any = database["datasets"].find_one({"_id": mixed_dataset})
    with open_table(BlobStore(database), document) as opened:
        return read_frame(opened)


@pytest.mark.parametrize(("name", "task"), [(record.name, record.task) for record in catalogue()], ids=str)
def test_each_estimator_is_trained_stored_loaded_and_answers_as_in_process(
    api: Api, mixed_dataset: str, mixed_frame: Any, name: str, task: str
) -> None:
    said = {
        "model": fresh("catalogue"),
        "dataset": mixed_dataset,
        "features": FEATURES,
        "estimator": name,
        "hyperparameters": ASKED_FOR.get(name, needed(name)),
        "seed": 3,
        **({"target": TARGETS[task]} if task in TARGETS else {}),
    }
    trained = api.post("/models?wait=60", said)
    assert trained.status == 201, trained
    rows = api.get(f"/datasets/{mixed_dataset}/rows?limit=40").document["rows"]

    answer = api.post(f"/models/{said['model']}/predict", {"rows": rows})

    columns = dataset_columns(api.get(f"/datasets/{mixed_dataset}").document)
    model = fit_model(mixed_frame, plan_of(TrainModel(**said), columns)).model
    assert answer.document["predictions"] == model.predict_rows(rows, has_probabilities=False).labels


class QueueAlone:
    """Commands by queue, outcomes from the record: no HTTP at all."""

    def __init__(self, publisher: Publisher, database: Database[Document]) -> None:
        self._publisher = publisher
        self._jobs = database["jobs"]

    def result(self, command: dict[str, Any]) -> dict[str, Any]:
        """What a command gave; it must succeed."""
        key = str(uuid4())
        self._publisher.send(QUEUE_OF[command["command"]], command, correlation_id=key)
        ended = {"_id": key, "status": {"$in": ["succeeded", "failed", "dead"]}}
        job = wait_until(lambda: self._jobs.find_one(ended), f"{command['command']} ends", 90)
        assert job is not None
        assert job["status"] == "succeeded", job["error"]
        result: dict[str, Any] = job["result"]
        return result


class HttpAlone:
    """The same over HTTP."""

    def __init__(self, api: Api) -> None:
        self._door = HttpDoor(api)

    def result(self, command: dict[str, Any]) -> dict[str, Any]:
        """What a command gave; it must succeed."""
        outcome = self._door.send(command)
        assert outcome.status == "succeeded", outcome
        assert outcome.result is not None
        return outcome.result


@pytest.mark.parametrize("way", ["http", "queue"])
def test_a_messy_table_becomes_a_served_champion_that_worse_data_does_not_replace(
    api: Api, publisher: Publisher, database: Database[Document], way: str
) -> None:
    alone = HttpAlone(api) if way == "http" else QueueAlone(publisher, database)
    good, poor, model = fresh("good"), fresh("poor"), fresh("tariffs")
    for name, rows in ((good, parcels(400)), (poor, parcels(40, seed=9))):
        source = {"kind": "inline", "text": rows}
        made = alone.result({"command": "ProfileDataset", "dataset": name, "source": source})
        assert made["dataset"]["name"] == name
    training = {
        "model": model,
        "dataset": good,
        "target": "tariff",
        "exclude": ["parcel", "remark"],
        "estimator": "RandomForestClassifier",
        "hyperparameters": {"n_estimators": 30},
    }
    assert alone.result({"command": "CheckTraining", **training})["is_valid"]

    first = alone.result({"command": "TrainModel", **training})
    again = alone.result({"command": "RetrainModel", "model": model, "dataset": poor})
    asked = alone.result({"command": "Predict", "model": model, "rows": [{**PARCEL, "weight": 25}, PARCEL]})
    measured = alone.result({"command": "EvaluateModel", "model": model, "dataset": good})

    assert first["is_champion"]
    assert (again["is_champion"], again["comparison"]["champion_version"]) == (False, 1)
    assert (asked["version"], asked["predictions"]) == (1, ["heavy", "light"])
    assert measured["evaluation"]["metrics"]["accuracy"] > 0.9
