"""Searches, choices, calibration and thresholds, by either door."""

from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from tests.e2e.api import Api, fresh
from tests.e2e.commands import train_command
from tests.e2e.doors import Door
from tests.e2e.tables import numbers
from tests.waiting import wait_until

SPACE = {
    "max_depth": {"values": [1, 4, None]},
    "min_samples_leaf": {"distribution": "int_uniform", "low": 1, "high": 9},
}
SEARCH = {"method": "random", "space": SPACE, "candidates": 5, "cross_validation": {"folds": 3}}


@pytest.fixture(scope="module")
def two_classes(api: Api) -> str:
    """Numbers, and whether they are rare: one row in six."""
    random = np.random.default_rng(3)
    cells = random.normal(size=(300, 3)).round(4)
    rare = cells[:, 0] + random.normal(0, 0.7, 300) > 1.2
    rows = [f"{a},{b},{c},{'rare' if one else 'common'}" for (a, b, c), one in zip(cells.tolist(), rare, strict=True)]
    return api.dataset("\n".join(["a,b,c,kind", *rows]) + "\n", "rare")


def trained(door: Door, command: dict[str, Any]) -> dict[str, Any]:
    outcome = door.send(command)
    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    version: dict[str, Any] = outcome.result["version"]
    return version


def test_a_search_keeps_its_best_and_its_table(api: Api, door: Door, number_dataset: str) -> None:
    version = trained(door, train_command(number_dataset, estimator="DecisionTreeClassifier", search=SEARCH, seed=4))

    assert (
        version["tuning"].items()
        >= {
            "method": "random",
            "scoring": "balanced_accuracy",
            "candidate_count": 5,
            "failed_count": 0,
        }.items()
    )
    place = f"/models/{version['model']}/versions/{version['version']}"
    table = api.get(f"{place}/candidates").document
    best = table["candidates"][0]
    assert (best["rank"], best["number"]) == (1, version["tuning"]["best"])
    assert best["hyperparameters"] == version["hyperparameters"]
    assert best["mean"] == pytest.approx(np.mean(best["scores"])) == version["tuning"]["mean"]
    assert len(table["candidates"]) == 5
    assert "candidates" not in version
    assert "candidates" not in api.get(place).document
    plain = api.train(
        number_dataset, "kind", "DecisionTreeClassifier", hyperparameters=version["hyperparameters"], seed=4
    )
    assert plain["version"]["metrics"] == version["metrics"], "it is the model that a training with them makes"

    reference = f"{version['model']}@{version['version']}"
    again = api.post(f"/models/{reference}/retrain?wait=60", {"tuning": "reuse", "promote": "never"}).document
    assert again["version"]["tuning"] is None
    assert again["version"]["metrics"] == version["metrics"]
    searched = api.post(f"/models/{reference}/retrain?wait=60", {"promote": "never"}).document
    assert searched["version"]["tuning"]["best"] == version["tuning"]["best"]


def test_a_version_without_a_search_has_no_candidates(api: Api, amount_model: str) -> None:
    answer = api.get(f"/models/{amount_model}/versions/1/candidates")
    assert (answer.status, answer.code) == (404, "not_found")
    assert "trained without a search" in answer.detail


def test_a_large_table_of_candidates_is_stored_apart_and_deleted_with_its_version(
    api: Api, database: Any, number_dataset: str
) -> None:
    search = {
        "method": "grid",
        "space": {
            "alpha": {"values": [10 ** (number / 10 - 3) for number in range(100)]},
            "solver": {"values": ["svd", "cholesky", "lsqr"]},
        },
        "cross_validation": {"folds": 2},
    }
    version = api.train(number_dataset, "amount", "Ridge", search=search)["version"]
    place = f"/models/{version['model']}/versions/{version['version']}"
    assert len(api.get(f"{place}/candidates").document["candidates"]) == 300
    stored = database["versions"].find_one({"model": version["model"]})
    assert "candidates" not in stored
    blob_id = stored["candidates_blob_id"]
    assert database["fs.files"].find_one({"_id": blob_id})["metadata"]["state"] == "live"
    assert api.delete(f"/models/{version['model']}").status == 204
    assert database["fs.files"].find_one({"_id": blob_id}) is None


def test_a_choice_says_what_it_became_and_works_with_all_else(api: Api, door: Door, number_dataset: str) -> None:
    # Time to spare also on a busy machine: what takes a hundredth of it or more may be measured on fewer folds.
    families = ["DummyClassifier", "LogisticRegression", "GaussianNB", "ExtraTreesClassifier"]
    auto = {"max_models": 6, "time_budget_s": 600, "include": families}
    command = train_command(number_dataset, estimator="auto", auto=auto, exclude=["amount"])

    version = trained(door, command)

    assert version["estimator"] != "auto"
    assert version["specification"]["estimator"] == "auto"
    assert version["tuning"]["method"] == "auto"
    reference = f"{version['model']}@{version['version']}"
    row = dict.fromkeys("abcdef", 0.5)
    answer = api.post(f"/models/{reference}/predict", {"rows": [row]})
    assert answer.status == 200
    evaluation = api.post("/evaluations?wait=60", {"model": reference, "dataset": number_dataset})
    assert evaluation.status == 201
    curve = api.post(f"/models/{reference}/learning-curve?wait=60", {"fractions": [0.5, 1.0]}).document
    assert curve["estimator"] == version["estimator"], "what was chosen is measured, and not the choice"
    accuracy = next(one for one in curve["curves"] if one["name"] == "balanced_accuracy")
    assert accuracy["hold_out"][-1] == pytest.approx(version["metrics"]["balanced_accuracy"])
    again = api.post(f"/models/{reference}/retrain?wait=90", {"promote": "never"}).document["version"]
    assert (again["estimator"], again["hyperparameters"]) == (version["estimator"], version["hyperparameters"])
    assert again["metrics"] == version["metrics"], "with time to spare it is the same model"


def test_a_threshold_and_a_calibration_hold_for_predictions_and_evaluations(
    api: Api, door: Door, two_classes: str
) -> None:
    command = train_command(
        two_classes,
        estimator="LinearSVC",
        calibration={"method": "isotonic"},
        threshold={"costs": {"false_negative": 10}},
    )

    version = trained(door, command)

    threshold = version["signature"]["threshold"]
    assert threshold == version["threshold"]["value"] < 0.5
    assert version["calibration"]["method"] == "isotonic"
    reference = f"{version['model']}@{version['version']}"
    rows = [{"a": float(place), "b": 0.0, "c": 0.0} for place in np.linspace(-2, 3, 40)]
    answer = api.post(f"/models/{reference}/predict", {"rows": rows, "has_probabilities": True}).document
    expected = ["rare" if one[1] >= threshold else "common" for one in answer["probabilities"]]
    assert answer["predictions"] == expected
    assert any(one[0] > one[1] >= threshold for one in answer["probabilities"]), "some are rare against the odds"
    single = [api.post(f"/models/{reference}/predict", {"rows": [row]}).document["predictions"][0] for row in rows[::8]]
    assert single == expected[::8]
    evaluation = api.post("/evaluations?wait=60", {"model": reference, "dataset": two_classes}).document
    bulk = api.post(f"/models/{reference}/predict?wait=60", {"dataset": two_classes})
    content = api.get(f"/predictions/{bulk.correlation_id}/content?format=csv").body.decode().splitlines()[1:]
    counts = np.array(evaluation["confusion"]["counts"])
    rare = evaluation["confusion"]["labels"].index("rare")
    assert sum(",rare" in f",{line}" for line in content) == counts[:, rare].sum()


def test_a_check_says_how_many_candidates_there_would_be(door: Door, number_dataset: str) -> None:
    command = train_command(number_dataset, estimator="DecisionTreeClassifier", search=SEARCH)
    outcome = door.send({**command, "command": "CheckTraining"})
    assert outcome.result is not None, outcome
    assert outcome.result["candidate_count"] == 5


# --- while it runs ---


@pytest.fixture(scope="module")
def long_search(api: Api) -> dict[str, Any]:
    """A search that takes far longer than any test: some candidates are quick, all later ones are slow."""
    dataset = api.dataset(numbers(2000), "long-search")
    space = {"n_estimators": {"values": [5, 6, 7, *range(4000, 4100)]}}
    search = {"method": "grid", "space": space, "cross_validation": {"folds": 2}}
    command = train_command(dataset, estimator="RandomForestClassifier", search=search, exclude=["amount"])
    return {name: value for name, value in command.items() if name not in ("command", "model")}


def _running(api: Api, body: dict[str, Any]) -> str:
    answer = api.post("/models", {"model": fresh("long"), **body}, headers={"X-Correlation-ID": str(uuid4())})
    assert answer.status == 202, answer
    return answer.correlation_id


def test_the_leaderboard_is_read_while_it_grows_and_a_cancelled_search_leaves_nothing(
    api: Api, long_search: dict[str, Any]
) -> None:
    correlation_id = _running(api, long_search)

    def tuning() -> dict[str, Any] | None:
        found = (api.job(correlation_id)["progress"] or {}).get("tuning")
        return found if found and found["done"] == 6 else None  # and the seventh fit takes long

    seen = wait_until(tuning, "three candidates are on the leaderboard", 60, lambda: api.job(correlation_id))
    assert seen is not None
    assert [one["rank"] for one in seen["leaderboard"][:3]] == [1, 2, 3]
    assert seen["best"] == seen["leaderboard"][0]["mean"]
    assert seen["total"] == 206
    listed = next(
        job for job in api.get("/jobs?status=running").document["jobs"] if job["correlation_id"] == correlation_id
    )
    assert listed["progress"]["tuning"]["leaderboard"] == [], "a list of jobs is short"
    api.delete(f"/jobs/{correlation_id}")
    job = api.ended_job(correlation_id)
    assert (job["status"], job["result"]) == ("cancelled", None)


def test_a_cancelled_search_keeps_its_best_if_that_was_asked_for(api: Api, long_search: dict[str, Any]) -> None:
    space = {"n_estimators": {"values": [5, *range(200, 297)]}}
    search = {**long_search["search"], "space": space, "keep_best_on_cancel": True}
    correlation_id = _running(api, {**long_search, "search": search})
    api.running_job(correlation_id, doing="best balanced_accuracy so far")

    assert api.delete(f"/jobs/{correlation_id}").status == 202

    job = api.ended_job(correlation_id)
    assert (job["status"], job["cancel_requested"]) == ("succeeded", True), job["error"]
    assert job["result"]["stopped_early"] == "cancelled"
    version = job["result"]["version"]
    assert version["tuning"]["stopped_early"] == "cancelled"
    table = api.get(f"/models/{version['model']}/versions/1/candidates").document["candidates"]
    assert table[0]["hyperparameters"] == version["hyperparameters"]
    assert table[-1]["state"] == "unfinished"


def test_a_baseline_that_wins_is_a_warning_that_says_why(api: Api, door: Door) -> None:
    random = np.random.default_rng(11)
    rows = [",".join(map(str, one)) for one in random.normal(size=(200, 4)).round(3).tolist()]
    dataset = api.dataset("\n".join(["a,b,c,noise", *rows]) + "\n", "noise")
    auto = {"max_models": 2, "include": ["DummyRegressor", "KNeighborsRegressor", "ExtraTreesRegressor"]}

    version = trained(door, train_command(dataset, target="noise", estimator="auto", auto=auto))

    assert version["estimator"] == "DummyRegressor"
    [warning] = [one for one in version["warnings"] if "baseline" in one]
    assert warning.startswith("auto chose the baseline DummyRegressor, which uses no feature: ")
    assert "2 of the 2 other candidates were measured, and none was better" in warning
    assert (
        api.get(f"/models/{version['model']}/versions/{version['version']}").document["warnings"] == version["warnings"]
    )
