"""Training over HTTP: the catalogue, models, versions, aliases, artifacts."""

import hashlib
from typing import Any

import pytest
from pymongo.database import Database

from modelbus.shared.store.connection import Document
from tests.e2e.api import Api, fresh
from tests.e2e.tables import numbers, steps


@pytest.fixture(scope="module")
def few_steps(api: Api) -> str:
    """30 rows of a stair: too few to know where its steps are."""
    return api.dataset(steps(30, seed=1), "few-steps")


@pytest.fixture(scope="module")
def many_steps(api: Api) -> str:
    """800 rows of the same stair."""
    return api.dataset(steps(800), "many-steps")


def _command(known_dataset: str, **changes: Any) -> dict[str, Any]:
    return {
        "model": fresh("model"),
        "dataset": known_dataset,
        "target": "kind",
        "features": ["a", "b", "c"],
        "estimator": "DecisionTreeClassifier",
        **changes,
    }


def _version_blob(database: Database[Document], model: str, version: int) -> str:
    document = database["versions"].find_one({"_id": f"{model}@{version}"})
    assert document is not None
    return str(document["blob_id"])


def _has_bytes(database: Database[Document], blob_id: str) -> bool:
    count = database["fs.files"].count_documents({"_id": blob_id})
    return bool(count + database["fs.chunks"].count_documents({"files_id": blob_id}))


def test_the_catalogue_lists_the_estimators_of_each_task(api: Api) -> None:
    everything = api.get("/estimators").document["estimators"]
    tasks = ("classification", "regression", "outlier_detection", "clustering")
    counts = [len(api.get(f"/estimators?task={task}").document["estimators"]) for task in tasks]

    assert counts[0] > 30
    assert counts[1] > 40
    assert counts[2:] == [5, 5]
    assert len(everything) == sum(counts)
    assert {"name", "task", "description"} == everything[0].keys()
    assert api.get("/estimators?task=cooking").status == 400


def test_an_estimator_shows_the_schema_of_its_hyperparameters(api: Api) -> None:
    document = api.get("/estimators/RandomForestClassifier").document

    assert document["task"] == "classification"
    properties = document["hyperparameters"]["properties"]
    assert properties["n_estimators"]["default"] == 100
    assert "n_jobs" not in properties


def test_an_unknown_estimator_comes_with_the_likeliest_meant(api: Api, number_dataset: str) -> None:
    read = api.get("/estimators/RandomForrestClassifier")
    trained = api.post("/models", _command(number_dataset, estimator="RandomForrestClassifier"))

    for answer in (read, trained):
        assert (answer.status, answer.code) == (404, "unknown_estimator")
        assert "RandomForestClassifier" in answer.detail


def test_training_is_accepted_and_its_job_tells_of_the_version(api: Api, number_dataset: str) -> None:
    command = _command(number_dataset)

    answer = api.post("/models", command)

    assert answer.status == 202
    assert answer.document["status"] == "queued"
    assert answer.headers["Location"] == f"/jobs/{answer.correlation_id}"
    job = api.ended_job(answer.correlation_id)
    assert job["status"] == "succeeded"
    assert (job["result"]["version"]["model"], job["result"]["version"]["version"]) == (command["model"], 1)
    assert job["result"]["is_champion"] is True


def test_training_that_waits_is_answered_with_the_version(api: Api, number_dataset: str) -> None:
    by_query = api.post("/models?wait=60", _command(number_dataset))
    by_header = api.post("/models", _command(number_dataset), headers={"Prefer": "wait=60"})
    in_a_hurry = api.post("/models", _command(number_dataset), headers={"Prefer": "respond-async"})

    assert (by_query.status, by_header.status, in_a_hurry.status) == (201, 201, 202)
    version = by_header.document["version"]
    assert by_header.headers["Location"] == f"/models/{version['model']}/versions/1"
    assert api.ended_job(in_a_hurry.correlation_id)["status"] == "succeeded"


def test_training_repeated_under_one_key_makes_one_version(api: Api, number_dataset: str) -> None:
    command, key = _command(number_dataset), fresh("key")

    first, second = (api.post("/models?wait=60", command, headers={"Idempotency-Key": key}) for _ in range(2))

    assert first.status == second.status == 201
    assert first.document == second.document
    assert api.get(f"/models/{command['model']}").document["versions"] == [1]
    other = api.post("/models?wait=60", {**command, "seed": 5}, headers={"Idempotency-Key": key})
    assert (other.status, other.code) == (409, "correlation_id_reused")


def test_what_the_estimator_rejects_is_said_in_its_own_words(api: Api) -> None:
    dataset = api.dataset(numbers(12), "too-few")

    answer = api.post(
        "/models?wait=60",
        _command(dataset, target="amount", estimator="KNeighborsRegressor", hyperparameters={"n_neighbors": 11}),
    )

    assert (answer.status, answer.code) == (422, "estimator_rejected")
    assert "n_neighbors" in answer.detail


def test_a_misspelt_column_comes_with_the_likeliest_meant(api: Api, number_dataset: str) -> None:
    answer = api.post("/models", _command(number_dataset, target="amuont"))

    assert "'amount'" in answer.detail


def test_a_version_holds_its_whole_lineage(api: Api, number_dataset: str) -> None:
    trained = api.train(
        number_dataset, "kind", "DecisionTreeClassifier", features=["a", "b"], seed=9, hyperparameters={"max_depth": 3}
    )
    model = trained["version"]["model"]

    version = api.get(f"/models/{model}/versions/1").document

    assert version == trained["version"]
    dataset = api.get(f"/datasets/{number_dataset}").document
    job = api.job(version["correlation_id"])
    assert version["dataset_sha256"] == dataset["sha256"]
    assert (version["estimator"], version["hyperparameters"]) == ("DecisionTreeClassifier", {"max_depth": 3})
    assert (version["seed"], version["hold_out"]["fraction"], version["row_count"]) == (9, 0.2, 320)
    assert [column["name"] for column in version["signature"]["columns"]] == ["a", "b"]
    assert version["signature"]["classes"] == ["high", "low", "mid"]
    assert 0 < version["metrics"]["accuracy"] <= 1
    assert {"scikit-learn", "numpy", "python"} <= version["libraries"].keys()
    assert (job["status"], job["spec"]["model"], job["spec"]["dataset"]) == ("succeeded", model, number_dataset)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(api: Api, number_dataset: str) -> None:
    first, second, third = (
        api.train(number_dataset, "kind", "DecisionTreeClassifier", features=["a", "b", "c"], seed=seed)["version"]
        for seed in (1, 1, 2)
    )

    assert first["metrics"] == second["metrics"]
    assert first["metrics"] != third["metrics"]


def test_retraining_on_better_data_moves_the_champion(api: Api, few_steps: str, many_steps: str) -> None:
    model = api.train(few_steps, "step", "DecisionTreeClassifier")["version"]["model"]

    answer = api.post(f"/models/{model}/retrain?wait=60", {"dataset": many_steps})

    assert answer.status == 201
    assert (answer.document["version"]["version"], answer.document["is_champion"]) == (2, True)
    comparison = answer.document["comparison"]
    assert comparison["own"] > comparison["champion"]
    assert api.get(f"/models/{model}").document["aliases"] == {"champion": 2}


def test_retraining_on_worse_data_leaves_the_champion(api: Api, few_steps: str, many_steps: str) -> None:
    model = api.train(many_steps, "step", "DecisionTreeClassifier")["version"]["model"]

    answer = api.post(f"/models/{model}/retrain?wait=60", {"dataset": few_steps})

    assert answer.status == 201
    assert (answer.document["version"]["version"], answer.document["is_champion"]) == (2, False)
    comparison = answer.document["comparison"]
    assert comparison["own"] < comparison["champion"]
    assert comparison["champion_version"] == 1
    document = api.get(f"/models/{model}").document
    assert (document["versions"], document["aliases"]) == ([1, 2], {"champion": 1})


def test_retraining_changes_what_is_given_and_keeps_the_rest(api: Api, number_dataset: str) -> None:
    trained = api.train(
        number_dataset,
        "kind",
        "DecisionTreeClassifier",
        features=["a", "b"],
        hyperparameters={"max_depth": 3, "min_samples_leaf": 2},
        seed=4,
    )
    model = trained["version"]["model"]
    changes = {"hyperparameters": {"max_depth": 5, "min_samples_leaf": None}, "promote": "never"}

    answer = api.post(f"/models/{model}@1/retrain?wait=60", changes)

    version = answer.document["version"]
    assert version["hyperparameters"] == {"max_depth": 5}
    assert (version["seed"], version["dataset"]) == (4, number_dataset)
    assert version["signature"] == trained["version"]["signature"]


def test_retraining_needs_no_body(api: Api, number_dataset: str) -> None:
    first = api.train(number_dataset, "kind", "DecisionTreeClassifier", features=["a", "b"])["version"]

    answer = api.post(f"/models/{first['model']}/retrain?wait=60")

    assert answer.status == 201
    assert answer.document["version"]["metrics"] == first["metrics"]


@pytest.mark.parametrize(("promote", "champion"), [("always", 2), ("never", 1)])
def test_the_command_decides_whether_the_champion_moves(
    api: Api, number_dataset: str, promote: str, champion: int
) -> None:
    model = api.train(number_dataset, "kind", "DecisionTreeClassifier", features=["a"], promote="never")["version"][
        "model"
    ]
    assert api.get(f"/models/{model}").document["aliases"] == {"champion": 1}

    api.train(number_dataset, "kind", "DecisionTreeClassifier", features=["a"], promote=promote, model=model)

    assert api.get(f"/models/{model}").document["aliases"]["champion"] == champion


def test_an_alias_is_set_moved_and_removed(api: Api, number_dataset: str) -> None:
    model = api.train(number_dataset, "amount", "Ridge", features=["a"])["version"]["model"]
    api.train(number_dataset, "amount", "Ridge", features=["a"], model=model)

    for version in (2, 1):
        answer = api.call("PUT", f"/models/{model}/aliases/trial", {"version": version})
        assert answer.document["aliases"] == {"champion": 2, "trial": version}
    assert api.delete(f"/models/{model}/aliases/trial").status == 204

    assert api.get(f"/models/{model}").document["aliases"] == {"champion": 2}
    assert api.delete(f"/models/{model}/aliases/trial").code == "unknown_model"


def test_an_alias_needs_a_version_that_is_there(api: Api, amount_model: str) -> None:
    answer = api.call("PUT", f"/models/{amount_model}/aliases/trial", {"version": 99})

    assert (answer.status, answer.code) == (404, "unknown_model")


def test_an_artifact_is_downloaded_with_the_hash_that_is_recorded(api: Api, amount_model: str) -> None:
    version = api.get(f"/models/{amount_model}/versions/1").document

    answer = api.get(f"/models/{amount_model}/versions/1/artifact")

    assert answer.status == 200
    assert hashlib.sha256(answer.body).hexdigest() == version["artifact_sha256"]
    assert len(answer.body) == version["artifact_size_bytes"]
    assert f"{amount_model}-1.skops" in answer.headers["Content-Disposition"]
    etag = {"If-None-Match": f'"{version["artifact_sha256"]}"'}
    assert api.get(f"/models/{amount_model}/versions/1/artifact", headers=etag).status == 304


def test_a_version_under_an_alias_is_deleted_only_by_force(
    api: Api, number_dataset: str, database: Database[Document]
) -> None:
    model = api.train(number_dataset, "amount", "Ridge", features=["a"])["version"]["model"]
    api.train(number_dataset, "amount", "Ridge", features=["a"], model=model)
    blobs = [_version_blob(database, model, version) for version in (1, 2)]

    assert api.delete(f"/models/{model}/versions/1").status == 204
    refused = api.delete(f"/models/{model}/versions/2")

    assert (refused.status, refused.code) == (409, "still_in_use")
    assert [_has_bytes(database, blob) for blob in blobs] == [False, True]
    assert api.get(f"/models/{model}").document["versions"] == [2]
    assert api.delete(f"/models/{model}/versions/2?force=true").status == 204
    assert not _has_bytes(database, blobs[1])
    document = api.get(f"/models/{model}").document
    assert (document["versions"], document["aliases"]) == ([], {})
    assert api.post(f"/models/{model}/predict", {"rows": [{"a": 1}]}).code == "unknown_model"


def test_a_new_version_never_takes_the_number_of_a_deleted_one(api: Api, number_dataset: str) -> None:
    model = api.train(number_dataset, "amount", "Ridge", features=["a"])["version"]["model"]
    assert api.delete(f"/models/{model}/versions/1?force=true").status == 204

    again = api.train(number_dataset, "amount", "Ridge", features=["a"], model=model)

    assert again["version"]["version"] == 2
    assert again["is_champion"] is True


def test_a_deleted_model_leaves_no_bytes(api: Api, number_dataset: str, database: Database[Document]) -> None:
    model = api.train(number_dataset, "amount", "Ridge", features=["a"])["version"]["model"]
    api.train(number_dataset, "amount", "Ridge", features=["a"], model=model)
    blobs = [_version_blob(database, model, version) for version in (1, 2)]
    assert api.post(f"/models/{model}/predict", {"rows": [{"a": 1}]}).status == 200

    assert api.delete(f"/models/{model}").status == 204

    assert not any(_has_bytes(database, blob) for blob in blobs)
    assert database["versions"].count_documents({"model": model}) == 0
    assert model not in {one["name"] for one in api.get("/models").document["models"]}
    for answer in (
        api.get(f"/models/{model}"),
        api.delete(f"/models/{model}"),
        api.get(f"/models/{model}/versions/1"),
        api.get(f"/models/{model}/versions/1/artifact"),
        api.post(f"/models/{model}/retrain"),
        api.post(f"/models/{model}/predict", {"rows": [{"a": 1}]}),
    ):
        assert (answer.status, answer.code) == (404, "unknown_model")


def test_the_list_of_models_names_versions_and_aliases(api: Api, number_dataset: str) -> None:
    model = api.train(number_dataset, "amount", "Ridge", features=["a"])["version"]["model"]

    listed = {one["name"]: one for one in api.get("/models").document["models"]}

    assert listed[model] == api.get(f"/models/{model}").document
    assert (listed[model]["versions"], listed[model]["aliases"]) == ([1], {"champion": 1})


def test_a_version_is_named_by_a_number(api: Api, amount_model: str) -> None:
    assert api.get(f"/models/{amount_model}/versions/first").status == 400
    assert api.get(f"/models/{amount_model}/versions/7777").code == "unknown_model"
