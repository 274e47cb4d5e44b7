"""The Python client, both of its twins: what is said about models and evaluations, with its tables and plots."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from modelbus import errors
from tests.e2e.api import JOB_TIMEOUT_S, Api, fresh
from tests.e2e.tables import PARCEL, numbers, parcels

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def evaluations(client: Any, amount_model: str, number_dataset: str) -> list[str]:
    """Two evaluations of one model."""
    jobs = [client.evaluate(amount_model, number_dataset, evaluation=fresh("study")) for _ in range(2)]
    return [job.result(JOB_TIMEOUT_S).id for job in jobs]


def test_a_model_is_explained_by_its_columns(client: Any, parcel_model: str) -> None:
    job = client.explain(parcel_model, repeats=2, column_limit=2)
    explanation = job.result(JOB_TIMEOUT_S)

    frame = explanation.importance.to_frame()
    assert list(frame.index)[:2] == ["weight", "express"]
    assert frame.loc["weight", "mean"] > frame.loc["sent_on", "mean"]
    weight = explanation.partial_dependence[0].to_frame()
    assert weight.index.name == "weight"
    assert weight["heavy"].iloc[19] > 0.9 > 0.1 > weight["heavy"].iloc[0]
    assert client.jobs.get(job.correlation_id).result(JOB_TIMEOUT_S) == explanation


def test_the_same_question_is_the_same_job(client: Any, parcel_model: str) -> None:
    question = {"row_limit": 40, "repeats": 1, "kinds": ["importance"]}
    first, second = client.explain(parcel_model, **question), client.explain(f"{parcel_model}@1", **question)
    assert first.correlation_id == second.correlation_id
    assert client.explain(parcel_model, **question, seed=1).correlation_id != first.correlation_id


def test_predictions_are_explained_by_the_labels_of_their_frame(client: Any, parcel_model: str) -> None:
    rows = pd.DataFrame([PARCEL, {**PARCEL, "weight": 29.0}], index=["light", "heavy"])
    explanation = client.explain_prediction(parcel_model, rows, background_row_count=20).result(JOB_TIMEOUT_S)

    frame = explanation.to_frame()
    assert frame["row"].unique().tolist() == ["light", "heavy"]
    for _, one in frame.groupby("row"):
        assert one["base_value"].iloc[0] + one["contribution"].sum() == pytest.approx(one["value"].iloc[0])
    assert frame[frame["row"] == "heavy"]["column"].iloc[0] == "weight"
    answers = client.predict(parcel_model, rows).predictions
    assert [row.prediction for row in explanation.rows] == answers


def test_a_prediction_is_compared_with_the_rows_of_a_dataset(
    client: Any, amount_model: str, number_dataset: str
) -> None:
    row = {"a": 1.0, "b": 2.0, "c": 3.0}
    job = client.explain_prediction(amount_model, row, dataset=number_dataset, method="exact")
    explanation = job.result(JOB_TIMEOUT_S)
    assert (explanation.background.dataset, explanation.method) == (number_dataset, "exact")
    assert sorted(explanation.to_frame()["column"]) == ["a", "b", "c"]


def test_a_learning_curve_ends_with_the_version_itself(client: Any, amount_model: str) -> None:
    learning = client.learning_curve(amount_model, fractions=[0.5, 1.0]).result(JOB_TIMEOUT_S)
    frame = learning.to_frame()
    version = client.models.version(amount_model)
    assert frame.index.tolist() == learning.x == [160, 320]
    assert frame["hold_out_r2"].iloc[-1] == pytest.approx(version.metrics["r2"])
    assert (frame["fit_s"] > 0).all()


def test_drift_of_a_dataset_and_of_what_was_predicted(client: Any, api: Api) -> None:
    dataset = api.dataset(parcels(200), "drift")
    model = str(api.train(dataset, "tariff", "DecisionTreeClassifier", features=["weight", "city"])["version"]["model"])
    same = client.drift(model, dataset=dataset).result(JOB_TIMEOUT_S)
    assert (same.has_drifted, same.to_frame()["psi"].max() < 0.01) == (False, True)

    since = datetime.now(UTC)
    for _ in range(3):
        client.predict(model, [{"weight": 500.0 + number, "city": "Utopia"} for number in range(20)])
    drift = client.drift(model, since=since, thresholds={"psi": 0.2, "unseen_rate": 0.5}).result(JOB_TIMEOUT_S)

    assert (drift.current.row_count, drift.drifted_columns) == (60, ["weight", "city"])
    frame = drift.to_frame()
    assert frame.index.tolist() == ["weight", "city", "(predictions)"]
    assert frame.loc["city", "unseen_rate"] == 1.0
    assert frame.loc["weight", "has_drifted"]


def test_faults_of_questions_name_the_field(client: Any, parcel_model: str, amount_model: str) -> None:
    for ask in (client.explain, client.learning_curve):
        with pytest.raises(errors.UnknownModel):
            ask("there-is-none")
    with pytest.raises(errors.UnknownModel):
        client.explain_prediction("there-is-none", [PARCEL])
    with pytest.raises(errors.UnknownDataset):
        client.drift(amount_model, dataset="there-is-none")
    with pytest.raises(errors.InvalidCommand, match="either"):
        client.drift(amount_model)
    with pytest.raises(errors.InvalidCommand) as wrong:
        client.explain(parcel_model, metric="r2")
    assert [detail["where"] for detail in wrong.value.details] == ["metric"]
    with pytest.raises(errors.SignatureMismatch):
        client.explain_prediction(parcel_model, {"weight": 1.0}).result(JOB_TIMEOUT_S)


def test_evaluations_stand_side_by_side(client: Any, evaluations: list[str]) -> None:
    found = client.evaluations.compare(evaluations)
    assert [one.id for one in found.evaluations] == evaluations
    frame = found.to_frame()
    assert list(frame.columns) == evaluations
    assert frame.loc["r2", evaluations[0]] == frame.loc["r2", evaluations[1]]
    assert {metric.metric: metric.best for metric in found.metrics}["r2"] == evaluations
    with pytest.raises(errors.UnknownEvaluation):
        client.evaluations.compare([evaluations[0], "there-is-none"])
    with pytest.raises(errors.BadRequest, match="2 to 10"):
        client.evaluations.compare(evaluations[:1])


def test_plots_are_listed_read_and_saved(client: Any, evaluations: list[str], tmp_path: Path) -> None:
    names = client.evaluations.plots(evaluations[0])
    assert "residuals" in names
    plot = client.evaluations.plot(evaluations[0], "residuals")
    assert plot.name == "residuals"
    assert any(len(layer.x) > 10 for layer in plot.layers)

    picture = client.evaluations.download_plot(evaluations[0], "residuals", tmp_path / "residuals.svg")
    assert ET.fromstring(picture.read_text()).tag.endswith("svg")
    points = client.evaluations.download_plot(evaluations[0], "residuals", str(tmp_path / "residuals.json"))
    assert json.loads(points.read_text())["name"] == "residuals"


def test_a_plot_that_is_not_there_leaves_no_file(client: Any, evaluations: list[str], tmp_path: Path) -> None:
    with pytest.raises(errors.NotFound, match=r"its plots are .*residuals"):
        client.evaluations.plot(evaluations[0], "roc")
    with pytest.raises(errors.NotFound):
        client.evaluations.download_plot(evaluations[0], "roc", tmp_path / "roc.svg")
    with pytest.raises(errors.UnknownEvaluation):
        client.evaluations.plots("there-is-none")
    with pytest.raises(errors.InvalidCommand, match=r"\.svg"):
        client.evaluations.download_plot(evaluations[0], "residuals", tmp_path / "residuals.png")
    assert list(tmp_path.iterdir()) == []


def test_predictions_of_a_dataset_are_measured(client: Any, scored_dataset: str) -> None:
    options = {"probabilities": {"good": "p"}, "evaluation": fresh("scored")}
    job = client.evaluate_predictions(scored_dataset, "truth", "guess", task="classification", **options)
    record = job.result(JOB_TIMEOUT_S)
    assert (record.id, record.model) == (options["evaluation"], None)
    assert record.metrics["roc_auc"] > 0.7
    assert "roc" in client.evaluations.plots(record.id)


def test_the_candidates_of_a_search_are_read(client: Any, number_dataset: str, amount_model: str) -> None:
    name = fresh("searched")
    options = {"features": ["a", "b"], "search": {"method": "grid", "space": {"alpha": {"values": [0.1, 1.0, 10.0]}}}}
    client.train(name, number_dataset, "amount", estimator="Ridge", **options).result(JOB_TIMEOUT_S)
    frame = client.models.candidates(name).to_frame()
    assert sorted(frame["hyperparameters.alpha"]) == [0.1, 1.0, 10.0]
    assert frame["rank"].tolist() == [1, 2, 3]
    with pytest.raises(errors.NotFound, match="trained without a search"):
        client.models.candidates(amount_model)


def test_a_question_whose_answer_takes_long_is_followed(client: Any, api: Api) -> None:
    dataset = api.dataset(numbers(300), "followed")
    model = str(api.train(dataset, "amount", "Ridge", features=["a", "b"])["version"]["model"])
    job = client.explain(model, repeats=3)
    statuses = [one.status for one in job.events(timeout_s=JOB_TIMEOUT_S)]
    assert statuses[-1] == "succeeded"
    assert job.result(JOB_TIMEOUT_S).importance.repeats == 3
