"""Estimators inside estimators: the same catalogue, the same rules, three levels deep."""

from typing import Any

import pytest

from modelbus.shared.errors import InvalidCommand
from modelbus.trainer.catalogue.entries import NESTED, catalogue
from modelbus.trainer.catalogue.making import make_estimator
from tests.unit.tables import fit

TREE = {"estimator": "DecisionTreeClassifier", "hyperparameters": {"max_depth": 3}}
LINE = {"estimator": "LogisticRegression"}


def nested(estimator: str, /, **hyperparameters: Any) -> dict[str, Any]:
    return {"estimator": estimator, "hyperparameters": hyperparameters}


def problems(estimator: str, /, **hyperparameters: Any) -> dict[str, str]:
    with pytest.raises(InvalidCommand) as caught:
        make_estimator(estimator, hyperparameters, 0)
    return {detail["where"]: detail["problem"] for detail in caught.value.details}


def test_every_estimator_that_takes_others_says_so_in_its_schema() -> None:
    records = {record.name: record.hyperparameters for record in catalogue()}
    for name, parameters in NESTED.items():
        for parameter, nesting in parameters.items():
            assert parameter in records[name]["properties"]
            assert (parameter in records[name].get("required", [])) == nesting.is_required


def test_an_estimator_inside_gets_its_hyperparameters_and_the_seed() -> None:
    made = make_estimator("BaggingClassifier", {"estimator": TREE, "n_estimators": 4}, 11)

    assert (made.n_estimators, made.random_state) == (4, 11)
    assert (made.estimator.max_depth, made.estimator.random_state) == (3, 11)


def test_members_have_names() -> None:
    members = [TREE, LINE, {**LINE, "hyperparameters": {"C": 2.0}}, {**LINE, "name": "mine"}]

    made = make_estimator("VotingClassifier", {"estimators": members}, 0)

    names = ["DecisionTreeClassifier", "LogisticRegression", "LogisticRegression_3", "mine"]
    assert [name for name, _ in made.estimators] == names
    assert made.estimators[2][1].C == 2.0


def test_what_is_absent_or_null_keeps_the_default() -> None:
    assert make_estimator("AdaBoostClassifier", {}, 0).estimator is None
    assert (
        make_estimator("StackingClassifier", {"estimators": [TREE], "final_estimator": None}, 0).final_estimator is None
    )


def test_faults_are_told_by_their_place_all_at_once() -> None:
    found = problems(
        "StackingClassifier",
        estimators=[
            nested("RandomForestClassifier", n_jobs=4, max_depht=3),
            nested("Ridge"),
            nested("os.system"),
            "SVC",
        ],
        final_estimator=nested("LogisticRegression", C=-1),
        passthrough="yes",
    )

    assert set(found) == {
        "hyperparameters.estimators.0.hyperparameters.n_jobs",
        "hyperparameters.estimators.0.hyperparameters.max_depht",
        "hyperparameters.estimators.1.estimator",
        "hyperparameters.estimators.2.estimator",
        "hyperparameters.estimators.3",
        "hyperparameters.final_estimator.hyperparameters.C",
        "hyperparameters.passthrough",
    }
    assert "cannot be set" in found["hyperparameters.estimators.0.hyperparameters.n_jobs"]
    assert (
        "StackingClassifier needs a classification estimator here; Ridge does regression"
        in found["hyperparameters.estimators.1.estimator"]
    )


@pytest.mark.parametrize(
    ("estimator", "hyperparameters", "place"),
    [
        ("VotingClassifier", {}, "estimators"),
        ("VotingClassifier", {"estimators": []}, "estimators"),
        ("VotingClassifier", {"estimators": None}, "estimators"),
        ("VotingClassifier", {"estimators": TREE}, "estimators"),
        ("VotingClassifier", {"estimators": [LINE] * 21}, "estimators"),
        ("VotingClassifier", {"estimators": [{**LINE, "name": "a__b"}]}, "estimators.0.name"),
        ("VotingClassifier", {"estimators": [{**LINE, "name": "a"}, {**TREE, "name": "a"}]}, "estimators.1.name"),
        ("OneVsRestClassifier", {}, "estimator"),
        ("OneVsRestClassifier", {"estimator": None}, "estimator"),
        ("OneVsRestClassifier", {"estimator": "SVC"}, "estimator"),
        ("OneVsRestClassifier", {"estimator": {"$estimator": "SVC"}}, "estimator"),
        ("OneVsRestClassifier", {"estimator": {**LINE, "path": "/etc/passwd"}}, "estimator"),
        ("OneVsRestClassifier", {"estimator": {**LINE, "hyperparameters": []}}, "estimator.hyperparameters"),
        ("AdaBoostClassifier", {"estimator": ["SVC"]}, "estimator"),
    ],
)  # fmt: skip
def test_a_specification_that_is_none_is_refused(estimator: str, hyperparameters: Any, place: str) -> None:
    assert list(problems(estimator, **hyperparameters)) == [f"hyperparameters.{place}"]


def test_three_levels_are_the_most() -> None:
    two = nested("BaggingClassifier", estimator=TREE, n_estimators=2)
    make_estimator("AdaBoostClassifier", {"estimator": two}, 0)

    found = problems("BaggingClassifier", estimator=nested("AdaBoostClassifier", estimator=two))

    place = "hyperparameters.estimator.hyperparameters.estimator.hyperparameters.estimator"
    assert found == {place: "estimators can be nested at most 3 levels deep"}


def test_what_is_nested_cannot_multiply_beyond_the_bound() -> None:
    forest = nested("RandomForestClassifier", n_estimators=1000)
    make_estimator("BaggingClassifier", {"estimator": forest, "n_estimators": 10}, 0)

    for found in (
        problems("BaggingClassifier", estimator=forest, n_estimators=11),
        problems("VotingClassifier", estimators=[nested("RandomForestClassifier", n_estimators=9000)] * 2),
    ):
        assert "the maximum on this service is 10,000" in found["hyperparameters"]


def test_class_weights_inside_are_told_by_label() -> None:
    weights = {"no": 1, "yes": 5}
    members = [nested("LogisticRegression", class_weight=weights), TREE]

    model = fit("VotingClassifier", hyperparameters={"estimators": members}).model

    assert model.estimator.estimators[0][1].class_weight == {0: 1, 1: 5}


def test_class_weights_inside_what_sees_two_classes_at_a_time_are_refused() -> None:
    with pytest.raises(InvalidCommand, match="two at a time"):
        fit("OneVsRestClassifier", "grade", hyperparameters={"estimator": nested("SVC", class_weight={"1": 2})})


@pytest.mark.parametrize("name", ["StackingClassifier", "BaggingClassifier", "OneVsOneClassifier"])
def test_the_same_seed_gives_the_same_answers(name: str) -> None:
    inside = nested("RandomForestClassifier", n_estimators=3)
    given = {"estimators": [inside, TREE]} if name == "StackingClassifier" else {"estimator": inside}

    one, other = (fit(name, "grade", hyperparameters=given) for _ in range(2))

    assert one.metrics == other.metrics
