"""Predictions of whole datasets: by a job, as a table to download."""

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from tests.e2e.api import Api
from tests.e2e.tables import numbers


def test_a_dataset_is_predicted_by_a_job_and_downloaded(api: Api, parcel_model: str, parcel_dataset: str) -> None:
    accepted = api.post(f"/models/{parcel_model}/predict", {"dataset": parcel_dataset, "has_probabilities": True})

    assert accepted.status == 202
    job = api.ended_job(accepted.correlation_id)
    assert (job["status"], job["result"]["row_count"]) == ("succeeded", 300)
    answers = {
        name: api.get(f"/predictions/{accepted.correlation_id}/content?format={name}")
        for name in ("csv", "parquet", "jsonl")
    }
    lines = list(csv.DictReader(io.StringIO(answers["csv"].body.decode())))
    table = pq.read_table(io.BytesIO(answers["parquet"].body)).to_pylist()
    assert answers["csv"].headers["Content-Type"].startswith("text/csv")
    assert [int(line["row"]) for line in lines] == list(range(300))
    assert [line["prediction"] for line in lines] == [row["prediction"] for row in table]
    assert lines[0].keys() == {"row", "prediction", "probability_express", "probability_heavy", "probability_light"}
    assert answers["jsonl"].headers["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answers["jsonl"].body.splitlines()] == table


@pytest.mark.parametrize(
    ("target", "estimator", "columns"),
    [("kind", "LinearSVC", {"score_high", "score_low", "score_mid"}), ("is_big", "LogisticRegression", {"score"})],
)
def test_scores_of_a_dataset_are_stored_on_request(api: Api, target: str, estimator: str, columns: set[str]) -> None:
    lines = numbers(80).splitlines()
    rows = [f"{line},{'true' if number % 2 else 'false'}" for number, line in enumerate(lines[1:])]
    dataset = api.dataset("\n".join([f"{lines[0]},is_big", *rows]) + "\n", "scored")
    model = api.train(dataset, target, estimator, features=["a", "b", "c"])["version"]["model"]

    answer = api.post(f"/models/{model}/predict?wait=60", {"dataset": dataset, "has_scores": True})

    table = pq.read_table(io.BytesIO(api.get(answer.document["links"]["parquet"]).body))
    assert set(table.column_names) == {"row", "prediction", *columns}
    if target == "is_big":
        assert [row["prediction"] for row in table.to_pylist()] == [row["score"] > 0 for row in table.to_pylist()]


def test_a_predicted_dataset_agrees_with_its_rows_asked_at_once(
    api: Api, amount_model: str, unlabelled_dataset: str
) -> None:
    answer = api.post(f"/models/{amount_model}/predict?wait=60", {"dataset": unlabelled_dataset})

    assert (answer.status, answer.document["row_count"]) == (200, 2)
    table = pq.read_table(io.BytesIO(api.get(f"{answer.document['links']['parquet']}").body)).to_pylist()
    rows = [{"a": 1.5, "b": 2.5, "c": 3.5}, {"a": -1.0, "b": 0.0, "c": 1.0}]
    asked = api.post(f"/models/{amount_model}/predict", {"rows": rows})
    assert [row["prediction"] for row in table] == asked.document["predictions"]


def test_a_dataset_that_lacks_a_column_fails_by_its_name(api: Api, parcel_model: str, unlabelled_dataset: str) -> None:
    answer = api.post(f"/models/{parcel_model}/predict?wait=60", {"dataset": unlabelled_dataset})

    assert (answer.status, answer.code) == (422, "signature_mismatch")
    assert "weight" in answer.detail


def test_text_that_a_spreadsheet_would_run_is_marked_in_the_csv(api: Api) -> None:
    dataset = api.dataset("a,label\n" + "".join(f"{number},=1+{number % 2}\n" for number in range(40)), "formulas")
    model = api.train(dataset, "label", "DecisionTreeClassifier")["version"]["model"]

    answer = api.post(f"/models/{model}/predict?wait=60", {"dataset": dataset})

    content = api.get(f"{answer.document['links']['csv']}").body.decode()
    assert {line.split(",")[1] for line in content.splitlines()[1:]} <= {"'=1+0", "'=1+1"}


def test_only_a_predicted_dataset_has_a_table_to_download(api: Api, parcel_model: str, unlabelled_dataset: str) -> None:
    training = api.get(f"/models/{parcel_model}/versions/1").document["correlation_id"]
    failed = api.post(f"/models/{parcel_model}/predict?wait=60", {"dataset": unlabelled_dataset})

    assert api.get(f"/predictions/{training}/content").status == 404
    assert api.get(f"/predictions/{failed.correlation_id}/content").status == 409
    assert api.get(f"/predictions/{training}/content?format=xlsx").status == 400
    assert api.get("/predictions/not-an-id/content").status == 400


def test_a_dataset_is_answered_with_decision_scores_on_request(
    api: Api, number_dataset: str, unlabelled_dataset: str
) -> None:
    model = api.train(number_dataset, "kind", "LinearSVC", features=["a", "b", "c"])["version"]["model"]

    answer = api.post(f"/models/{model}/predict?wait=60", {"dataset": unlabelled_dataset, "has_scores": True})

    lines = api.get(answer.document["links"]["csv"]).body.decode().splitlines()
    assert lines[0] == "row,prediction,score_high,score_low,score_mid"
    for line in lines[1:]:
        _, label, *scores = line.split(",")
        assert max(scores, key=float) == scores[["high", "low", "mid"].index(label)]


def test_the_table_of_a_job_that_has_not_succeeded_is_a_conflict(api: Api, amount_model: str) -> None:
    dataset = api.dataset("x,y\n1,2\n", "other-columns")
    failed = api.post(f"/models/{amount_model}/predict", {"dataset": dataset}).correlation_id
    assert api.ended_job(failed)["status"] == "failed"

    answer = api.get(f"/predictions/{failed}/content")

    assert (answer.status, answer.code) == (409, "conflict")
    assert "failed" in answer.detail
