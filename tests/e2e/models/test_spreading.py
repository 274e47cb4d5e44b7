"""Fits on a Dask cluster: a real scheduler and two workers, each a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelbus.stack import LocalStack
from tests.e2e.api import Api
from tests.e2e.tables import numbers
from tests.stack_fixtures import QUICK_SETTINGS
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

FOREST = {"n_estimators": 12, "max_depth": 8}
VOTE = {
    "estimators": [
        {"estimator": "RandomForestRegressor", "hyperparameters": {"n_estimators": 4}},
        {"estimator": "Ridge"},
    ]
}
TRAININGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a forest": ("RandomForestClassifier", "kind", FOREST),
    "a vote": ("VotingRegressor", "amount", VOTE),
    "one fit": ("LogisticRegression", "kind", {}),
}
EXECUTED = """
import json, sys
from distributed import Client

def executed(dask_worker):
    return dask_worker.state.executed_count

with Client(sys.argv[1], timeout=10) as client:
    print(json.dumps(sorted(client.run(executed).values())))
"""


def _started(arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / f"{arguments[0]}-{os.urandom(4).hex()}.log").open("wb") as log:
        return subprocess.Popen([sys.executable, "-m", "dask", *arguments], stdout=log, stderr=log)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers."""
    folder = tmp_path_factory.mktemp("dask")
    contact = folder / "scheduler.json"
    common = ["--scheduler-file", str(contact), "--host", "127.0.0.1", "--no-dashboard"]
    worker = ["worker", *common, "--nthreads", "1", "--local-directory", str(folder)]
    processes = [_started(["scheduler", *common, "--port", "0"], folder)]
    try:
        wait_until(contact.exists, "the scheduler has started", 60)
        address = str(json.loads(contact.read_text())["address"])
        processes += [_started(worker, folder) for _ in range(2)]
        wait_until(lambda: len(executed(address)) == 2, "both workers have come", 60)
        yield address
    finally:
        for process in reversed(processes):  # a worker without its scheduler takes long to end
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def executed(address: str) -> list[int]:
    """How many tasks each worker has done."""
    done = subprocess.run([sys.executable, "-c", EXECUTED, address], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts: list[int] = json.loads(done.stdout)
    return counts


@pytest.fixture(scope="module")
def spread_api(
    stack: LocalStack, scheduler: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Api, LocalStack]]:
    """A stack of its own whose trainer has the cluster, and takes every fit for worth it."""
    environment = {**QUICK_SETTINGS, "MODELBUS_DASK_SCHEDULER": scheduler, "MODELBUS_DASK_MINIMUM_CELLS": "0"}
    with LocalStack(
        tmp_path_factory.mktemp("spread") / ".modelbus", environment=environment, is_persistent=False
    ) as spread:
        yield Api(spread.gateway_url), spread


@pytest.mark.parametrize(("estimator", "target", "hyperparameters"), TRAININGS.values(), ids=TRAININGS.keys())
def test_a_fit_on_a_cluster_is_the_fit_that_one_machine_makes(
    api: Api,
    spread_api: tuple[Api, LocalStack],
    scheduler: str,
    estimator: str,
    target: str,
    hyperparameters: dict[str, Any],
) -> None:
    spread, stack = spread_api
    before = executed(scheduler)
    options = {"features": ["a", "b", "c"], "hyperparameters": hyperparameters, "seed": 4}

    there = spread.train(spread.dataset(numbers(300), "there"), target, estimator, **options)["version"]
    here = api.train(api.dataset(numbers(300), "here"), target, estimator, **options)["version"]

    assert there["metrics"] == here["metrics"]
    rows = {"rows": [{"a": 0.1 * number, "b": -0.2, "c": 1.0} for number in range(20)]}
    predicted = [
        door.post(f"/models/{version['model']}/predict", rows).document["predictions"]
        for door, version in ((spread, there), (api, here))
    ]
    assert predicted[0] == predicted[1]
    log = stack.layout.log_file("trainer").read_text()
    assert any('"fit.spread"' in line and there["correlation_id"] in line for line in log.splitlines())
    if "n_estimators" in json.dumps(hyperparameters):
        assert all(after > earlier for after, earlier in zip(executed(scheduler), before, strict=True))


def test_without_an_answer_from_the_scheduler_a_fit_is_local(
    stack: LocalStack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = {
        **QUICK_SETTINGS,
        "MODELBUS_DASK_SCHEDULER": "tcp://127.0.0.1:9",
        "MODELBUS_DASK_MINIMUM_CELLS": "0",
    }
    with LocalStack(
        tmp_path_factory.mktemp("unspread") / ".modelbus", environment=environment, is_persistent=False
    ) as lonely:
        api = Api(lonely.gateway_url)
        version = api.train(api.dataset(numbers(60)), "kind", "GaussianNB", features=["a"])["version"]
        log = lonely.layout.log_file("trainer").read_text()
    assert any('"fit.not_spread"' in line and version["correlation_id"] in line for line in log.splitlines())
