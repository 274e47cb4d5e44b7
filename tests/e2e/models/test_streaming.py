"""Streamed training, by either door: when it is done, what is kept of it, what is refused."""

from typing import Any

import numpy as np
import pytest

from tests.e2e.api import Api
from tests.e2e.commands import train_command
from tests.e2e.doors import Door

ROWS = 120_000
LOW_LIMIT = 640 * 2**20
"""The whole table is likely to take more than half of it."""


def texts(row_count: int, seed: int) -> str:
    """A number, five columns of forty categories each, a weight, and a class that the number and a category say."""
    random = np.random.default_rng(seed)
    places, codes = random.normal(size=row_count).round(3), random.integers(0, 40, (row_count, 5))
    kinds = np.where(places + (codes[:, 0] < 20) > 0.5, "yes", "no")
    lines = ["place,t0,t1,t2,t3,t4,weight,kind"]
    for place, row, kind in zip(places.tolist(), codes.tolist(), kinds.tolist(), strict=True):
        lines.append(f"{place},{','.join(f'c{code}' for code in row)},{row[0] % 3},{kind}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def long_dataset(api: Api) -> str:
    """Three row groups."""
    return api.dataset(texts(ROWS, 1), "long")


@pytest.fixture(scope="module")
def other_dataset(api: Api) -> str:
    """A few rows of the same kind."""
    return api.dataset(texts(500, 2), "other")


def command(dataset: str, **changes: Any) -> dict[str, Any]:
    given = {"features": ["place", "t0", "t1"], "estimator": "SGDClassifier", "streaming": "always", "epochs": 2}
    return train_command(dataset, **{**given, **changes})


def test_a_long_table_is_streamed_and_said_again(api: Api, door: Door, long_dataset: str) -> None:
    outcome = door.send(command(long_dataset, class_weight="balanced", sample_weight="weight"))

    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    version = outcome.result["version"]
    assert (version["streamed"], version["row_count"], version["specification"]["epochs"]) == (True, 96_000, 2)
    assert version["metrics"]["accuracy"] > 0.9

    again = api.post(f"/models/{version['model']}/retrain?wait=100", {})

    assert again.status == 201, again
    second = again.document["version"]
    assert (second["streamed"], second["metrics"]) == (True, version["metrics"])
    comparison = again.document["comparison"]
    assert comparison["own"] == comparison["champion"] == version["metrics"]["balanced_accuracy"]


def test_auto_streams_where_memory_is_low(api: Api, door: Door, long_dataset: str) -> None:
    said = command(
        long_dataset,
        streaming="auto",
        features=["place", "t0", "t1", "t2", "t3", "t4"],
        limits={"memory_bytes": LOW_LIMIT},
    )
    low, high = (door.send({**said, "command": "CheckTraining", **more}) for more in ({}, {"limits": {}}))
    assert low.result is not None, low
    assert high.result is not None, high
    assert (low.result["streamed"], low.result["epochs"]) == (True, 2)
    assert (high.result["streamed"], high.result["epochs"]) == (False, None)
    assert low.result["likely_memory_bytes"] < LOW_LIMIT / 2 < high.result["likely_memory_bytes"]
    assert low.result["row_count"] == high.result["row_count"] == 96_000
    never = door.send({**said, "command": "CheckTraining", "streaming": "never"})
    assert never.result is not None, never
    assert never.result["streamed"] is False

    outcome = door.send(said)

    assert outcome.result is not None, outcome
    assert outcome.result["version"]["streamed"] is True


def test_another_dataset_can_be_measured_on(api: Api, door: Door, long_dataset: str, other_dataset: str) -> None:
    outcome = door.send(
        command(long_dataset, estimator="GaussianNB", hold_out={"dataset": other_dataset}, streaming="always")
    )

    assert outcome.result is not None, outcome
    version = outcome.result["version"]
    assert (version["streamed"], version["row_count"]) == (True, ROWS)
    evaluation = api.post("/evaluations?wait=60", {"model": f"{version['model']}@1", "dataset": other_dataset})
    # summed row group by row group there, and at once here
    metrics = evaluation.document["metrics"]
    assert metrics.keys() == version["metrics"].keys()
    for name, value in version["metrics"].items():
        assert metrics[name] == (value if value is None else pytest.approx(value, rel=1e-9)), name


def test_a_small_table_is_not_streamed_unless_asked(door: Door, other_dataset: str) -> None:
    for streaming, streamed in (("auto", False), ("never", False), ("always", True)):
        outcome = door.send(command(other_dataset, streaming=streaming))
        assert outcome.result is not None, outcome
        assert outcome.result["version"]["streamed"] is streamed


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
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


@pytest.mark.parametrize(("changes", "place"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_streamed_is_refused_alike(
    door: Door, other_dataset: str, changes: dict[str, Any], place: str
) -> None:
    trained, checked = (
        door.send(command(other_dataset, **changes, command=name)) for name in ("TrainModel", "CheckTraining")
    )

    assert (trained.status, trained.code) == ("failed", "invalid_command"), trained
    assert trained.places[0].startswith(place), trained
    assert checked == trained


@pytest.mark.parametrize(("name", "can_stream"), [("GaussianNB", True), ("RandomForestClassifier", False)])
def test_an_estimator_says_whether_it_can_be_streamed(api: Api, name: str, can_stream: bool) -> None:
    assert api.get(f"/estimators/{name}").document["can_stream"] is can_stream
