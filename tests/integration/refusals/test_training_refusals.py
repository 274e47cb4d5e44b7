"""What a training is refused for, by its place: alike at either door, and by the check as by the training."""

from typing import Any

import pytest

from tests.e2e.api import fresh
from tests.e2e.commands import train_command
from tests.e2e.doors import Outcome
from tests.e2e.tables import heaps, message_table, texts, weighted
from tests.integration.refusals.direct_doors import FILES_LEFT_OPEN, DirectDoors

pytestmark = FILES_LEFT_OPEN

SPACE = {
    "max_depth": {"values": [1, 4, None]},
    "min_samples_leaf": {"distribution": "int_uniform", "low": 1, "high": 9},
}
SEARCH = {"method": "random", "space": SPACE, "candidates": 5, "cross_validation": {"folds": 3}}


def refusal(doors: DirectDoors, command: dict[str, Any]) -> Outcome:
    """How a training is refused, and its check alike."""
    trained, checked = (doors.refusal({**command, "command": name}) for name in ("TrainModel", "CheckTraining"))
    assert checked == trained
    return trained


@pytest.fixture(scope="module")
def weighted_dataset(doors: DirectDoors) -> str:
    """Numbers with a weight, a day, and an id that tells nothing."""
    return doors.dataset(weighted(), "weighted")


@pytest.fixture(scope="module")
def text_dataset(doors: DirectDoors) -> str:
    """A number, five columns of categories, a weight and a class."""
    return doors.dataset(texts(500, 2), "texts")


@pytest.fixture(scope="module")
def heap_dataset(doors: DirectDoors) -> str:
    """Three heaps."""
    return doors.dataset(heaps(), "heaps")


@pytest.fixture(scope="module")
def message_dataset(doors: DirectDoors) -> str:
    """Messages, and whether each is spam."""
    return doors.dataset(message_table(), "messages")


# --- weights, hold-outs, columns ---

OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown excluded column": ({"exclude": ["idd"]}, "exclude.0"),
    "an unknown weight": ({"sample_weight": "wieght"}, "sample_weight"),
    "text as a weight": ({"sample_weight": "id"}, "sample_weight"),
    "an unknown time": ({"hold_out": {"time_column": "date"}}, "hold_out.time_column"),
    "text as a time": ({"hold_out": {"time_column": "id"}}, "hold_out.time_column"),
    "two hold-outs": ({"hold_out": {"time_column": "day", "dataset": "x"}}, "hold_out"),
    "features and exclude": ({"features": ["a"], "exclude": ["b"]}, "command"),
    "one fold": ({"cross_validation": {"folds": 1}}, "cross_validation.folds"),
    "a negative class weight": ({"class_weight": {"low": -1}}, "class_weight"),
    "an unknown class": ({"class_weight": {"lowest": 2}}, "class_weight"),
    "weights twice": (
        {"class_weight": "balanced", "hyperparameters": {"class_weight": "balanced"}},
        "command",
    ),
    "no weights taken": (
        {"sample_weight": "weight", "estimator": "KNeighborsClassifier"},
        "sample_weight",
    ),
    "nothing left": (
        {"exclude": ["a", "b", "c", "amount", "weight", "day", "id"]},
        "features",
    ),
}


@pytest.mark.parametrize(("changes", "place"), OPTIONS.values(), ids=OPTIONS.keys())
def test_an_option_that_cannot_be_is_refused(
    doors: DirectDoors, weighted_dataset: str, changes: dict[str, Any], place: str
) -> None:
    refused = refusal(doors, train_command(weighted_dataset, **{"estimator": "DecisionTreeClassifier", **changes}))

    assert refused.code == "invalid_command"
    assert refused.places[0].startswith(place), refused


def test_a_dataset_to_measure_on_must_be_there_and_have_the_columns(
    doors: DirectDoors, weighted_dataset: str, number_dataset: str
) -> None:
    unknown, narrow = (
        refusal(doors, train_command(weighted_dataset, estimator="DecisionTreeClassifier", hold_out={"dataset": other}))
        for other in (fresh("nowhere"), number_dataset)
    )

    assert (unknown.code, narrow.code) == ("unknown_dataset", "invalid_command")
    assert set(narrow.places) == {"hold_out.dataset"}


HYPERPARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "no such estimator": ("RandomForrestClassifier", {}),
    "no such hyperparameter": ("RandomForestClassifier", {"trees": 5}),
    "forbidden": ("RandomForestClassifier", {"n_jobs": 8}),
    "beyond the bound": ("RandomForestClassifier", {"n_estimators": 10**9}),
    "forbidden inside": (
        "BaggingClassifier",
        {"estimator": {"estimator": "SVC", "hyperparameters": {"verbose": True}}},
    ),
    "nothing inside": ("VotingClassifier", {}),
    "the wrong task": ("Ridge", {}),
}


@pytest.mark.parametrize(("estimator", "hyperparameters"), HYPERPARAMETERS.values(), ids=HYPERPARAMETERS.keys())
def test_an_estimator_that_cannot_be_made_so_is_refused(
    doors: DirectDoors, weighted_dataset: str, estimator: str, hyperparameters: dict[str, Any]
) -> None:
    refused = refusal(doors, train_command(weighted_dataset, estimator=estimator, hyperparameters=hyperparameters))

    assert refused.code in ("invalid_command", "unknown_estimator", "estimator_rejected")


@pytest.mark.parametrize(
    ("hyperparameters", "named"),
    [
        ({"max_depth": -1}, "max_depth"),
        ({"max_depht": 3}, "max_depth"),
        ({"max_depth": "deep"}, "max_depth"),
        ({"random_state": 3}, "seed"),
    ],
    ids=["out of range", "misspelt", "wrong type", "forbidden"],
)
def test_an_invalid_hyperparameter_is_refused_by_name(
    doors: DirectDoors, number_dataset: str, hyperparameters: dict[str, Any], named: str
) -> None:
    refused = refusal(
        doors, train_command(number_dataset, estimator="DecisionTreeClassifier", hyperparameters=hyperparameters)
    )

    assert (refused.code, refused.places) == ("invalid_command", (f"hyperparameters.{next(iter(hyperparameters))}",))
    assert named in str(refused.message)


# --- streaming ---

STREAMED: dict[str, tuple[dict[str, Any], str]] = {
    "no partial_fit": ({"estimator": "RandomForestClassifier"}, "streaming"),
    "a solver of whole tables": (
        {"estimator": "MLPClassifier", "hyperparameters": {"solver": "lbfgs"}},
        "hyperparameters.solver",
    ),
    "early stopping": ({"hyperparameters": {"early_stopping": True}}, "hyperparameters.early_stopping"),
    "weights not taken": ({"estimator": "PassiveAggressiveClassifier", "sample_weight": "weight"}, "sample_weight"),
    "cross-validation": ({"cross_validation": {"folds": 3}}, "cross_validation"),
    "a hold-out by time": ({"hold_out": {"time_column": "weight"}}, "hold_out.time_column"),
    "a stratified hold-out": ({"hold_out": {"is_stratified": True}}, "hold_out.is_stratified"),
    "no epoch": ({"epochs": 0}, "epochs"),
    "an unknown word": ({"streaming": "sometimes"}, "streaming"),
    "an unknown class": ({"class_weight": {"maybe": 2}}, "class_weight"),
    "text as a weight": ({"sample_weight": "t4"}, "sample_weight"),
    "the wrong task": ({"task": "regression"}, "task"),
}


@pytest.mark.parametrize(("changes", "place"), STREAMED.values(), ids=STREAMED.keys())
def test_what_cannot_be_streamed_is_refused(
    doors: DirectDoors, text_dataset: str, changes: dict[str, Any], place: str
) -> None:
    given = {"features": ["place", "t0", "t1"], "estimator": "SGDClassifier", "streaming": "always", "epochs": 2}

    refused = refusal(doors, train_command(text_dataset, **{**given, **changes}))

    assert refused.code == "invalid_command"
    assert refused.places[0].startswith(place), refused


# --- searches, choices, thresholds, calibration ---

TUNED: dict[str, tuple[dict[str, Any], str]] = {
    "a value that may not be": (
        {"search": {**SEARCH, "space": {"max_depth": {"values": [3, 0]}}}},
        "search.space.max_depth.values.1",
    ),
    "an end that may not be": (
        {"search": {**SEARCH, "space": {"min_samples_leaf": {"distribution": "int_uniform", "low": 0, "high": 4}}}},
        "search.space.min_samples_leaf.low",
    ),
    "a hyperparameter that is the service's": (
        {"search": {**SEARCH, "space": {"random_state": {"values": [1]}}}},
        "search.space.random_state.values.0",
    ),
    "a metric of another task": ({"search": {**SEARCH, "scoring": "r2"}}, "search.scoring"),
    "a method that is none": ({"search": {**SEARCH, "method": "luck"}}, "search.method"),
    "a distribution in a grid": ({"search": {"method": "grid", "space": SPACE}}, "search"),
    "a search that is streamed": ({"search": SEARCH, "streaming": "always"}, "search"),
    "a choice with hyperparameters": ({"estimator": "auto", "hyperparameters": {"max_depth": 3}}, "command"),
    "a choice of what is not there": ({"estimator": "auto", "auto": {"include": ["Ridge"]}}, "auto.include.0"),
    "a choice of clusters": ({"estimator": "auto", "task": "clustering"}, "task"),
    "a threshold between three": ({"threshold": {}}, "threshold"),
    "a calibration of numbers": (
        {"estimator": "Ridge", "target": "amount", "calibration": {}},
        "calibration",
    ),
}


@pytest.mark.parametrize(("changes", "place"), TUNED.values(), ids=TUNED.keys())
def test_what_cannot_be_tuned_is_refused_by_its_place(
    doors: DirectDoors, number_dataset: str, changes: dict[str, Any], place: str
) -> None:
    refused = refusal(doors, train_command(number_dataset, **{"estimator": "DecisionTreeClassifier", **changes}))

    assert (refused.code, refused.places) == ("invalid_command", (place,)), refused


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"promote": "if_better", "promote_metric": "r2"}, "classification has no metric 'r2'"),
        ({"promote": "never", "promote_metric": "accuracy"}, "requires promote: if_better"),
    ],
)
def test_a_metric_that_decides_nothing_is_refused(
    doors: DirectDoors, number_dataset: str, fields: dict[str, Any], words: str
) -> None:
    refused = refusal(doors, train_command(number_dataset, estimator="GaussianNB", **fields))

    assert refused.code == "invalid_command", refused
    assert words in str(refused.message)


# --- outliers and clusters ---


@pytest.mark.parametrize(
    ("estimator", "changes", "place", "words"),
    [
        ("KMeans", {"target": "heap", "exclude": None}, "target", "KMeans performs clustering, which has no target"),
        ("OneClassSVM", {"target": "heap", "exclude": None}, "target", "outlier_detection, which has no target"),
        ("KMeans", {"class_weight": "balanced"}, "class_weight", "no classes to weigh"),
        ("IsolationForest", {"cross_validation": {"folds": 3}}, "cross_validation", "no target to validate against"),
        ("KMeans", {"hold_out": {"is_stratified": True}}, "hold_out.is_stratified", "no classes to stratify by"),
        ("GaussianNB", {}, "target", "GaussianNB performs classification, which requires a target"),
        ("Ridge", {}, "target", "Ridge performs regression, which requires a target"),
        ("KMeans", {"task": "outlier_detection"}, "task", "KMeans does clustering, not outlier_detection"),
        ("LocalOutlierFactor", {"hyperparameters": {"novelty": False}}, "hyperparameters.novelty", "may not be set"),
    ],
)
def test_what_a_task_does_not_have_is_refused(
    doors: DirectDoors, heap_dataset: str, estimator: str, changes: dict[str, Any], place: str, words: str
) -> None:
    said = {"model": fresh("model"), "dataset": heap_dataset, "estimator": estimator, "exclude": ["heap"], **changes}

    refused = refusal(doors, said)

    assert (refused.code, refused.places) == ("invalid_command", (place,))
    assert words in str(refused.message)


# --- free text ---

TEXTS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown column": ({"free_text": ["massages"]}, "free_text.0"),
    "a number": ({"free_text": ["n"]}, "free_text.0"),
    "the target": ({"categorical": ["kind"]}, "categorical.0"),
    "an excluded one": ({"exclude": ["message"], "free_text": ["message"]}, "free_text.0"),
    "both": ({"free_text": ["message"], "categorical": ["message"]}, "command"),
}


@pytest.mark.parametrize(("changes", "place"), TEXTS.values(), ids=TEXTS.keys())
def test_what_cannot_be_read_as_text_is_refused(
    doors: DirectDoors, message_dataset: str, changes: dict[str, Any], place: str
) -> None:
    refused = refusal(doors, train_command(message_dataset, estimator="LogisticRegression", **changes))

    assert (refused.code, refused.places) == ("invalid_command", (place,)), refused
