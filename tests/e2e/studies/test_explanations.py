"""Explanations and learning curves of stored versions, over HTTP: what they say, when they are made anew, what they
cost.
"""

from typing import Any

import pytest

from tests.e2e.api import Api, fresh
from tests.e2e.tables import PARCEL, numbers


def explained(api: Api, model: str, body: dict[str, Any] | None = None, what: str = "explain") -> dict[str, Any]:
    answer = api.post(f"/models/{model}/{what}?wait=80", body or {})
    assert answer.status == 200, answer
    assert answer.correlation_id == answer.document["correlation_id"]
    explanation: dict[str, Any] = answer.document
    return explanation


def test_a_model_answers_by_the_columns_that_its_target_follows_from(api: Api, parcel_model: str) -> None:
    found = explained(api, parcel_model, {"repeats": 3, "column_limit": 3})

    importance = found["importance"]
    means = {each["column"]: each["mean"] for each in importance["columns"]}
    assert [each["column"] for each in importance["columns"]][:2] == ["weight", "express"]
    assert means.keys() == {"weight", "express", "city", "sent_on"}
    assert importance["metric"] == "balanced_accuracy"
    assert (found["row_count"], found["is_training_dataset"]) == (300, True)
    assert [one["column"] for one in found["partial_dependence"]] == [
        each["column"] for each in importance["columns"][:3]
    ]
    weight = found["partial_dependence"][0]
    heavy = next(curve for curve in weight["curves"] if curve["name"] == "heavy")
    assert heavy["y"][-1] > 0.9 > 0.1 > heavy["y"][0], "what is heavy weighs much"
    assert len(weight["x"]) == len(heavy["y"]) == 20
    assert heavy["missing"] is not None


def test_columns_of_every_type_can_be_looked_at(api: Api, parcel_model: str) -> None:
    columns = ["city", "sent_on", "express"]

    found = explained(api, parcel_model, {"kinds": ["partial_dependence"], "columns": columns, "point_limit": 4})

    assert found["importance"] is None
    shown = {one["column"]: one for one in found["partial_dependence"]}
    assert list(shown) == columns
    assert set(shown["city"]["x"]) == {"Zürich", "Malmö", "Halle, Saale", "Brno"}
    assert shown["sent_on"]["x"] == sorted(shown["sent_on"]["x"])
    assert shown["sent_on"]["x"][0].startswith("2024-01")
    assert sorted(shown["express"]["x"]) == [False, True]
    assert sum(shown["express"]["counts"]) == 300


def test_the_same_question_is_answered_by_the_same_job(api: Api, parcel_model: str) -> None:
    question = {"row_limit": 50, "repeats": 1, "column_limit": 1}

    first, second = (explained(api, parcel_model, question) for _ in range(2))
    by_version = explained(api, f"{parcel_model}@1", question)
    other = explained(api, parcel_model, {**question, "seed": 1})

    assert first == second == by_version
    assert other["correlation_id"] != first["correlation_id"]
    assert other["importance"] != first["importance"]


def test_an_alias_that_moved_is_asked_anew(api: Api, number_dataset: str) -> None:
    question = {"kinds": ["importance"], "repeats": 1}
    model = fresh("moving")
    versions = []
    for features in (["a", "b"], ["c", "d"]):
        api.train(number_dataset, "amount", "Ridge", model=model, features=features)
        versions.append(explained(api, model, question))

    assert [explanation["version"] for explanation in versions] == [1, 2]
    assert {each["column"] for each in versions[1]["importance"]["columns"]} == {"c", "d"}


def test_an_unlabelled_dataset_shows_dependence_but_no_importance(
    api: Api, amount_model: str, unlabelled_dataset: str
) -> None:
    body = {"dataset": unlabelled_dataset, "kinds": ["partial_dependence"], "columns": ["a"]}

    found = explained(api, amount_model, body)

    assert found["partial_dependence"][0]["x"] == [-1.0, 1.5]
    assert not found["is_training_dataset"]
    refused = api.post(f"/models/{amount_model}/explain?wait=80", {"dataset": unlabelled_dataset})
    assert (refused.status, refused.places) == (422, ["dataset"])


@pytest.mark.parametrize("estimator", ["KMeans", "IsolationForest"])
def test_models_without_a_target_are_explained_by_what_changes_their_answers(
    api: Api, number_dataset: str, estimator: str
) -> None:
    model = str(api.train(number_dataset, None, estimator, features=["a", "b", "c"])["version"]["model"])  # type: ignore[arg-type]

    found = explained(api, model, {"column_limit": 1})
    row = explained(api, model, {"rows": [{"a": 9.0, "b": 0.1, "c": -0.2}]}, "predict/explain")

    assert found["importance"]["metric"] == "agreement"
    assert found["importance"]["baseline"] == 1
    assert found["partial_dependence"][0]["response"] == ("membership" if estimator == "KMeans" else "score")
    (explanation,) = row["rows"][0]["explanations"]
    assert explanation["columns"][0]["column"] == "a", "nine deviations off"


def test_contributions_add_up_to_what_is_predicted(api: Api, parcel_model: str) -> None:
    rows = [{**PARCEL, "weight": weight} for weight in (2, 28)]

    found = explained(api, parcel_model, {"rows": rows, "outputs": "all"}, "predict/explain")
    asked = api.post(f"/models/{parcel_model}/predict", {"rows": rows, "has_probabilities": True}).document

    assert found["method"] == "exact"
    assert [row["prediction"] for row in found["rows"]] == asked["predictions"]
    for row, probabilities in zip(found["rows"], asked["probabilities"], strict=True):
        assert [one["output"] for one in row["explanations"]] == asked["classes"]
        for one, probability in zip(row["explanations"], probabilities, strict=True):
            total = one["base_value"] + sum(each["contribution"] for each in one["columns"])
            assert one["value"] == pytest.approx(probability, abs=1e-9)
            assert total == pytest.approx(probability, abs=1e-9)
    heavy = next(one for one in found["rows"][1]["explanations"] if one["output"] == "heavy")
    assert (heavy["columns"][0]["column"], heavy["columns"][0]["given"]) == ("weight", 28)
    assert heavy["columns"][0]["contribution"] > 0.3


def test_many_columns_are_sampled_and_may_come_as_a_table(api: Api) -> None:
    dataset = api.dataset(numbers(200, columns=12), "wide")
    columns = [chr(ord("a") + place) for place in range(12)]
    model = str(api.train(dataset, "amount", "RandomForestRegressor", features=columns)["version"]["model"])
    body = {"columns": columns, "data": [[1.0] * 12], "background_row_count": 50, "permutations": 3}

    found = explained(api, model, body, "predict/explain")

    assert found["method"] == "sampled"
    assert found["predicted_row_count"] == 50 + 1 + 2 * 3 * 50 * 11
    (one,) = found["rows"][0]["explanations"]
    total = one["base_value"] + sum(each["contribution"] for each in one["columns"])
    assert total == pytest.approx(found["rows"][0]["prediction"], abs=1e-9)
    assert one["columns"][0]["column"] == "a"
    assert one["columns"][0]["standard_error"] > 0


def test_more_sets_of_columns_than_can_be_tried_are_refused(api: Api) -> None:
    dataset = api.dataset(numbers(100, columns=14), "wider")
    columns = [chr(ord("a") + place) for place in range(14)]
    model = str(api.train(dataset, "amount", "Ridge", features=columns)["version"]["model"])

    body = {"rows": [dict.fromkeys(columns, 0.5)], "method": "exact"}
    refused = api.post(f"/models/{model}/predict/explain?wait=80", body)

    assert (refused.status, refused.places) == (422, ["method"])
    assert "at most 12 columns, and the model uses 14" in refused.detail


def test_what_stands_on_a_dataset_that_is_gone_says_so(api: Api) -> None:
    dataset = api.dataset(numbers(60), "going")
    model = str(api.train(dataset, "amount", "Ridge")["version"]["model"])
    assert api.delete(f"/datasets/{dataset}?force=true").status == 204
    assert api.upload(dataset, numbers(60, seed=5)).status == 201

    refusals = [
        api.post(f"/models/{model}/{what}", body)
        for what, body in (
            ("predict/explain", {"rows": [dict.fromkeys("abcdef", 0.5)]}),
            ("learning-curve", {}),
            ("drift", {"dataset": dataset}),
        )
    ]

    assert [refused.code for refused in refusals] == ["unknown_dataset"] * 3
    assert f"dataset '{dataset}', the training data of {model} version 1, has been replaced" in refusals[0].detail


def test_a_learning_curve_ends_where_the_version_is(api: Api, number_dataset: str) -> None:
    trained = api.train(number_dataset, "amount", "Ridge", features=["a", "b", "c"])["version"]

    found = explained(api, trained["model"], {"fractions": [0.1, 0.5, 1.0]}, "learning-curve")

    assert found["x"] == [32, 160, 320]
    r2 = next(curve for curve in found["curves"] if curve["name"] == "r2")
    assert r2["hold_out"][-1] == pytest.approx(trained["metrics"]["r2"], abs=1e-9)
    assert all(value is not None for value in r2["training"])


def test_an_explanation_can_be_cancelled(api: Api, slow_model: str, many_rows: str) -> None:
    body = {"dataset": many_rows, "row_limit": 15_000, "repeats": 50}
    accepted = api.post(f"/models/{slow_model}/explain", body)
    assert accepted.status == 202
    api.running_job(accepted.correlation_id, "shuffling")

    api.delete(f"/jobs/{accepted.correlation_id}")

    assert api.ended_job(accepted.correlation_id)["status"] == "cancelled"
