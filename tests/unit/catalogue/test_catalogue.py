"""The catalogue: what can be trained, what its hyperparameters may be, and what is refused."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.base import OutlierMixin
from sklearn.utils import all_estimators

from modelbus.shared.errors import InvalidCommand, UnknownEstimator
from modelbus.trainer.catalogue.constraints import accepts, refusal
from modelbus.trainer.catalogue.entries import LEFT_OUT, catalogue, find_estimator
from modelbus.trainer.catalogue.hyperparameters import FORBIDDEN
from modelbus.trainer.catalogue.making import make_estimator
from tests.unit.tables import needed

RECORDS = {record.name: record for record in catalogue()}


def problems(estimator: str, /, **hyperparameters: Any) -> list[dict[str, Any]]:
    with pytest.raises(InvalidCommand) as caught:
        make_estimator(estimator, hyperparameters, 0)
    return caught.value.details


def test_every_estimator_of_each_task_is_offered_or_left_out_with_a_reason() -> None:
    kinds = ("classifier", "regressor", "cluster")
    library = {name for kind in kinds for name, _ in all_estimators(type_filter=kind)}
    library |= {name for name, each in all_estimators() if issubclass(each, OutlierMixin)}
    assert set(RECORDS) | set(LEFT_OUT) == library
    assert not set(RECORDS) & set(LEFT_OUT)
    assert all(LEFT_OUT.values())


def test_the_page_on_training_lists_what_is_left_out_with_its_reason() -> None:
    page = (Path(__file__).parents[3] / "docs/training.md").read_text()
    section = page.split("## Excluded estimators")[1].split("\n## ")[0]
    listed = dict(re.findall(r"^\| (`.+`) \| (.+) \|$", section, re.MULTILINE))
    told = {name: reason.lower() for names, reason in listed.items() for name in re.findall(r"`(\w+)`", names)}
    assert told == {name: reason.lower() for name, reason in LEFT_OUT.items()}


def test_every_record_is_json_with_a_description_of_each_thing() -> None:
    for record in RECORDS.values():
        assert json.loads(json.dumps(record.model_dump(), allow_nan=False)) == record.model_dump()
        assert record.description
        assert record.module.startswith("sklearn.")
        for schema in record.hyperparameters["properties"].values():
            assert schema["description"]
            assert {"type", "anyOf", "enum"} & set(schema)


def test_no_forbidden_hyperparameter_is_published() -> None:
    for record in RECORDS.values():
        assert not set(record.hyperparameters["properties"]) & set(FORBIDDEN)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_published_defaults_are_what_the_estimator_takes(name: str) -> None:
    entry = find_estimator(name)
    for parameter in entry.allowed.values():
        if "default" not in parameter.schema:
            continue
        default = parameter.schema["default"]
        assert any(accepts(choice, default) for choice in parameter.alternatives), (name, parameter.name, default)
    given = {
        parameter.name: parameter.schema["default"]
        for parameter in entry.allowed.values()
        if "default" in parameter.schema
    }
    made, plain = (
        make_estimator(name, given | needed(name), 5).get_params(deep=False),
        make_estimator(name, needed(name), 5).get_params(deep=False),
    )
    for parameter_name in made.keys() - needed(name).keys():
        value, expected = made[parameter_name], plain[parameter_name]
        assert value == (list(expected) if isinstance(expected, tuple) else expected), parameter_name


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_what_the_schema_lists_the_library_takes(name: str) -> None:
    for parameter in find_estimator(name).allowed.values():
        for choice in parameter.alternatives:
            for option in choice.get("enum", []):
                assert refusal(parameter.constraints, parameter.name, option, name) is None


def test_the_seed_becomes_the_random_state_where_there_is_one() -> None:
    assert make_estimator("RandomForestClassifier", {}, 17).random_state == 17
    assert not hasattr(make_estimator("GaussianNB", {}, 17), "random_state")


def test_an_integer_and_a_real_number_stay_what_they_are() -> None:
    made = [make_estimator("RandomForestClassifier", {"max_features": value}, 0).max_features for value in (1, 1.0)]
    assert [type(value) for value in made] == [int, float]
    assert (
        "1 is not 1.0" in RECORDS["RandomForestClassifier"].hyperparameters["properties"]["max_features"]["description"]
    )


def test_infinity_is_told_as_text_where_the_library_takes_it() -> None:
    assert float("inf") == make_estimator("LogisticRegression", {"C": "Infinity"}, 0).C
    assert problems("LinearSVC", C="Infinity")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("RandomForrestClassifier", "did you mean RandomForestClassifier"),
        ("randomforestclassifier", "did you mean RandomForestClassifier"),
        ("ClassifierChain", "predicts several targets at once"),
        ("DBSCAN", "cannot assign new rows"),
        ("Birch", "an artifact cannot store"),
        ("os.system", "see the list of estimators"),
        ("zzzzzz", "see the list of estimators"),
    ],
)
def test_an_unknown_estimator_is_answered_with_what_is_close_or_why_not(name: str, hint: str) -> None:
    with pytest.raises(UnknownEstimator, match=hint):
        make_estimator(name, {}, 0)


def test_an_unknown_hyperparameter_is_answered_with_what_is_close() -> None:
    [detail] = problems("RandomForestClassifier", n_estimator=10)
    assert detail["where"] == "hyperparameters.n_estimator"
    assert "did you mean n_estimators" in detail["problem"]
    assert "max_depth" in detail["expected"]
    [detail] = problems("GaussianNB", quux=1)
    assert "priors, var_smoothing" in detail["problem"]


def test_each_fault_has_its_own_detail() -> None:
    details = problems("RandomForestClassifier", n_estimators=0, max_depth="deep", trees=3, criterion="gini")
    assert [detail["where"] for detail in details] == [
        "hyperparameters.n_estimators",
        "hyperparameters.max_depth",
        "hyperparameters.trees",
    ]
    assert all("RandomForestClassifier" in detail["problem"] for detail in details)


@pytest.mark.parametrize(
    ("estimator", "hyperparameters"),
    [
        ("RandomForestClassifier", {"n_jobs": 8}),
        ("RandomForestClassifier", {"random_state": 1}),
        ("RandomForestClassifier", {"warm_start": True}),
        ("MLPClassifier", {"verbose": True}),
        ("GaussianProcessRegressor", {"kernel": "RBF()"}),
        ("KNeighborsClassifier", {"metric_params": {"w": [1]}}),
        ("KernelRidge", {"kernel_params": {}}),
        ("QuantileRegressor", {"solver_options": {"disp": True}}),
        ("HistGradientBoostingClassifier", {"monotonic_cst": [1]}),
        ("LogisticRegression", {"penalty": "l1"}),
        ("SVC", {"probability": True}),
        ("LocalOutlierFactor", {"novelty": False}),
        ("KMeans", {"copy_x": False}),
        ("MeanShift", {"seeds": [1.0]}),
    ],
)
def test_what_is_not_for_users_to_decide_is_refused_with_its_reason(
    estimator: str, hyperparameters: dict[str, Any]
) -> None:
    [detail] = problems(estimator, **hyperparameters)
    assert "cannot be set: " in detail["problem"]


def refuse(value: Any) -> Callable[[], None]:
    def never() -> None:
        raise AssertionError(value)

    return never


@pytest.mark.parametrize(
    ("estimator", "parameter", "value"),
    [
        ("RandomForestClassifier", "n_estimators", True),  # the library takes it for 1
        ("RandomForestClassifier", "n_estimators", 10.0),
        ("RandomForestClassifier", "n_estimators", "10"),
        ("RandomForestClassifier", "n_estimators", None),
        ("RandomForestClassifier", "n_estimators", 10**9),
        ("RandomForestClassifier", "n_estimators", [10]),
        ("RandomForestClassifier", "bootstrap", "yes"),
        ("RandomForestClassifier", "max_features", {"a": 1}),
        ("RandomForestClassifier", "class_weight", {"yes": -1}),
        ("RandomForestClassifier", "class_weight", {"yes": "much"}),
        ("RandomForestClassifier", "class_weight", [{"yes": 1}]),
        ("RandomForestClassifier", "oob_score", refuse("a callable")),
        ("KNeighborsClassifier", "weights", "__import__('os')"),
        ("KNeighborsClassifier", "metric", refuse("a callable")),
        ("GaussianNB", "priors", {"0": 1}),  # a dict has a length, so the library takes it for an array
        ("GaussianNB", "priors", [[0.1], [0.9]]),
        ("GaussianNB", "priors", [0.1] * 10_001),
        ("MLPClassifier", "hidden_layer_sizes", [10**9]),
        ("MLPClassifier", "hidden_layer_sizes", [10] * 101),
        ("MLPClassifier", "hidden_layer_sizes", [0]),
        ("LogisticRegression", "C", -1),
        ("LogisticRegression", "C", float("nan")),
        ("LogisticRegression", "C", float("inf")),  # JSON has none; "Infinity" says it
        ("RidgeCV", "cv", 101),
        ("KMeans", "n_clusters", 10_001),
        ("BisectingKMeans", "n_clusters", 10_001),
        ("KMeans", "init", [1.0, 2.0]),
        ("AffinityPropagation", "preference", [1.0, 2.0]),
        ("RidgeCV", "cv", [[0, 1]]),
        ("RidgeCV", "scoring", "not a metric"),
    ],
)
def test_a_wrong_value_is_refused(estimator: str, parameter: str, value: Any) -> None:
    [detail] = problems(estimator, **{parameter: value})
    assert detail["where"] == f"hyperparameters.{parameter}"
    assert parameter in detail["problem"]
    assert len(detail["problem"]) < 3000


def test_a_wrong_value_is_refused_in_the_librarys_own_words() -> None:
    [detail] = problems("LogisticRegression", C=-1)
    assert "The 'C' parameter of LogisticRegression must be a float in the range (0.0, inf]" in detail["problem"]
    assert detail["given"] == -1


def test_a_bound_of_the_service_is_told_as_such() -> None:
    [detail] = problems("RandomForestClassifier", n_estimators=10**9)
    assert "n_estimators must be at most 10,000 on this service" in detail["problem"]
    assert RECORDS["RandomForestClassifier"].hyperparameters["properties"]["n_estimators"]["maximum"] == 10_000


def test_the_schema_knows_types_ranges_options_and_defaults() -> None:
    properties = RECORDS["HistGradientBoostingRegressor"].hyperparameters["properties"]
    assert properties["max_bins"]["type"] == "integer"
    assert (properties["max_bins"]["minimum"], properties["max_bins"]["maximum"]) == (2, 255)
    assert properties["max_bins"]["default"] == 255
    assert "poisson" in properties["loss"]["enum"]
    assert {"type": "null"} in properties["max_depth"]["anyOf"]
    assert RECORDS["HistGradientBoostingRegressor"].hyperparameters["additionalProperties"] is False
