"""What a command is refused for by what there is, or is not: alike at either door, in the same words."""

import pytest

from modelbus.shared.store.connection import Document
from tests.door_commands import COMMANDS, Fault, Names
from tests.e2e.api import fresh
from tests.e2e.tables import PARCEL
from tests.integration.refusals.direct_doors import FILES_LEFT_OPEN, HANDLERS, DirectDoors

pytestmark = FILES_LEFT_OPEN

INVALID, BAD_HYPERPARAMETER = "invalid_command", {"hyperparameters": {"max_depth": 0}}
BY_CONTRACT = [
    # an upload by HTTP has no body for further fields
    *(Fault(name, INVALID, {"colour": "red"}, places=("colour",)) for name in COMMANDS if name != "ProfileDataset"),
    # HTTP has these as text
    Fault("ReadRows", INVALID, {"offset": -1}, places=("offset",)),
    Fault("ReadRows", INVALID, {"limit": 1001}, places=("limit",)),
    Fault("ExportDataset", INVALID, {"format": "xlsx"}, places=("format",), is_told_alike=False),
    Fault("ExportDataset", INVALID, {"format": "csv", "formulas": "run"}, places=("formulas",)),
    # HTTP takes predictions too, and says so
    Fault("EvaluateModel", INVALID, without="model", places=("model",), is_told_alike=False),
]
BY_RECORDS = [
    Fault("ProfileDataset", "dataset_exists", {"dataset": "parcels"}),
    Fault(
        "ProfileDataset",
        "malformed_table",
        {"source": {"kind": "inline", "text": "a,b\n1\n"}},
        places=("line 2",),
    ),
    Fault("TrainModel", INVALID, BAD_HYPERPARAMETER, places=("hyperparameters.max_depth",)),
    Fault("TrainModel", INVALID, {"hyperparameters": {"n_jobs": 4}}, places=("hyperparameters.n_jobs",)),
    Fault("TrainModel", INVALID, {"target": "tarif"}, places=("target",)),
    Fault("TrainModel", INVALID, {"features": ["weight", "hieght"]}, places=("features.1",)),
    Fault("TrainModel", INVALID, {"task": "regression"}, places=("task",)),
    Fault("TrainModel", INVALID, without="target", places=("target",)),
    Fault(
        "TrainModel",
        INVALID,
        {"search": {"method": "random", "space": {"max_features": {"values": [1, 1.0, 0]}}}},
        places=("search.space.max_features.values.2",),
    ),
    Fault("TrainModel", INVALID, {"threshold": {}}, places=("threshold",)),
    Fault("TrainModel", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("TrainModel", "unknown_estimator", {"estimator": "randomForrest"}, places=("estimator",)),
    Fault(
        "TrainModel",
        "estimator_rejected",
        {"estimator": "KNeighborsClassifier", "hyperparameters": {"n_neighbors": 5000}},
    ),
    Fault("RetrainModel", INVALID, BAD_HYPERPARAMETER, places=("hyperparameters.max_depth",)),
    Fault(
        "RetrainModel",
        INVALID,
        {"search": {"method": "random", "space": {"max_depth": {"values": [0]}}}},
        places=("search.space.max_depth.values.0",),
    ),
    Fault("RetrainModel", "unknown_model", {"model": "nowhere"}),
    Fault("RetrainModel", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("PredictDataset", INVALID, {"has_probabilities": True}, places=("has_probabilities",)),
    Fault("PredictDataset", INVALID, {"keep": ["b", "aa"]}, places=("keep.1",)),
    Fault("PredictDataset", "unknown_model", {"model": "nowhere"}),
    Fault("PredictDataset", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("PredictDataset", "signature_mismatch", {"dataset": "parcels"}, places=("rows.*.a", "rows.*.b", "rows.*.c")),
    Fault("EvaluateModel", INVALID, {"weight": "wieght"}, places=("weight",)),
    Fault("EvaluateModel", INVALID, {"weight": "city"}, places=("weight",)),
    Fault("EvaluateModel", INVALID, {"truth": "tarif"}, places=("truth",)),
    Fault("EvaluateModel", INVALID, {"slices": ["city", "town"]}, places=("slices.1",)),
    Fault("EvaluateModel", INVALID, {"best_threshold": {"metric": "f1"}}, places=("best_threshold",)),
    Fault("EvaluateModel", INVALID, {"positive_class": "light"}, places=("positive_class",)),
    Fault("EvaluateModel", INVALID, {"model": "amount-model", "dataset": "unlabelled"}, places=("dataset",)),
    Fault("EvaluateModel", "evaluation_exists", {"evaluation": "evaluation"}),
    Fault("EvaluateModel", "unknown_model", {"model": "nowhere"}),
    Fault("EvaluateModel", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("EvaluatePredictions", INVALID, {"truth": "trust", "prediction": "hint"}, places=("truth", "prediction")),
    Fault("EvaluatePredictions", INVALID, {"probabilities": {"good": "q"}}, places=("probabilities.good",)),
    Fault("EvaluatePredictions", INVALID, {"positive_class": "perhaps"}, places=("positive_class",)),
    Fault(
        "EvaluatePredictions",
        INVALID,
        {"task": "regression", "probabilities": None, "best_threshold": None},
        places=("rows.0.truth",),
    ),
    Fault("EvaluatePredictions", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("EvaluatePredictions", "evaluation_exists", {"evaluation": "evaluation"}),
    Fault("ExplainModel", INVALID, {"columns": ["wieght"]}, places=("columns.0",)),
    Fault("ExplainModel", INVALID, {"metric": "r2"}, places=("metric",)),
    Fault("ExplainModel", INVALID, {"model": "amount-model", "dataset": "unlabelled"}, places=("dataset",)),
    Fault("ExplainModel", "unknown_model", {"model": "nowhere"}),
    Fault("ExplainModel", "unknown_dataset", {"dataset": "nowhere"}),
    Fault(
        "ExplainModel",
        "signature_mismatch",
        {"model": "amount-model", "dataset": "parcels"},
        places=("rows.*.a", "rows.*.b", "rows.*.c"),
    ),
    Fault("ExplainPrediction", "signature_mismatch", {"rows": [{**PARCEL, "weight": "x"}]}, places=("rows.0.weight",)),
    Fault("ExplainPrediction", "unknown_model", {"model": "nowhere"}),
    Fault("ExplainPrediction", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("MeasureLearningCurve", "estimator_rejected", {"fractions": [0.001]}),
    Fault("MeasureLearningCurve", "unknown_model", {"model": "nowhere"}),
    Fault("ReportDrift", "unknown_model", {"model": "nowhere"}),
    Fault("ReportDrift", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("ReportDrift", "signature_mismatch", {"model": "amount-model"}, places=("rows.*.a", "rows.*.b", "rows.*.c")),
    Fault("ReadRows", INVALID, {"columns": ["weight", "hieght"]}, places=("columns.1",)),
    Fault("ReadRows", INVALID, {"columns": ["weight", "weight"]}, places=("columns.1",)),
    Fault("ReadRows", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("ExportDataset", "unknown_dataset", {"dataset": "nowhere"}),
]


@pytest.fixture(scope="module")
def names(
    doors: DirectDoors,
    parcel_dataset: str,
    parcel_model: str,
    amount_model: str,
    number_dataset: str,
    unlabelled_dataset: str,
    scored_dataset: str,
) -> Names:
    """What the commands speak of."""
    evaluation = fresh("there")
    doors.result(
        {"command": "EvaluateModel", "evaluation": evaluation, "model": amount_model, "dataset": number_dataset}
    )
    return {
        "parcels": parcel_dataset,
        "parcel-model": parcel_model,
        "amount-model": amount_model,
        "numbers": number_dataset,
        "unlabelled": unlabelled_dataset,
        "scored": scored_dataset,
        "evaluation": evaluation,
    }


@pytest.mark.parametrize("fault", [*BY_CONTRACT, *BY_RECORDS], ids=str)
def test_a_faulty_command_is_refused_alike_by_either_door(doors: DirectDoors, names: Names, fault: Fault) -> None:
    refused = doors.refusal(fault.document(names), is_told_alike=fault.is_told_alike)

    assert (refused.code, refused.places) == (fault.code, fault.places)


def test_every_command_but_the_interactive_prediction_is_refused_here() -> None:
    refused = {fault.command for fault in BY_RECORDS}

    assert refused | {"CheckTraining", "PreviewDataset"} == HANDLERS.keys()


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({"tags": {"a.b": "1"}}, 422, "tags"),
        ({"tags": {"a": 1}}, 422, "tags.a"),
        ({"note": "x" * 10_001}, 422, "note"),
        ({"metrics": {}}, 422, "metrics"),
        ({"tags": {f"t{number}": "x" for number in range(51)}}, 422, "tags"),
    ],
)
def test_nothing_else_of_a_version_can_be_changed(
    doors: DirectDoors, amount_model: str, body: Document, status: int, place: str
) -> None:
    answer = doors.api.call("PATCH", f"/models/{amount_model}/versions/1", body)

    assert (answer.status, answer.code) == (status, "invalid_command")
    assert answer.places[0].startswith(place)
