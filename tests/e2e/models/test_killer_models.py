"""Models whose predictions crash, never end or fill the memory, beside healthy ones: through the whole system.

They come from a plug-in whose estimator does what its rows say, once it predicts for others than its own training.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from modelbus.shared.bus import Publisher
from modelbus.shared.contracts import new_correlation_id
from modelbus.stack import LocalStack
from tests.e2e.api import Answer, Api
from tests.e2e.tables import numbers
from tests.plugins import with_packages, write_distribution
from tests.stack_fixtures import QUICK_SETTINGS, started

PLUGIN = """
import os, time
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from modelbus.plugins import EstimatorPlugin

class Killer(RegressorMixin, BaseEstimator):
    "Predicts the mean of what it learnt, unless its rows are wild."

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        largest = float(np.max(X)) if len(X) else 0.0
        if largest > 1e12:
            os.abort()
        if largest > 1e9:
            while True:
                time.sleep(60)
        if largest > 1e6:
            hoard = []
            while True:
                hoard.append(np.ones(2**22))
        return np.full(len(X), self.mean_)

REGRESSOR = EstimatorPlugin(
    estimator_type=Killer, task="regression", description="Kills.", hyperparameters={}, trusted_types={}, libraries=()
)
"""
HARMLESS = {"a": 1.5, "b": -0.5, "c": 0.25}
CRASHING, ENDLESS, HOARDING = ({**HARMLESS, "a": size} for size in (1e15, 1e11, 1e8))
REASONS = {
    "crashing": (CRASHING, "crashed"),
    "endless": (ENDLESS, "timed_out"),
    "hoarding": (HOARDING, "out_of_memory"),
}
DOORS = ("http", "queue")
SETTINGS = {
    "MODELBUS_PREDICT_SLOW_S": "1",
    "MODELBUS_PREDICT_TIME_LIMIT_S": "4",
    "MODELBUS_MODEL_CACHE_BYTES": str(64 * 2**20),
    "MODELBUS_JOB_MEMORY_LIMIT_BYTES": str(512 * 2**20),
}


@pytest.fixture(scope="module")
def killer_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of its own, whose services have the plug-in."""
    site = tmp_path_factory.mktemp("killers") / "site"
    site.mkdir()
    write_distribution(site, "killers", {"KillerRegressor": "killers:REGRESSOR"}, PLUGIN)
    environment = {**QUICK_SETTINGS, **SETTINGS, **with_packages(site)}
    with started(LocalStack(site.parent / ".modelbus", environment=environment, is_persistent=False)) as stack:
        yield stack


@pytest.fixture(scope="module")
def api(killer_stack: LocalStack) -> Api:
    """Its HTTP door."""
    return Api(killer_stack.gateway_url)


@pytest.fixture(scope="module")
def models(api: Api) -> dict[str, str]:
    """The name of a killer, and of a healthy model."""
    dataset = api.dataset(numbers(200), "numbers")
    return {
        estimator: api.train(dataset, "amount", estimator, features=list(HARMLESS))["version"]["model"]
        for estimator in ("KillerRegressor", "LinearRegression")
    }


@pytest.fixture(scope="module")
def publisher(killer_stack: LocalStack) -> Iterator[Publisher]:
    """Its queue's door."""
    publisher = Publisher(killer_stack.bus_url, "test")
    yield publisher
    publisher.close()


def ask(api: Api, model: str, row: dict[str, Any], correlation_id: str | None = None) -> Answer:
    headers = {"X-Correlation-ID": correlation_id or new_correlation_id()}
    return api.post(f"/models/{model}/predict", {"rows": [row]}, headers=headers)


def service_pid(api: Api) -> int:
    """The predictor's process, as it announced itself."""
    [predictor] = [one for one in api.get("/services").document["services"] if one["service"] == "predictor"]
    return int(predictor["pid"])


@pytest.mark.parametrize("kind", REASONS)
@pytest.mark.parametrize("door", ["http", "queue"])
def test_healthy_callers_are_answered_beside_a_killer_which_ends_with_its_reason(
    api: Api, publisher: Publisher, models: dict[str, str], kind: str, door: str
) -> None:
    row, code = REASONS[kind]
    before = service_pid(api)
    killer, healthy = models["KillerRegressor"], models["LinearRegression"]
    correlation_id = new_correlation_id()
    with ThreadPoolExecutor(10) as pool:
        if door == "http":
            told = pool.submit(ask, api, killer, row, correlation_id)
        else:
            command = {"command": "Predict", "model": killer, "rows": [row], "correlation_id": correlation_id}
            publisher.send("predict", command)
        answers = list(pool.map(partial(ask, api), [healthy, killer] * 4, [HARMLESS] * 8))
        if door == "http":
            assert told.result().code == code, told.result().document
    assert {answer.status for answer in answers} == {200}, [answer.document for answer in answers]
    job = api.ended_job(correlation_id)
    assert (job["status"], job["error"]["code"]) == ("failed", code)
    assert service_pid(api) == before, "the service itself never ended"
