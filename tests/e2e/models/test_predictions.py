"""Predictions over HTTP: rows at once, datasets by a job."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from modelbus.shared.contracts.commands.prediction import rows_of_spec
from modelbus.shared.models.artifacts import load_model
from tests.e2e.api import Answer, Api, fresh
from tests.e2e.tables import PARCEL, numbers
from tests.waiting import wait_until

LIMIT_BYTES = 2**30


@pytest.fixture(scope="module")
def two_versions(api: Api, number_dataset: str) -> str:
    """A model whose versions answer differently: version 2 is the champion, version 1 is on trial."""
    first = api.train(number_dataset, "amount", "DummyRegressor", features=["a"])
    model = str(first["version"]["model"])
    changes = {"strategy": "constant", "constant": 42.0}
    api.train(number_dataset, "amount", "DummyRegressor", features=["a"], model=model, hyperparameters=changes)
    assert api.call("PUT", f"/models/{model}/aliases/trial", {"version": 1}).status == 200
    return model


def _ask(api: Api, model: str, *rows: dict[str, Any], **more: Any) -> Answer:
    return api.post(f"/models/{model}/predict", {"rows": list(rows), **more})


def test_rows_are_answered_at_once(api: Api, parcel_model: str) -> None:
    answer = _ask(api, parcel_model, PARCEL, {**PARCEL, "weight": 25}, {**PARCEL, "express": True})

    assert answer.status == 200
    assert answer.document["predictions"] == ["light", "heavy", "express"]
    assert (answer.document["model"], answer.document["version"]) == (parcel_model, 1)
    assert answer.document["correlation_id"] == answer.correlation_id
    assert api.job(answer.correlation_id)["result"]["predictions"] == answer.document["predictions"]


def test_probabilities_are_answered_in_the_order_of_the_classes(api: Api, parcel_model: str) -> None:
    answer = _ask(api, parcel_model, PARCEL, {**PARCEL, "weight": 25}, has_probabilities=True)

    document = answer.document
    assert document["classes"] == ["express", "heavy", "light"]
    for label, probabilities in zip(document["predictions"], document["probabilities"], strict=True):
        assert sum(probabilities) == pytest.approx(1)
        assert max(probabilities) == probabilities[document["classes"].index(label)]


def test_a_regressor_has_no_probabilities(api: Api, amount_model: str) -> None:
    answer = _ask(api, amount_model, {"a": 1, "b": 2, "c": 3}, has_probabilities=True)

    assert (answer.status, answer.code, answer.places) == (422, "invalid_command", ["has_probabilities"])


@pytest.mark.parametrize(
    ("selector", "version"), [("", 2), ("@champion", 2), ("@trial", 1), ("@1", 1), ("@2", 2)], ids=str
)
def test_a_version_is_asked_by_name_alias_or_number(api: Api, two_versions: str, selector: str, version: int) -> None:
    answer = _ask(api, f"{two_versions}{selector}", {"a": 1.0})

    assert (answer.status, answer.document["version"]) == (200, version)
    assert (answer.document["predictions"] == [42.0]) is (version == 2)


def test_a_moved_alias_is_followed_at_once(api: Api, two_versions: str) -> None:
    for version in (2, 1):
        assert api.call("PUT", f"/models/{two_versions}/aliases/moving", {"version": version}).status == 200
        assert _ask(api, f"{two_versions}@moving", {"a": 1.0}).document["version"] == version


@pytest.mark.parametrize("reference", ["nowhere", "{model}@nowhere", "{model}@9"])
def test_an_unknown_model_alias_or_version_is_not_found(api: Api, two_versions: str, reference: str) -> None:
    answer = _ask(api, reference.format(model=two_versions), {"a": 1.0})

    assert (answer.status, answer.code) == (404, "unknown_model")


def test_a_missing_column_is_named(api: Api, parcel_model: str) -> None:
    answer = _ask(api, parcel_model, {name: value for name, value in PARCEL.items() if name != "city"})

    assert (answer.status, answer.code, answer.places) == (422, "signature_mismatch", ["rows.*.city"])
    assert "city" in answer.detail


def test_a_column_that_one_row_lacks_is_named_with_the_row(api: Api, parcel_model: str) -> None:
    answer = _ask(api, parcel_model, PARCEL, {"weight": 1, "city": "Brno", "sent_on": None})

    assert (answer.status, answer.places) == (422, ["rows.1.express"])


def test_a_value_that_cannot_be_cast_is_named_by_row_and_column(api: Api, parcel_model: str) -> None:
    answer = _ask(api, parcel_model, PARCEL, {**PARCEL, "weight": "heavy"}, {**PARCEL, "sent_on": "some day"})

    assert (answer.status, answer.code) == (422, "signature_mismatch")
    assert sorted(answer.places) == ["rows.1.weight", "rows.2.sent_on"]
    assert {error["given"] for error in answer.document["errors"]} == {"heavy", "some day"}


def test_what_was_done_to_the_rows_is_reported(api: Api, parcel_model: str) -> None:
    row = {"weight": "4.5", "city": "Timbuktu", "sent_on": None, "express": False, "mood": "good"}

    answer = _ask(api, parcel_model, row)

    assert answer.status == 200
    assert answer.document["report"] == {
        "coerced": {"weight": 1},
        "unseen": {"city": 1},
        "missing": {"sent_on": 1},
        "extra": {"mood": 1},
    }


def test_a_request_for_rows_and_a_dataset_at_once_is_refused(api: Api, amount_model: str) -> None:
    answer = api.post(f"/models/{amount_model}/predict", {"rows": [{"a": 1}], "dataset": "numbers"})

    assert (answer.status, answer.code) == (422, "invalid_command")


@pytest.mark.parametrize("headers", [{"Prefer": "respond-async"}, {"Prefer": "wait=0"}], ids=str)
def test_a_caller_who_does_not_wait_gets_a_job(api: Api, amount_model: str, headers: dict[str, str]) -> None:
    row = {"a": 1.0, "b": 0.5, "c": 0.0}

    answer = api.post(f"/models/{amount_model}/predict", {"rows": [row]}, headers=headers)

    assert answer.status == 202
    assert answer.headers["Location"] == f"/jobs/{answer.correlation_id}"
    job = api.ended_job(answer.correlation_id)
    assert job["status"] == "succeeded"
    assert job["result"]["predictions"] == _ask(api, amount_model, row).document["predictions"]


def test_a_prediction_asked_twice_under_one_id_is_one_job(api: Api, amount_model: str) -> None:
    row, headers = {"a": 1.0, "b": 0.5, "c": 0.0}, {"Idempotency-Key": fresh("key")}

    first, second = (api.post(f"/models/{amount_model}/predict", {"rows": [row]}, headers=headers) for _ in range(2))
    other = api.post(f"/models/{amount_model}/predict", {"rows": [{**row, "a": 2.0}]}, headers=headers)

    assert (first.status, second.document) == (200, first.document)
    assert (other.status, other.code) == (409, "correlation_id_reused")


def test_each_of_many_callers_at_once_gets_the_answer_to_its_own_question(
    api: Api, parcel_model: str, amount_model: str
) -> None:
    good = [({"a": float(number), "b": 0.0, "c": 0.0}, amount_model) for number in range(140)]
    alone = [_ask(api, model, row).document["predictions"] for row, model in good[::35]]
    bad: list[tuple[dict[str, Any], str]] = [
        ({"a": f"bad {number}", "b": 0, "c": 0}, amount_model) for number in range(20)
    ]
    bad += [({"a": 1.0, "b": 2.0}, amount_model)] * 10 + [({"a": 1.0}, "nowhere")] * 10
    others = [({**PARCEL, "weight": 25 if number % 2 else 2}, parcel_model) for number in range(20)]

    with ThreadPoolExecutor(48) as threads:
        answers = list(threads.map(lambda one: _ask(api, one[1], one[0]), [*good, *bad, *others]))

    first, second, third = answers[:140], answers[140:180], answers[180:]
    assert {answer.status for answer in first} == {200}
    predicted = [answer.document["predictions"][0] for answer in first]
    assert [[value] for value in predicted[::35]] == alone
    steps = [later - earlier for earlier, later in itertools.pairwise(predicted)]
    assert steps == pytest.approx([steps[0]] * 139)
    for number, answer in enumerate(second[:20]):
        assert (answer.status, answer.document["errors"][0]["given"]) == (422, f"bad {number}")
    assert [(answer.status, answer.places) for answer in second[20:30]] == [(422, ["rows.*.c"])] * 10
    assert [(answer.status, answer.code) for answer in second[30:]] == [(404, "unknown_model")] * 10
    assert [answer.document["predictions"] for answer in third] == [["light"], ["heavy"]] * 10
    assert len({answer.correlation_id for answer in answers}) == 200


def test_predictions_equal_those_of_the_downloaded_artifact(api: Api, number_dataset: str) -> None:
    trained = api.train(
        number_dataset, "kind", "RandomForestClassifier", features=["a", "b", "c"], hyperparameters={"n_estimators": 20}
    )
    version = trained["version"]
    rows = [dict(zip("abc", map(float, line.split(",")[:3]), strict=True)) for line in numbers(50, seed=77).split()[1:]]
    payload = api.get(f"/models/{version['model']}/versions/1/artifact").body
    local = load_model(payload, version["artifact_sha256"], version["libraries"], LIMIT_BYTES)

    document = _ask(api, version["model"], *rows, has_probabilities=True).document

    expected = local.predict_rows(rows, has_probabilities=True)
    assert expected.probabilities is not None
    assert document["predictions"] == expected.labels
    assert document["probabilities"] == expected.probabilities.tolist()


ROWS = [{"a": 1.0, "b": None, "c": 3}, {"a": "2", "b": 0.5, "c": -1}]
FORMS: dict[str, dict[str, Any]] = {
    "records": {"rows": ROWS},
    "split": {"columns": ["c", "a", "b"], "data": [[3, 1.0, None], [-1, "2", 0.5]]},
    "columns": {"data": {"a": [1.0, "2"], "b": [None, 0.5], "c": [3, -1]}},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_rows_may_come_in_three_forms(api: Api, amount_model: str, form: dict[str, Any]) -> None:
    answer = api.post(f"/models/{amount_model}/predict", form)

    assert answer.status == 200, answer
    assert answer.document["predictions"] == _ask(api, amount_model, *ROWS).document["predictions"]
    assert answer.document["report"] == {"coerced": {"a": 1}, "missing": {"b": 1}}
    assert rows_of_spec(api.job(answer.correlation_id)["spec"]) == ROWS


def test_decision_scores_are_answered_on_request(api: Api, number_dataset: str) -> None:
    model = api.train(number_dataset, "kind", "LinearSVC", features=["a", "b", "c"])["version"]["model"]

    answer = _ask(api, model, *ROWS, has_scores=True)

    document = answer.document
    assert document["classes"] == ["high", "low", "mid"]
    for label, scores in zip(document["predictions"], document["scores"], strict=True):
        assert max(scores) == scores[document["classes"].index(label)]
    assert "scores" not in _ask(api, model, *ROWS).document


def test_scores_of_a_model_without_them_are_refused(api: Api, amount_model: str) -> None:
    answer = _ask(api, amount_model, *ROWS, has_scores=True)

    assert (answer.status, answer.code, answer.places) == (422, "invalid_command", ["has_scores"])


def test_what_a_version_answered_is_counted(api: Api, number_dataset: str) -> None:
    model = api.train(number_dataset, "amount", "Ridge", features=["a", "b", "c"])["version"]["model"]
    path = f"/models/{model}/versions/1/usage"
    assert api.get(path).document["requests"] == 0

    for _ in range(3):
        _ask(api, model, *ROWS, {"a": 1, "b": 2, "c": 3, "d.e$f": "extra"})
    _ask(api, model, {"a": "no number", "b": 2, "c": 3})

    wait_until(lambda: api.get(path).document["requests"] == 3, "the requests are counted", 20)
    usage = api.get(path).document
    assert (usage["model"], usage["version"], usage["rows"]) == (model, 1, 9)
    assert usage["report"] == {"coerced": {"a": 3}, "missing": {"b": 3}, "extra": {"d.e$f": 3}}
    assert api.delete(f"/models/{model}").status == 204
    assert api.get(path).status == 404
