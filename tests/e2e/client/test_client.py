"""The Python client, both of its twins, against the whole stack: the round that a user does, and what is refused."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelbus import Client, errors
from modelbus.stack import LocalStack
from tests.e2e.api import JOB_TIMEOUT_S, Api, fresh
from tests.e2e.tables import PARCEL, numbers

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A small table in a file."""
    path = tmp_path / "shop.csv"
    rows = "".join(f"{size / 2},{'red' if size % 2 else 'blue'},{size * 7}\n" for size in range(40))
    path.write_text(f"size,color,price\n{rows}")
    return path


def test_a_table_is_uploaded_trained_on_predicted_and_measured(client: Any, shop: Path, tmp_path: Path) -> None:
    name = fresh("shop")
    dataset = client.datasets.upload(shop, name, target="price")
    assert (dataset.name, dataset.row_count, [column.type for column in dataset.columns]) == (
        name,
        40,
        ["real", "text", "integer"],
    )

    job = client.train(name, name, "price", estimator="Ridge", hyperparameters={"alpha": 0.5}, note="the first")
    trained = job.result(JOB_TIMEOUT_S)
    assert (trained.reference, trained.is_champion, trained.version.note) == (f"{name}@1", True, "the first")
    assert (job.status, job.has_ended, job.correlation_id) == ("succeeded", True, trained.version.correlation_id)

    answer = client.predict(name, [{"size": 2.0, "color": "red"}, {"size": 3.0, "color": None}])
    assert (answer.model, answer.version, len(answer)) == (name, 1, 2)
    assert answer.report == {"missing": {"color": 1}}

    table = client.predict_dataset(name, name).result(JOB_TIMEOUT_S)
    assert table.told.row_count == 40
    frame = table.to_frame()
    assert list(frame.columns) == ["row", "prediction"]
    saved = table.download(tmp_path / "predictions.jsonl")
    assert len(saved.read_text().splitlines()) == 40
    rows = pd.read_csv(shop).drop(columns="price")
    assert np.allclose(client.predict(name, rows).to_frame()["prediction"], frame["prediction"])

    evaluation = client.evaluate(f"{name}@1", name).result(JOB_TIMEOUT_S)
    assert evaluation.metrics["r2"] > 0.9
    assert client.evaluations.get(evaluation.id).metrics == evaluation.metrics
    assert evaluation.id in [one.id for one in client.evaluations.list()]
    assert [one.id for one in client.evaluations.list(model=name, dataset=name)] == [evaluation.id]
    client.evaluations.delete(evaluation.id)
    with pytest.raises(errors.UnknownEvaluation):
        client.evaluations.get(evaluation.id)


def test_a_frame_comes_back_with_its_types(client: Any) -> None:
    frame = pd.DataFrame(
        {
            "code": ["007", "1", None],
            "kind": pd.Categorical(["a", "b", "a"]),
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "when": pd.to_datetime(["2024-01-31T10:00+02:00", None, "1999-12-31T23:59Z"], utc=True),
        },
        index=pd.Index(["x", "y", "z"], name="key"),
    )
    name = fresh("frame")
    dataset = client.datasets.upload(frame, name)
    types = {column.name: column.type for column in dataset.columns}
    assert types == {
        "key": "text",
        "code": "text",
        "kind": "text",
        "whole": "integer",
        "flag": "boolean",
        "when": "datetime",
    }
    back = client.datasets.to_frame(name)
    assert back["code"].tolist()[:2] == ["007", "1"]
    assert back["when"].iloc[0] == frame["when"].iloc[0]
    assert str(back["when"].dtype.tz) == "UTC"


def test_predictions_have_the_index_of_the_frame(client: Any, parcel_model: str) -> None:
    rows = pd.DataFrame([PARCEL, {**PARCEL, "weight": 29.0}], index=["first", "second"])
    answer = client.predict(parcel_model, rows, has_probabilities=True)
    frame = answer.to_frame()
    assert frame.index.tolist() == ["first", "second"]
    assert frame.loc["second", "prediction"] == "heavy"
    assert list(frame.columns) == ["prediction", *(f"probability_{label}" for label in answer.classes)]
    assert np.allclose(frame.drop(columns="prediction").sum(axis=1), 1.0)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_dataset_is_downloaded_as_its_name_says(
    client: Any, number_dataset: str, tmp_path: Path, suffix: str
) -> None:
    path = client.datasets.download(number_dataset, tmp_path / f"numbers.{suffix}")
    read = {"csv": pd.read_csv, "jsonl": lambda one: pd.read_json(one, lines=True), "parquet": pd.read_parquet}[suffix]
    assert len(read(path)) == 400
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_failed_download_leaves_no_file(client: Any, tmp_path: Path) -> None:
    with pytest.raises(errors.UnknownDataset):
        client.datasets.download("there-is-none", tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_listed_and_read(client: Any, number_dataset: str, amount_model: str) -> None:
    assert number_dataset in [one.name for one in client.datasets.list()]
    assert client.datasets.get(number_dataset).row_count == 400
    page = client.datasets.rows(number_dataset, offset=398, limit=10, columns=["b", "a"])
    assert (page.columns, page.next, page.to_frame().index.tolist()) == (["b", "a"], None, [398, 399])
    assert client.estimators.get("Ridge").task == "regression"
    assert {one.task for one in client.estimators.list("clustering")} == {"clustering"}
    assert client.models.get(amount_model).versions == [1]
    assert client.models.version(f"{amount_model}@champion") == client.models.version(amount_model)
    assert client.models.usage(amount_model).model == amount_model
    assert {"trainer", "predictor", "evaluator"} <= {one["service"] for one in client.services().services}
    jobs = client.jobs.list(command="TrainModel", status="succeeded", limit=3)
    assert {one.command for one in jobs} == {"TrainModel"}


def test_a_model_is_retrained_tagged_aliased_and_deleted(client: Any, number_dataset: str, tmp_path: Path) -> None:
    name = fresh("model")
    options = {"features": ["a", "b", "c"], "tags": {"team": "risk"}}
    client.train(name, number_dataset, "amount", estimator="Ridge", **options).result(JOB_TIMEOUT_S)
    again = client.models.retrain(name, hyperparameters={"alpha": 3.0}, promote="never").result(JOB_TIMEOUT_S)
    assert (again.version.version, again.is_champion) == (2, False)
    assert client.models.version(f"{name}@2").hyperparameters == {"alpha": 3.0}
    assert [one.version for one in client.models.versions(name)] == [1, 2]

    assert client.models.set_alias(name, "candidate", 2).aliases == {"champion": 1, "candidate": 2}
    changed = client.models.tag(f"{name}@candidate", {"team": None, "seen": "yes"}, note="better not")
    assert (changed.tags, changed.note) == ({"seen": "yes"}, "better not")
    artifact = client.models.download_artifact(f"{name}@2", tmp_path / "model.skops")
    assert artifact.stat().st_size == changed.artifact_size_bytes

    with pytest.raises(errors.StillInUse):
        client.models.delete_version(f"{name}@2")
    client.models.remove_alias(name, "candidate")
    client.models.delete_version(f"{name}@2")
    client.models.delete(name)
    with pytest.raises(errors.UnknownModel):
        client.models.version(name)


def test_a_file_is_previewed_and_a_training_checked_without_a_trace(
    client: Any, shop: Path, number_dataset: str
) -> None:
    preview = client.datasets.preview(shop, row_limit=3)
    assert (preview.format, preview.delimiter, len(preview.rows)) == ("csv", ",", 3)
    check = client.check_training("m", number_dataset, "amount", estimator="Ridge", features=["a"])
    assert (check.task, check.features, check.hold_out_row_count) == ("regression", ["a"], 80)
    with pytest.raises(errors.InvalidCommand):
        client.check_training("m", number_dataset, "nothing", estimator="Ridge")


def test_faults_are_typed_and_tell_the_field(client: Any, number_dataset: str, amount_model: str) -> None:
    with pytest.raises(errors.UnknownEstimator, match="did you mean"):
        client.train("m", number_dataset, "amount", estimator="Rigde")
    with pytest.raises(errors.InvalidCommand) as wrong:
        client.train("m", number_dataset, "amount", estimator="Ridge", sed=3)
    assert [detail["where"] for detail in wrong.value.details] == ["sed"]
    with pytest.raises(errors.SignatureMismatch) as unfit:
        client.predict(amount_model, [{"a": "x", "b": 1, "c": 2}])
    assert [detail["where"] for detail in unfit.value.details] == ["rows.0.a"]
    with pytest.raises(errors.BadRequest):
        client.datasets.get("no name")
    with pytest.raises(errors.DatasetExists):
        client.datasets.upload(b"a,b\n1,2\n", number_dataset)
    with pytest.raises(errors.UnknownJob):
        client.jobs.get("0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10")


def test_a_malformed_file_is_refused_with_its_lines(client: Any) -> None:
    with pytest.raises(errors.MalformedTable) as caught:
        client.datasets.upload(io.BytesIO(b"a,b\n1,2\n3\n"), fresh("bad"))
    assert [detail["where"] for detail in caught.value.details] == ["line 3"]
    assert caught.value.correlation_id
    dataset = client.datasets.upload(b"a;b\n1;2\n3\n", fresh("bad"), options={"delimiter": ";", "on_bad_rows": "skip"})
    assert (dataset.row_count, dataset.skipped_row_count) == (1, 1)


def test_what_is_said_of_a_file_may_be_long(client: Any) -> None:
    names = [f"a column with a rather long name, number {number}" for number in range(200)]
    options = {"columns": {name: {"type": "text"} for name in names}}
    table = ",".join(f'"{name}"' for name in names) + "\n" + ",".join("1" for _ in names) + "\n"
    dataset = client.datasets.upload(table.encode(), fresh("wide"), format="csv", options=options)
    assert {column.type for column in dataset.columns} == {"text"}


def test_a_job_that_fails_raises_what_it_failed_of(client: Any, number_dataset: str) -> None:
    job = client.train(
        fresh("model"), number_dataset, "kind", estimator="KNeighborsClassifier", hyperparameters={"n_neighbors": 10**6}
    )
    with pytest.raises(errors.EstimatorRejected) as caught:
        job.result(JOB_TIMEOUT_S)
    assert caught.value.correlation_id == job.correlation_id
    assert job.status == "failed"
    replayed = client.jobs.replay(job.correlation_id)
    assert replayed.wait(JOB_TIMEOUT_S).status == "failed"


def test_a_running_job_can_be_watched_given_up_and_cancelled(client: Any, endless_training: dict[str, Any]) -> None:
    options = dict(endless_training)
    dataset, target = options.pop("dataset"), options.pop("target")
    job = client.train(fresh("endless"), dataset, target, **options)
    seen = []
    for record in job.changes(JOB_TIMEOUT_S):
        seen.append(record)
        if record.status == "running" and record.progress and record.progress.message:
            break
    assert seen[-1].status == job.status == "running"
    with pytest.raises(errors.WaitTimedOut, match=job.correlation_id) as given_up:
        job.result(0.2)
    assert isinstance(given_up.value, TimeoutError)
    job.cancel()
    with pytest.raises(errors.JobCancelled):
        client.jobs.get(job.correlation_id).result(JOB_TIMEOUT_S)
    assert job.cancel().status == "cancelled"


def test_a_dataset_that_others_stand_on_is_deleted_by_force_only(client: Any) -> None:
    name = fresh("stood-on")
    client.datasets.upload(numbers(60).encode(), name, format="csv")
    client.train(name, name, "amount", estimator="Ridge", features=["a"]).result(JOB_TIMEOUT_S)
    with pytest.raises(errors.StillInUse):
        client.datasets.delete(name)
    client.datasets.delete(name, force=True)
    with pytest.raises(errors.UnknownDataset):
        client.datasets.get(name)


def test_a_bar_shows_what_the_job_does(
    stack: LocalStack, number_dataset: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Client(stack.gateway_url) as client:
        job = client.train(fresh("model"), number_dataset, "amount", estimator="Ridge", features=["a"])
        job.result(JOB_TIMEOUT_S, progress=True)
    shown = capsys.readouterr()
    assert "training" in shown.err or "waiting" in shown.err
    assert shown.out == ""


def test_every_result_can_be_had_by_its_jobs_id(client: Any, api: Api, number_dataset: str, amount_model: str) -> None:
    prediction = client.predict(amount_model, {"a": 1, "b": 2, "c": 3})
    again = client.jobs.get(prediction.correlation_id).result(JOB_TIMEOUT_S)
    assert again.predictions == prediction.predictions
    bulk = client.predict_dataset(amount_model, number_dataset)
    assert client.jobs.get(bulk.correlation_id).result(JOB_TIMEOUT_S).told.row_count == 400
    export = api.get(f"/datasets/{number_dataset}/content?format=csv&wait=60").correlation_id
    assert client.jobs.get(export).result(JOB_TIMEOUT_S)["row_count"] == 400
