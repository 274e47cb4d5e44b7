"""The study of examples/model_study.py: tuned, measured, explained, watched over HTTP, against scikit-learn itself."""

import io
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp
from sklearn import metrics

from modelbus.stack import LocalStack
from tests.e2e.api import Api

SCRIPT = Path("examples") / "model_study.py"
MODELS = ("forest", "linear")


@dataclass(frozen=True)
class Study:
    """What the script left behind."""

    answers: dict[str, Any]
    folder: Path
    run: str

    def table(self, name: str) -> pd.DataFrame:
        """A table as the script made it."""
        sys.path.insert(0, str(SCRIPT.parent))
        try:
            import model_study
        finally:
            sys.path.remove(str(SCRIPT.parent))
        return pd.read_csv(io.StringIO(model_study.TABLES[name]))


@pytest.fixture(scope="module")
def study(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("study")
    environment = {**os.environ, "MODELBUS_URL": stack.gateway_url}
    command = [sys.executable, str(SCRIPT), "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = json.loads((folder / "answers.json").read_text())
    return Study(answers, folder, answers["customers"]["name"].removeprefix("customers-"))


@pytest.fixture(scope="module")
def truth(study: Study) -> np.ndarray:
    """Who has left, of the rows to measure on."""
    return (study.table("held-out")["left"] == "gone").to_numpy()


@pytest.fixture(scope="module")
def answered(api: Api, study: Study) -> dict[str, pd.DataFrame]:
    """What each model answers for those rows, by a job of its own."""
    found = {}
    for name in MODELS:
        asked = {"dataset": f"held-out-{study.run}", "has_probabilities": True}
        job = api.post(f"/models/{name}-{study.run}/predict?wait=60", asked)
        assert job.status == 200, job
        lines = api.get(f"/predictions/{job.correlation_id}/content?format=jsonl").body
        found[name] = pd.read_json(io.BytesIO(lines), lines=True, precise_float=True)
    return found


def probability_of_gone(frame: pd.DataFrame) -> np.ndarray:
    (column,) = [name for name in frame.columns if "gone" in name]
    return frame[column].to_numpy(dtype=np.float64)


@pytest.mark.parametrize("name", MODELS)
def test_the_best_candidate_is_the_model(study: Study, name: str) -> None:
    candidates, version = study.answers[f"{name}-candidates"]["candidates"], study.answers[name]

    means = [np.mean(candidate["scores"]) for candidate in candidates]
    assert [candidate["mean"] for candidate in candidates] == pytest.approx(means)
    assert candidates[0]["mean"] == max(candidate["mean"] for candidate in candidates)
    assert candidates[0]["hyperparameters"].items() <= version["hyperparameters"].items()
    assert len(candidates) == {"forest": 4, "linear": 6}[name]


@pytest.mark.parametrize("name", MODELS)
def test_the_metrics_are_those_of_scikit_learn(
    study: Study, answered: dict[str, pd.DataFrame], truth: np.ndarray, name: str
) -> None:
    found = study.answers[f"{name}-evaluation"]["metrics"]
    likely = probability_of_gone(answered[name])
    predicted = (answered[name]["prediction"] == "gone").to_numpy()

    direct = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
        "matthews_correlation": metrics.matthews_corrcoef(truth, predicted),
        "roc_auc": metrics.roc_auc_score(truth, likely),
        "average_precision": metrics.average_precision_score(truth, likely),
        "log_loss": metrics.log_loss(truth, likely),
    }
    assert {metric: found[metric] for metric in direct} == pytest.approx(direct)
    interval = study.answers[f"{name}-evaluation"]["intervals"]["roc_auc"]
    assert interval["low"] < direct["roc_auc"] < interval["high"]


def test_the_comparison_is_of_those_metrics(study: Study) -> None:
    rows = {row["metric"]: row for row in study.answers["comparison"]["metrics"]}
    values = [study.answers[f"{name}-evaluation"]["metrics"]["roc_auc"] for name in MODELS]

    assert rows["roc_auc"]["values"] == values
    assert rows["roc_auc"]["differences"] == [0.0, values[1] - values[0]]
    assert study.answers["winner"] == MODELS[int(np.argmax(values))]


def test_the_plots_are_drawn_from_points_that_scikit_learn_gives(
    study: Study, answered: dict[str, pd.DataFrame], truth: np.ndarray
) -> None:
    drawn = {path.stem for path in study.folder.glob("*.svg")}
    assert {"roc", "precision_recall", "calibration", "confusion"} <= drawn
    for name in drawn:
        assert ET.fromstring((study.folder / f"{name}.svg").read_bytes()).tag.endswith("svg")

    likely = probability_of_gone(answered[study.answers["winner"]])
    points = json.loads((study.folder / "roc.json").read_text())
    (curve,) = [layer for layer in points["layers"] if layer["kind"] in ("line", "steps")]
    assert metrics.auc(curve["x"], curve["y"]) == pytest.approx(metrics.roc_auc_score(truth, likely), abs=1e-6)


def test_explanations_learning_curves_and_drift_are_drawn_from_what_was_answered(study: Study) -> None:
    def layers(name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((study.folder / f"{name}.json").read_text())["layers"]
        return found

    explanation, curve, drift = (
        study.answers[name] for name in ("model-explanation", "learning-curve", "drift-shifted")
    )
    for answer in (explanation, curve, drift):
        assert answer["plots"]
        assert {*answer["plots"]} <= {path.stem for path in study.folder.glob("*.svg")}
    assert layers("importance")[0]["y"] == [each["mean"] for each in explanation["importance"]["columns"]]
    (ranked,) = [one for one in curve["curves"] if one["name"] == "roc_auc"]
    assert layers("learning_curve_roc_auc")[1]["y"] == ranked["hold_out"]
    assert [plot for plot in drift["plots"] if plot.removeprefix("drift_") in drift["drifted_columns"]]


def test_the_contributions_add_up_to_the_prediction(api: Api, study: Study) -> None:
    (of_row,) = study.answers["explanation"]["rows"]
    (explanation,) = of_row["explanations"]
    row = {column["column"]: column["given"] for column in explanation["columns"]}

    asked = {"rows": [row], "has_probabilities": True}
    answer = api.post(f"/models/{study.answers['winner']}-{study.run}/predict", asked).document
    likely = answer["probabilities"][0][answer["classes"].index(explanation["output"])]
    total = explanation["base_value"] + sum(column["contribution"] for column in explanation["columns"])
    assert total == pytest.approx(explanation["value"]) == pytest.approx(likely)
    assert answer["predictions"][0] == of_row["prediction"] == explanation["output"]


def test_only_the_shifted_columns_have_drifted(study: Study) -> None:
    same, shifted = study.answers["drift-held-out"], study.answers["drift-shifted"]

    assert same["drifted_columns"] == []
    assert sorted(shifted["drifted_columns"]) == ["plan", "spend"]
    for name, report in (("held-out", same), ("shifted", shifted)):
        (spend,) = [column for column in report["columns"] if column["name"] == "spend"]
        (told,) = [one["value"] for one in spend["statistics"] if one["name"] == "kolmogorov_smirnov"]
        direct = ks_2samp(study.table("customers")["spend"].dropna(), study.table(name)["spend"].dropna())
        assert told == pytest.approx(direct.statistic)
