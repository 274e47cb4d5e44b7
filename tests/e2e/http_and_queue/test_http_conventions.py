"""What holds for many routes: the query string, pages, ETags, preferences, the documentation."""

import re
from typing import Any

import pytest

from tests.e2e.api import Api, fresh


def test_what_a_query_says_wrong_is_told_with_what_would_be_right(api: Api) -> None:
    answer = api.get("/jobs?statsu=failed")

    assert (answer.status, answer.code, answer.places) == (400, "bad_request", ["query.statsu"])
    assert answer.detail == "unknown query parameter 'statsu'; did you mean status?"


def test_force_is_true_or_false(api: Api, unlabelled_dataset: str) -> None:
    answer = api.delete(f"/datasets/{unlabelled_dataset}?force=perhaps")

    assert (answer.status, answer.detail) == (400, "?force= must be true or false, not 'perhaps'")
    assert api.get(f"/datasets/{unlabelled_dataset}").status == 200


@pytest.mark.parametrize("kind", ["datasets", "models"])
def test_a_list_is_read_page_by_page(api: Api, kind: str, amount_model: str, parcel_model: str) -> None:
    names: list[str] = []
    cursor = ""
    while cursor is not None:
        page = api.get(f"/{kind}?limit=1{cursor}").document
        names += [one["name"] for one in page[kind]]
        cursor = f"&cursor={page['next']}" if page["next"] else None

    assert names == sorted(set(names))
    assert len(names) >= 2
    assert names == [one["name"] for one in api.get(f"/{kind}?limit=1000").document[kind]][: len(names)]


def test_jobs_are_found_by_model_dataset_and_time(api: Api, number_dataset: str) -> None:
    trained = api.train(number_dataset, "amount", "Ridge", features=["a"])["version"]
    model = trained["model"]
    for reference in (model, f"{model}@1"):
        assert api.post(f"/models/{reference}/predict", {"rows": [{"a": 1}]}).status == 200
    job = api.job(trained["correlation_id"])

    def commands(query: str) -> list[str]:
        answer = api.get(f"/jobs?limit=200&{query}")
        assert answer.status == 200, answer
        return [one["command"] for one in answer.document["jobs"]]

    assert commands(f"model={model}") == ["Predict", "Predict", "TrainModel"]
    assert commands(f"model={model[:-1]}") == []
    assert commands(f"model={model}&dataset={number_dataset}") == ["TrainModel"]
    assert commands(f"model={model}&until={job['created_at']}") == []
    assert commands(f"model={model}&since={job['created_at']}")[-1] == "TrainModel"
    assert "TrainModel" not in commands(f"model={model}&since={job['finished_at']}")


def test_a_queued_job_says_its_place(api: Api, endless_training: dict[str, Any], number_dataset: str) -> None:
    running = api.post("/models", {"model": fresh("model"), **endless_training}).correlation_id
    api.running_job(running)
    training = {"dataset": number_dataset, "target": "amount", "estimator": "Ridge", "features": ["a"]}
    waiting = [api.post("/models", {"model": fresh("model"), **training}).correlation_id for _ in range(2)]
    try:
        places = [api.job(correlation_id) for correlation_id in waiting]

        assert [place["queue_position"] for place in places] == [1, 2]
        assert all(place["estimated_start_s"] is None or place["estimated_start_s"] >= 0 for place in places)
        assert "queue_position" not in api.job(running)
    finally:
        for correlation_id in (running, *waiting):
            api.delete(f"/jobs/{correlation_id}")


@pytest.mark.parametrize("path", ["/datasets/{dataset}", "/models/{model}/versions/1"])
def test_who_has_it_already_is_told_so(api: Api, path: str, number_dataset: str, amount_model: str) -> None:
    path = path.format(dataset=number_dataset, model=amount_model)
    first = api.get(path)

    again = api.get(path, headers={"If-None-Match": first.headers["ETag"]})
    other = api.get(path, headers={"If-None-Match": '"another"'})

    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert (other.status, other.document) == (200, first.document)


def test_a_dataset_made_anew_under_its_name_has_another_etag(api: Api) -> None:
    name = fresh("anew")
    etags = []
    for _ in range(2):
        assert api.upload(name, "a,b\n1,2\n").status == 201
        etags.append(api.get(f"/datasets/{name}").headers["ETag"])
        assert api.delete(f"/datasets/{name}").status == 204

    assert etags[0] != etags[1]


def test_a_preference_that_was_heard_is_told(api: Api, amount_model: str) -> None:
    rows = {"rows": [{"a": 1, "b": 2, "c": 3}]}
    path = f"/models/{amount_model}/predict"

    waited = api.post(path, rows, headers={"Prefer": "wait=20"})
    asynchronous = api.post(path, rows, headers={"Prefer": "respond-async"})
    by_query = api.post(f"{path}?wait=20", rows, headers={"Prefer": "respond-async"})

    assert (waited.status, waited.headers["Preference-Applied"]) == (200, "wait=20")
    assert (asynchronous.status, asynchronous.headers["Preference-Applied"]) == (202, "respond-async")
    assert (by_query.status, by_query.headers["Preference-Applied"]) == (200, None)


def test_the_documentation_asks_no_other_host(api: Api) -> None:
    page = api.get("/docs")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert named
    for path in named:
        assert path.startswith("/docs/")
        assert api.get(path).status == 200, path
    assert api.get("/docs/secrets.txt").status == 404


def test_the_description_names_every_route_of_the_index(api: Api) -> None:
    paths = api.get("/openapi.json").document["paths"]
    described = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}

    assert set(api.get("/").document["routes"]) == described | {"GET /docs/{file}"}
