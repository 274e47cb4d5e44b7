"""Plug-in estimators through the whole system, with a distribution of the tests on the services' path."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelbus.shared.bus import Publisher
from modelbus.stack import LocalStack
from tests.e2e.api import Api
from tests.e2e.commands import train_command
from tests.e2e.doors import Door
from tests.e2e.tables import numbers
from tests.plugins import PLUGIN_FOLDER, with_packages
from tests.stack_fixtures import QUICK_SETTINGS, started

COLUMNS = ["a", "b", "c"]
ROW = {"a": 1.5, "b": -0.5, "c": 0.25}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the plug-ins in it."""
    return shutil.copytree(PLUGIN_FOLDER, tmp_path_factory.mktemp("plugins") / "site")


@pytest.fixture(scope="module")
def plugin_stack(site: Path) -> Iterator[LocalStack]:
    """A stack of its own, whose services have the plug-ins."""
    environment = {**QUICK_SETTINGS, **with_packages(site)}
    with started(LocalStack(site.parent / ".modelbus", environment=environment, is_persistent=False)) as stack:
        yield stack


@pytest.fixture(scope="module")
def api(plugin_stack: LocalStack) -> Api:
    """Its HTTP door."""
    return Api(plugin_stack.gateway_url)


@pytest.fixture(scope="module")
def publisher(plugin_stack: LocalStack) -> Iterator[Publisher]:
    """Its queue's door."""
    publisher = Publisher(plugin_stack.bus_url, "test")
    yield publisher
    publisher.close()


@pytest.fixture(scope="module")
def dataset(api: Api) -> str:
    """A clean dataset."""
    return api.dataset(numbers(300), "numbers")


@pytest.fixture(scope="module")
def classifier(api: Api, dataset: str) -> dict[str, Any]:
    """A version that a plug-in's classifier made."""
    given = {"shrinkage": 0.1, "class_weight": {"low": 2, "mid": 1, "high": 1}}
    trained = api.train(dataset, "kind", "CentroidClassifier", features=COLUMNS, hyperparameters=given)
    return dict(trained["version"])


@pytest.fixture(scope="module")
def regressor(api: Api, dataset: str) -> dict[str, Any]:
    """A version that a plug-in's regressor made."""
    return dict(api.train(dataset, "amount", "RootRegressor", features=COLUMNS)["version"])


def _train(dataset: str, **changes: Any) -> dict[str, Any]:
    return train_command(dataset, **{"features": COLUMNS, "estimator": "CentroidClassifier", **changes})


def test_plugins_are_listed_with_scikit_learns_own(api: Api) -> None:
    listed = {one["name"]: one for one in api.get("/estimators?task=classification").document["estimators"]}

    assert {"CentroidClassifier", "RandomForestClassifier"} <= listed.keys()
    assert listed["CentroidClassifier"]["description"] == "The class whose centroid is nearest."
    record = api.get("/estimators/CentroidClassifier").document
    assert (record["task"], record["module"]) == ("classification", "centroids")
    assert record["hyperparameters"]["properties"]["shrinkage"]["exclusiveMaximum"] == 1


def test_a_broken_plugin_is_answered_with_its_reason(api: Api, door: Door, dataset: str) -> None:
    asked = api.get("/estimators/BrokenClassifier")
    outcome = door.send(_train(dataset, estimator="BrokenClassifier"))

    assert (asked.status, asked.code) == (404, "unknown_estimator")
    assert (outcome.code, outcome.message) == ("unknown_estimator", asked.detail)
    assert "its plug-in has a fault" in asked.detail
    assert "No module named 'a_library_that_nobody_has'" in asked.detail


@pytest.mark.parametrize("service", ["trainer", "predictor", "evaluator"])
def test_each_service_says_at_its_start_which_plugins_it_has(plugin_stack: LocalStack, service: str) -> None:
    text = (plugin_stack.layout.log_file(service)).read_text()

    lines = [line for line in text.splitlines() if '"event":"plugin.' in line]
    assert sum('"plugin.found"' in line for line in lines) == 2
    [left_out] = [line for line in lines if '"plugin.excluded"' in line]
    assert "BrokenClassifier" in left_out


def test_a_plugins_version_has_its_libraries(classifier: dict[str, Any], regressor: dict[str, Any]) -> None:
    assert classifier["libraries"]["modelbus-test-plugins"] == "1.2.3"
    assert classifier["libraries"].keys() - regressor["libraries"].keys() == {"threadpoolctl"}
    assert classifier["metrics"]["accuracy"] > 0.5
    assert regressor["metrics"]["r2"] > 0.5


def test_a_plugins_model_answers_rows_at_once(api: Api, classifier: dict[str, Any], regressor: dict[str, Any]) -> None:
    body = {"rows": [ROW, {**ROW, "a": -3}], "has_probabilities": True}
    answer = api.post(f"/models/{classifier['model']}/predict", body)
    other = api.post(f"/models/{regressor['model']}/predict", {"rows": [ROW]})

    assert (answer.status, answer.document["predictions"]) == (200, ["high", "low"])
    assert sum(answer.document["probabilities"][0]) == pytest.approx(1)
    assert (other.status, len(other.document["predictions"])) == (200, 1)


def test_a_plugins_model_predicts_a_dataset(api: Api, dataset: str, classifier: dict[str, Any]) -> None:
    answer = api.post(f"/models/{classifier['model']}/predict?wait=60", {"dataset": dataset})

    assert (answer.status, answer.document["row_count"]) == (200, 300)


def test_a_plugins_model_is_evaluated(api: Api, dataset: str, classifier: dict[str, Any]) -> None:
    answer = api.post("/evaluations?wait=60", {"model": classifier["model"], "dataset": dataset})

    assert answer.status == 201, answer
    assert answer.document["metrics"]["accuracy"] > 0.5


def test_a_plugin_takes_part_in_a_vote_and_is_retrained(api: Api, dataset: str) -> None:
    members = [
        {"estimator": "CentroidClassifier", "hyperparameters": {"shrinkage": 0.2}},
        {"estimator": "LogisticRegression"},
    ]
    trained = api.train(
        dataset, "kind", "VotingClassifier", features=COLUMNS, hyperparameters={"estimators": members, "voting": "soft"}
    )
    model = trained["version"]["model"]

    answer = api.post(f"/models/{model}/predict", {"rows": [ROW], "has_probabilities": True})
    again = api.post(f"/models/{model}/retrain?wait=60", {})

    assert trained["version"]["libraries"]["modelbus-test-plugins"] == "1.2.3"
    assert answer.status == 200, answer
    assert (again.status, again.document["version"]["version"]) == (201, 2)
    assert again.document["version"]["metrics"] == trained["version"]["metrics"]


@pytest.mark.parametrize(
    ("hyperparameters", "place", "words"),
    [
        ({"shrinkge": 0.1}, "hyperparameters.shrinkge", "did you mean shrinkage"),
        ({"shrinkage": 1.5}, "hyperparameters.shrinkage", "must be a number of at least 0 and below 1"),
        ({"n_jobs": 2}, "hyperparameters.n_jobs", "cannot be set"),
        ({"secret": 2}, "hyperparameters.secret", "the plug-in does not offer it"),
        ({"class_weight": {"nobody": 2}}, "hyperparameters.class_weight", "names nobody"),
    ],
)
def test_both_doors_refuse_wrong_hyperparameters_alike(
    door: Door, dataset: str, hyperparameters: dict[str, Any], place: str, words: str
) -> None:
    outcome = door.send(_train(dataset, hyperparameters=hyperparameters))

    assert (outcome.status, outcome.code, outcome.places) == ("failed", "invalid_command", (place,))
    assert words in str(outcome.message)


def test_a_plugin_that_refuses_the_data_is_answered_in_its_own_words(door: Door, dataset: str) -> None:
    outcome = door.send(_train(dataset, hyperparameters={"power": 13}))

    assert (outcome.status, outcome.code) == ("failed", "estimator_rejected")
    assert "thirteen brings bad luck" in str(outcome.message)


@pytest.mark.slow  # the predictor is restarted twice
@pytest.mark.timeout(240)
def test_a_model_is_refused_where_its_plugin_is_not_installed(
    api: Api, plugin_stack: LocalStack, site: Path, classifier: dict[str, Any]
) -> None:
    [installed] = site.glob("*.dist-info")
    removed = installed.rename(site / "removed")
    try:
        plugin_stack.restart("predictor")
        answer = api.post(f"/models/{classifier['model']}/predict?wait=30", {"rows": [ROW]})
    finally:
        removed.rename(installed)
        plugin_stack.restart("predictor")

    assert (answer.status, answer.code) == (409, "artifact_refused")
    assert "modelbus-test-plugins 1.2.3" in answer.detail
    assert "not installed in this service" in answer.detail
    assert api.post(f"/models/{classifier['model']}/predict?wait=30", {"rows": [ROW]}).status == 200
