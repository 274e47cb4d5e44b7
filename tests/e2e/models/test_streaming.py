"""Streamed training, by either door: when it is done, what is kept of it."""

from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.commands import train_command
from tests.e2e.doors import Door
from tests.e2e.tables import texts

ROWS = 120_000
LOW_LIMIT = 640 * 2**20
"""The whole table is likely to take more than half of it."""


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
    assert low.result["expected_memory_bytes"] < LOW_LIMIT / 2 < high.result["expected_memory_bytes"]
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


@pytest.mark.parametrize(("name", "can_stream"), [("GaussianNB", True), ("RandomForestClassifier", False)])
def test_an_estimator_says_whether_it_can_be_streamed(api: Api, name: str, can_stream: bool) -> None:
    assert api.get(f"/estimators/{name}").document["can_stream"] is can_stream
