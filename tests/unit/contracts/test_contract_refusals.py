"""What a command is refused for by its contract alone, whatever there is: by its place, at either door."""

import pytest

from modelbus.shared.contracts import parse_command
from modelbus.shared.errors import InvalidCommand
from tests.door_commands import Fault
from tests.e2e.tables import PARCEL

INVALID = "invalid_command"
NAMES = dict.fromkeys(("parcels", "parcel-model", "amount-model", "numbers", "unlabelled", "scored", "evaluation"), "x")
FAULTS = [
    Fault("TrainModel", INVALID, {"hyperparameters": [1]}, places=("hyperparameters",)),
    Fault("TrainModel", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("TrainModel", INVALID, {"seed": "lucky"}, places=("seed",)),
    Fault("TrainModel", INVALID, {"model": "no spaces"}, places=("model",)),
    Fault("TrainModel", INVALID, {"hold_out": {"fraction": 2}}, places=("hold_out.fraction",)),
    Fault("TrainModel", INVALID, {"search": {"method": "random", "space": {}}}, places=("search.space",)),
    Fault("TrainModel", INVALID, {"auto": {}}, places=("command",)),
    Fault("TrainModel", INVALID, {"estimator": "auto"}, places=("command",)),
    Fault("RetrainModel", INVALID, {"promote": "perhaps"}, places=("promote",)),
    Fault("RetrainModel", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("RetrainModel", INVALID, {"tuning": "perhaps"}, places=("tuning",)),
    Fault("Predict", INVALID, {"rows": []}, places=("rows",)),
    Fault("Predict", INVALID, {"rows": [{"weight": [1]}]}, places=("rows.0.weight",)),
    Fault("Predict", INVALID, {"has_probabilities": "perhaps"}, places=("has_probabilities",)),
    Fault("Predict", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("PredictDataset", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("EvaluateModel", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("EvaluateModel", INVALID, without="model", places=("model",), is_told_alike=False),
    Fault("EvaluateModel", INVALID, {"evaluation": "compare"}, places=("evaluation",)),
    Fault("EvaluateModel", INVALID, {"slices": ["city", "city"]}, places=("command",)),
    Fault("EvaluateModel", INVALID, {"intervals": {"rounds": 5}}, places=("intervals.rounds",)),
    Fault("EvaluateModel", INVALID, {"best_threshold": {"metric": "luck"}}, places=("best_threshold.metric",)),
    Fault("EvaluateModel", INVALID, {"best_threshold": {}}, places=("best_threshold",)),
    Fault("EvaluatePredictions", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("EvaluatePredictions", INVALID, without="prediction", places=("prediction",)),
    Fault("EvaluatePredictions", INVALID, without="task", places=("task",)),
    Fault("EvaluatePredictions", INVALID, {"task": "ranking"}, places=("task",)),
    Fault("EvaluatePredictions", INVALID, {"prediction": "truth"}, places=("command",)),
    Fault("ExplainModel", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("ExplainModel", INVALID, {"metric": "beauty"}, places=("metric",)),
    Fault("ExplainModel", INVALID, {"row_limit": 1}, places=("row_limit",)),
    Fault("ExplainPrediction", INVALID, {"rows": []}, places=("rows",)),
    Fault("ExplainPrediction", INVALID, {"rows": [PARCEL] * 11}, places=("rows",)),
    Fault("ExplainPrediction", INVALID, {"outputs": "some"}, places=("outputs",)),
    Fault("MeasureLearningCurve", INVALID, {"fractions": [0.5, 0.2]}, places=("command",)),
    Fault("MeasureLearningCurve", INVALID, {"fractions": [2]}, places=("fractions.0",)),
    Fault("ReportDrift", INVALID, {"since": "2026-01-31T00:00:00Z"}, places=("command",)),
    Fault("ReportDrift", INVALID, {"since": "yesterday"}, places=("since",)),
    Fault("ReportDrift", INVALID, without="dataset", places=("command",)),
    Fault("ReportDrift", INVALID, {"thresholds": {"psi": -1}}, places=("thresholds.psi",)),
    Fault("ReadRows", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("ReadRows", INVALID, {"offset": -1}, places=("offset",)),
    Fault("ReadRows", INVALID, {"limit": 1001}, places=("limit",)),
    Fault("ExportDataset", INVALID, {"format": "xlsx"}, places=("format",), is_told_alike=False),
    Fault("ExportDataset", INVALID, {"format": "csv", "formulas": "run"}, places=("formulas",)),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_command_that_breaks_its_contract_is_refused_by_its_place(fault: Fault) -> None:
    with pytest.raises(InvalidCommand) as refused:
        parse_command(fault.document(NAMES))

    assert tuple(detail["where"] for detail in refused.value.details) == fault.places
