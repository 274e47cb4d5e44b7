"""A row gets the same answer, to the last bit, by each way there is to ask for it."""

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from modelbus.shared.bus import Publisher
from tests.e2e.api import Api
from tests.e2e.doors import QueueDoor

Row = dict[str, float]
Said = tuple[Any, tuple[float, ...]]

FEATURES = [f"x{place:02}" for place in range(30)]
ASKED_ALONE = 16
ESTIMATORS: list[tuple[str, dict[str, Any]]] = [
    ("LogisticRegression", {}),
    ("MLPClassifier", {"max_iter": 30}),
    ("CalibratedClassifierCV", {"estimator": {"estimator": "SVC"}}),
    ("KNeighborsClassifier", {"weights": "distance"}),
    ("GaussianProcessClassifier", {}),
    ("HistGradientBoostingClassifier", {"max_iter": 15}),
    ("RandomForestClassifier", {"n_estimators": 20}),
]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """270 rows of thirty numbers, some of them equal to others."""
    numbers = np.random.default_rng(11).normal(size=(270, len(FEATURES))).round(4)
    numbers[::9] = numbers[4]
    return [dict(zip(FEATURES, row, strict=True)) for row in numbers.tolist()]


@pytest.fixture(scope="module")
def row_dataset(api: Api, rows: list[Row]) -> str:
    """The rows with a class of three."""
    labels = ["low", "mid", "high"]
    lines = [",".join([*FEATURES, "label"])]
    for row in rows:
        label = labels[int(row["x00"] + row["x01"] > -0.5) + int(row["x00"] + row["x01"] > 0.5)]
        lines.append(",".join([*map(repr, row.values()), label]))
    return api.dataset("\n".join(lines) + "\n", "neighbours")


@pytest.mark.parametrize(("estimator", "hyperparameters"), ESTIMATORS, ids=[name for name, _ in ESTIMATORS])
def test_a_row_is_answered_alike_by_every_way_to_ask(
    api: Api,
    publisher: Publisher,
    rows: list[Row],
    row_dataset: str,
    estimator: str,
    hyperparameters: dict[str, Any],
) -> None:
    trained = api.train(row_dataset, "label", estimator, features=FEATURES, hyperparameters=hyperparameters)
    model = trained["version"]["model"]
    few = rows[:ASKED_ALONE]

    alone = [_asked(api, model, [row])[0] for row in few]

    assert _asked(api, model, rows)[:ASKED_ALONE] == alone
    assert _asked(api, model, few[::-1]) == alone[::-1]
    assert _asked_at_once(api, model, few) == alone
    assert _by_queue(api, publisher, model, few) == alone
    assert _as_dataset(api, model, row_dataset)[:ASKED_ALONE] == alone


def _asked(api: Api, model: str, rows: list[Row]) -> list[Said]:
    answer = api.post(f"/models/{model}/predict", {"rows": rows, "has_probabilities": True})
    assert answer.status == 200, answer
    return _said(answer.document)


def _asked_at_once(api: Api, model: str, rows: list[Row]) -> list[Said]:
    """One request a row, at the same time: the predictor answers what waits together."""
    with ThreadPoolExecutor(len(rows)) as callers:
        return [said for found in callers.map(lambda row: _asked(api, model, [row]), rows) for said in found]


def _by_queue(api: Api, publisher: Publisher, model: str, rows: list[Row]) -> list[Said]:
    command = {"command": "Predict", "model": model, "rows": rows, "has_probabilities": True}
    outcome = QueueDoor(api, publisher).send(command)
    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    return _said(outcome.result)


def _as_dataset(api: Api, model: str, dataset: str) -> list[Said]:
    answer = api.post(f"/models/{model}/predict?wait=60", {"dataset": dataset, "has_probabilities": True})
    assert answer.status == 200, answer
    table = pq.read_table(io.BytesIO(api.get(answer.document["links"]["parquet"]).body)).to_pylist()
    classes = [name for name in table[0] if name.startswith("probability_")]
    return [(row["prediction"], tuple(row[name] for name in classes)) for row in table]


def _said(document: dict[str, Any]) -> list[Said]:
    return [
        (label, tuple(probabilities))
        for label, probabilities in zip(document["predictions"], document["probabilities"], strict=True)
    ]
