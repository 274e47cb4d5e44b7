"""HTTP and queue take, refuse and answer commands alike: one suite over both."""

from uuid import uuid4

import pytest

from modelbus.shared.bus import Publisher
from modelbus.shared.contracts.records.results import RESULTS as RESULT_MODELS
from tests.door_commands import COMMANDS, RESULTS, Fault, Names
from tests.e2e.api import Api, fresh
from tests.e2e.doors import Door, HttpDoor, QueueDoor
from tests.e2e.tables import PARCEL

INVALID, MISMATCH, OTHERS = "invalid_command", "signature_mismatch", ("rows.*.a", "rows.*.b", "rows.*.c")
FAULTS = [
    Fault("ProfileDataset", "malformed_table", {"source": {"kind": "inline", "text": "a,b\n1\n"}}, places=("line 2",)),
    Fault("TrainModel", INVALID, {"seed": "lucky"}, places=("seed",)),
    Fault("TrainModel", INVALID, {"hyperparameters": {"max_depth": 0}}, places=("hyperparameters.max_depth",)),
    Fault("RetrainModel", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("Predict", INVALID, {"rows": []}, places=("rows",)),
    Fault(
        "Predict", INVALID, {"model": "amount-model", "rows": [{"a": 1, "b": 1, "c": 1}]}, places=("has_probabilities",)
    ),
    Fault(
        "Predict",
        "signature_mismatch",
        {"rows": [{"weight": 1}]},
        places=("rows.*.city", "rows.*.sent_on", "rows.*.express"),
    ),
    Fault("Predict", "signature_mismatch", {"rows": [{**PARCEL, "weight": "x"}]}, places=("rows.0.weight",)),
    Fault("Predict", "unknown_model", {"model": "nowhere"}),
    Fault("Predict", INVALID, {"keep": ["weight", "custmer_id"]}, places=("keep.1",)),
    Fault("PredictDataset", MISMATCH, {"dataset": "parcels"}, places=OTHERS),
    Fault("EvaluateModel", "evaluation_exists", {"evaluation": "evaluation"}),
    Fault(
        "EvaluatePredictions",
        INVALID,
        {"task": "regression", "probabilities": None, "best_threshold": None},
        places=("rows.0.truth",),
    ),
    Fault("ExplainModel", MISMATCH, {"model": "amount-model", "dataset": "parcels"}, places=OTHERS),
    Fault("ExplainPrediction", MISMATCH, {"rows": [{**PARCEL, "weight": "x"}]}, places=("rows.0.weight",)),
    Fault("MeasureLearningCurve", "estimator_rejected", {"fractions": [0.001]}),
    Fault("ReportDrift", MISMATCH, {"model": "amount-model"}, places=OTHERS),
    Fault("ReadRows", INVALID, {"columns": ["weight", "hieght"]}, places=("columns.1",)),
    Fault("ExportDataset", "unknown_dataset", {"dataset": "nowhere"}),
]
"""One of each command, and each of the interactive prediction, which has no handler: tests/integration/refusals and
tests/unit/contracts have all others.
"""


@pytest.fixture(scope="module")
def evaluation(api: Api, amount_model: str, number_dataset: str) -> str:
    """An evaluation that is there."""
    name = fresh("there")
    body = {"evaluation": name, "model": amount_model, "dataset": number_dataset}
    assert api.post("/evaluations?wait=60", body).status == 201
    return name


@pytest.fixture(scope="module")
def names(
    parcel_dataset: str,
    parcel_model: str,
    amount_model: str,
    number_dataset: str,
    unlabelled_dataset: str,
    scored_dataset: str,
    evaluation: str,
) -> Names:
    """What the commands below speak of."""
    return {
        "parcels": parcel_dataset,
        "parcel-model": parcel_model,
        "amount-model": amount_model,
        "numbers": number_dataset,
        "unlabelled": unlabelled_dataset,
        "scored": scored_dataset,
        "evaluation": evaluation,
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_valid_command_succeeds_with_the_same_fields_by_either_door(door: Door, names: Names, name: str) -> None:
    outcome = door.send({"command": name, **COMMANDS[name](names)})

    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    assert outcome.result.keys() == RESULTS[name]
    RESULT_MODELS[name].model_validate(outcome.result)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_faulty_command_is_refused_alike_by_either_door(
    api: Api, publisher: Publisher, names: Names, fault: Fault
) -> None:
    document = fault.document(names)

    by_http, by_queue = (door.send(document) for door in (HttpDoor(api), QueueDoor(api, publisher)))

    assert (by_http.status, by_http.code, by_http.places, by_http.result) == ("failed", fault.code, fault.places, None)
    assert by_queue == by_http


@pytest.mark.parametrize("name", ["TrainModel", "Predict", "PredictDataset", "ReadRows", "ExplainModel"])
def test_what_one_door_took_is_the_same_job_at_the_other(
    api: Api, publisher: Publisher, names: Names, name: str
) -> None:
    command, correlation_id = {"command": name, **COMMANDS[name](names)}, str(uuid4())

    first = HttpDoor(api).send(command, correlation_id)
    second = QueueDoor(api, publisher).send(command, correlation_id)
    third = HttpDoor(api).send(command, correlation_id)

    assert first == second == third
    history = [entry["event"] for entry in api.job(correlation_id)["history"]]
    assert history.count("succeeded") == 1


def test_a_page_read_by_either_door_is_the_same_page(api: Api, publisher: Publisher, names: Names) -> None:
    command = {"command": "ReadRows", **COMMANDS["ReadRows"](names)}

    by_http, by_queue = (door.send(command) for door in (HttpDoor(api), QueueDoor(api, publisher)))

    assert by_http.result == by_queue.result
    assert by_http.result is not None
    assert len(by_http.result["rows"]) == 10


def test_kept_columns_come_back_as_they_came_by_either_door(door: Door, api: Api, names: Names) -> None:
    rows = [{**PARCEL, "customer_id": "007"}, {**PARCEL, "weight": 28}, {**PARCEL, "customer_id": 1.5}]
    keep = ["customer_id", "weight"]

    outcome = door.send({"command": "Predict", "model": names["parcel-model"], "rows": rows, "keep": keep})

    assert outcome.result is not None, outcome
    assert outcome.result["kept"] == {name: [row.get(name) for row in rows] for name in keep}
    assert "extra" not in outcome.result["report"]
    RESULT_MODELS["Predict"].model_validate(outcome.result)
    at_once = api.post(f"/models/{names['parcel-model']}/predict", {"rows": rows, "keep": keep}).document
    assert at_once["kept"] == outcome.result["kept"]


def test_a_model_trained_by_either_door_is_the_same_model(api: Api, publisher: Publisher, names: Names) -> None:
    outcomes = [
        door.send({"command": "TrainModel", **COMMANDS["TrainModel"](names)})
        for door in (HttpDoor(api), QueueDoor(api, publisher))
    ]

    versions = [outcome.result["version"] for outcome in outcomes if outcome.result]
    kept = ("metrics", "signature", "hyperparameters", "seed", "hold_out", "dataset_sha256", "row_count")
    assert [{name: version[name] for name in kept} for version in versions] == [
        {name: versions[0][name] for name in kept}
    ] * 2
