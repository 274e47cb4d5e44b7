"""What a search may vary, and how its candidates are drawn."""

import sys
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from modelbus.shared.contracts import CheckTraining, TrainModel
from modelbus.shared.contracts.commands.registry import invalid_command
from modelbus.shared.contracts.commands.tuning import Dimension, Search
from modelbus.shared.errors import InvalidCommand
from modelbus.trainer.tuning.candidates import candidate_count, candidate_source, drawn, grid, require_method
from modelbus.trainer.tuning.search_space import candidate, draw
from tests.unit.tables import fit

DEPTH = {"values": [2, 4, None]}


def search(method: str = "random", **fields: Any) -> Search:
    return Search.model_validate({"method": method, "space": {"max_depth": DEPTH}, **fields})


def training(**fields: Any) -> TrainModel:
    said = {"model": "m", "dataset": "d", "target": "t", "estimator": "DecisionTreeClassifier"}
    return TrainModel.model_validate({**said, **fields})


def refusal(**fields: Any) -> InvalidCommand:
    with pytest.raises(ValidationError) as caught:
        training(**fields)
    return invalid_command(caught.value)


# --- the contract ---


@pytest.mark.parametrize(
    ("dimension", "words"),
    [
        ({}, "give"),
        ({"values": [1], "distribution": "uniform"}, "give"),
        ({"distribution": "uniform", "low": 1}, "uniform requires high"),
        ({"distribution": "uniform", "low": 2, "high": 1}, "low must be less than high"),
        ({"distribution": "log_uniform", "low": 0, "high": 1}, "low must be greater than 0"),
        ({"distribution": "int_uniform", "low": 1, "high": 2.5}, "low and high must be integers"),
        ({"distribution": "int_uniform", "low": 1.0, "high": 2}, "low and high must be integers"),
        ({"distribution": "uniform", "low": 0, "high": 1, "step": 1}, "uniform does not support step"),
        ({"distribution": "normal", "low": 0, "high": 1}, "normal requires mean, standard_deviation"),
        ({"values": [1], "low": 1}, "values does not support low"),
    ],
)
def test_a_dimension_that_is_none_is_refused_by_its_place(dimension: dict[str, Any], words: str) -> None:
    error = refusal(search={"method": "random", "space": {"max_depth": dimension}})

    assert [one["where"] for one in error.details] == ["search.space.max_depth"]
    assert words in error.details[0]["problem"]


@pytest.mark.parametrize(
    ("fields", "where", "words"),
    [
        ({"method": "grid", "space": {"a": {"distribution": "uniform", "low": 0, "high": 1}}}, "search", "values only"),
        (
            {"method": "grid", "space": {"a": DEPTH}, "candidates": 3},
            "search",
            "candidates is not supported by method grid",
        ),
        (
            {"method": "grid", "space": {name: {"values": list(range(11))} for name in "abc"}},
            "search",
            "the grid has 1,331 candidates and the limit is 1,000",
        ),
        ({"method": "random", "space": {}}, "search.space", "at least 1"),
        ({"method": "random", "space": {"a": DEPTH}, "candidates": 1001}, "search.candidates", "1000"),
        ({"method": "random", "space": {"a": DEPTH}, "factor": 4}, "search", "require method halving"),
        (
            {"method": "random", "space": {"a": DEPTH}, "cross_validation": {"folds": 3, "fraction": 0.2}},
            "search.cross_validation",
            "folds or fraction",
        ),
    ],
)
def test_a_search_that_cannot_be_is_refused_by_its_place(fields: dict[str, Any], where: str, words: str) -> None:
    error = refusal(search=fields)

    assert [one["where"] for one in error.details] == [where]
    assert words in error.details[0]["problem"]


def test_a_choice_is_of_estimators_and_a_search_of_hyperparameters() -> None:
    assert "estimator auto chooses" in refusal(estimator="auto", search=search().model_dump()).message
    assert "estimator auto chooses" in refusal(estimator="auto", hyperparameters={"C": 1}).message
    assert "auto requires" in refusal(auto={}).message
    budget = {"search": search(time_budget_s=60).model_dump(), "limits": {"time_s": 60}}
    assert "must be less than limits.time_s" in refusal(**budget).message


def test_a_space_is_kept_as_it_was_said() -> None:
    space = {"max_depth": DEPTH, "ccp_alpha": {"distribution": "log_uniform", "low": 1e-5, "high": 1}}

    kept = training(search={"method": "random", "space": space}).model_dump(mode="json")["search"]["space"]

    assert kept == space
    assert type(kept["ccp_alpha"]["high"]) is int


# --- judged as plain hyperparameters are ---


def refused_by_fit(estimator: str, space: dict[str, Any], **fields: Any) -> list[str]:
    with pytest.raises(InvalidCommand) as caught:
        fit(estimator, tuning=Search.model_validate({"method": "random", "space": space}), **fields)
    return [str(one["where"]) for one in caught.value.details]


def test_every_value_and_both_ends_are_judged_before_anything_is_fitted() -> None:
    space = {
        "max_depth": {"values": [3, 0, None, "deep"]},
        "min_samples_leaf": {"distribution": "int_uniform", "low": 0, "high": 9},
        "ccp_alpha": {"distribution": "uniform", "low": -1, "high": 1},
        "max_features": {"values": [1, 1.0, 2.0]},
        "max_leafs": {"values": [4]},
        "random_state": {"values": [4]},
    }

    assert refused_by_fit("DecisionTreeClassifier", space) == [
        "search.space.max_depth.values.1",
        "search.space.max_depth.values.3",
        "search.space.min_samples_leaf.low",
        "search.space.ccp_alpha.low",
        "search.space.max_features.values.2",
        "search.space.max_leafs.values.0",
        "search.space.random_state.values.0",
    ]


def test_a_fault_of_a_plain_hyperparameter_keeps_its_own_place() -> None:
    space = {"max_depth": {"values": [3, 0]}}
    assert refused_by_fit("DecisionTreeClassifier", space, hyperparameters={"min_samples_leaf": 0}) == [
        "hyperparameters.min_samples_leaf",
        "search.space.max_depth.values.1",
    ]


def test_a_bound_of_the_service_holds_for_the_ends_of_a_distribution() -> None:
    forest = {"n_estimators": {"distribution": "int_log_uniform", "low": 10, "high": 10**7}}
    assert refused_by_fit("RandomForestClassifier", forest) == ["search.space.n_estimators.high"]


def test_labels_in_a_space_are_known_by_the_training_rows() -> None:
    assert refused_by_fit("LogisticRegression", {"class_weight": {"values": [None, {"maybe": 2}]}}) == [
        "search.space.class_weight.values.1"
    ]


STACK: dict[str, Any] = {
    "estimators": [
        {"estimator": "DecisionTreeClassifier"},
        {"name": "line", "estimator": "LogisticRegression", "hyperparameters": {"max_iter": 500}},
    ]
}


def test_estimators_inside_are_reached_by_their_names() -> None:
    chosen = {"line__C": 0.5, "DecisionTreeClassifier__max_depth": 3, "final_estimator": {"estimator": "GaussianNB"}}

    made = candidate(STACK, "StackingClassifier", {**chosen, "final_estimator__var_smoothing": 0.1})

    assert made == {
        "estimators": [
            {"estimator": "DecisionTreeClassifier", "hyperparameters": {"max_depth": 3}},
            {"name": "line", "estimator": "LogisticRegression", "hyperparameters": {"max_iter": 500, "C": 0.5}},
        ],
        "final_estimator": {"estimator": "GaussianNB", "hyperparameters": {"var_smoothing": 0.1}},
    }
    assert "C" not in STACK["estimators"][1]["hyperparameters"], "what holds for all is not changed"


def test_a_fault_inside_is_told_by_its_place_in_the_space() -> None:
    space = {"line__C": {"values": [1.0, -1.0]}, "curve__C": {"values": [1.0]}}
    assert refused_by_fit("StackingClassifier", space, hyperparameters=STACK) == ["search.space.curve__C"]
    del space["curve__C"]
    assert refused_by_fit("StackingClassifier", space, hyperparameters=STACK) == ["search.space.line__C.values.1"]


# --- drawing ---


@pytest.mark.parametrize(
    "said",
    [
        {"distribution": "uniform", "low": -2, "high": 3},
        {"distribution": "log_uniform", "low": 1e-3, "high": 10},
        {"distribution": "normal", "low": 0, "high": 1, "mean": 0.9, "standard_deviation": 0.5},
        {"distribution": "normal", "low": 0, "high": 1, "mean": 500, "standard_deviation": 0.5},
        {"distribution": "int_uniform", "low": 3, "high": 11, "step": 4},
        {"distribution": "int_log_uniform", "low": 1, "high": 100},
    ],
    ids=str,
)
def test_what_is_drawn_is_within_its_ends_and_of_its_kind(said: dict[str, Any]) -> None:
    dimension, random = Dimension.model_validate(said), np.random.default_rng(0)

    numbers = [draw(dimension, random) for _ in range(2000)]

    low, high = dimension.ends
    assert all(low <= number <= high for number in numbers)
    assert {type(number) for number in numbers} == {int if dimension.is_integer else float}
    if said["distribution"] == "log_uniform":
        assert 0.4 < np.mean(np.array(numbers) < 0.1) < 0.6, "each order of magnitude is as likely"
    if "step" in said:
        assert set(numbers) == {3, 7, 11}
    if said["distribution"] == "int_log_uniform":
        assert {1, 2, 3} <= set(numbers)


def test_the_same_seed_draws_the_same_candidates_and_none_twice() -> None:
    space = {"a": {"values": [1, 1.0, True, None]}, "b": {"distribution": "uniform", "low": 0, "high": 1}}
    said = search(space=space, candidates=50)

    first, again, other = drawn(said, 4), drawn(said, 4), drawn(said, 5)

    assert first == again != other
    assert len({repr(one) for one in first}) == 50


def test_a_small_space_of_values_is_tried_as_a_whole() -> None:
    space = {"a": {"values": [1, 2]}, "b": {"values": ["x", "y", None]}}
    said = search(space=space, candidates=50)

    assert drawn(said, 0) == list(grid(said.space))
    assert (len(drawn(said, 0)), candidate_count(said)) == (6, 6)
    assert next(grid(said.space)) == {"a": 1, "b": "x"}


def test_tpe_draws_where_good_ones_were_found_and_the_same_again() -> None:
    space = {
        "x": {"distribution": "uniform", "low": -10, "high": 10},
        "n": {"distribution": "int_uniform", "low": 0, "high": 9, "step": 3},
        "m": {"distribution": "int_log_uniform", "low": 1, "high": 64},
        "kind": {"values": [[1], None, {"a": 1}]},
    }

    def trace(seed: int) -> list[dict[str, Any]]:
        source = candidate_source(search("tpe", space=space, candidates=40), seed)
        found = []
        while (chosen := source.ask()) is not None:
            found.append(chosen)
            source.tell(None if len(found) == 3 else -abs(chosen["x"] - 2))
        return found

    first = trace(0)
    assert first == trace(0) != trace(1)
    assert len(first) == 40
    assert all(one["n"] in (0, 3, 6, 9) and one["kind"] in ([1], None, {"a": 1}) for one in first)
    late = [abs(one["x"] - 2) for one in first[20:]]
    assert np.median(late) < np.median([abs(one["x"] - 2) for one in first[:10]])


def test_without_optuna_tpe_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)

    with pytest.raises(InvalidCommand, match=r"pip install 'modelbus\[tune\]'") as caught:
        require_method("tpe")

    assert caught.value.details[0]["where"] == "search.method"


def test_a_check_takes_what_a_training_takes() -> None:
    said = {"model": "m", "dataset": "d", "target": "t", "estimator": "Ridge", "search": search().model_dump()}
    assert CheckTraining.model_validate(said).search == search()
