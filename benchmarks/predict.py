"""One row a request through the whole system, beside scikit-learn inline in an aiohttp handler.

Same model, same rows, same load generator, same machine, in turns. Modelbus validates, sends by the bus, records each
prediction in MongoDB and answers; the inline server only predicts.
"""

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import skops.io
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from benchmarks.load import LoadResult, run_load
from modelbus.stack import LocalStack

CONNECTIONS = (1, 64, 256)
ESTIMATORS: dict[str, Any] = {
    "LogisticRegression": lambda: LogisticRegression(max_iter=5000, random_state=0),
    "RandomForestClassifier": lambda: RandomForestClassifier(random_state=0),
}


def main(seconds: float) -> None:
    """Measure and print the table.

    Args:
        seconds: For each measurement.
    """
    frame = load_breast_cancer(as_frame=True).frame
    body = json.dumps({"rows": json.loads(frame.drop(columns="target").head(1).to_json(orient="records"))}).encode()
    grid = Table("estimator", "connections", "server", "requests/s", "median ms", "p99 ms", "failed", "ratio")
    with tempfile.TemporaryDirectory() as directory:
        settings = {"MODELBUS_LOG_LEVEL": "warning"}
        with LocalStack(Path(directory) / "stack", environment=settings, is_persistent=False) as stack:
            upload(stack.gateway_url, frame)
            for name in ESTIMATORS:
                train(stack.gateway_url, name)
                with _inline(frame, name, Path(directory)) as inline_url:
                    _measure(grid, name, f"{stack.gateway_url}/models/{name}/predict", inline_url, body, seconds)
    Console(width=110).print(grid)


def _measure(grid: Table, name: str, ours: str, inline: str, body: bytes, seconds: float) -> None:
    for url in (ours, inline):
        run_load(url, body, 8, 1.0)
    for connections in CONNECTIONS:
        baseline = run_load(inline, body, connections, seconds)
        measured = run_load(ours, body, connections, seconds)
        _row(grid, name, connections, "inline", baseline, "")
        ratio = f"{measured.requests_per_s / baseline.requests_per_s:.2f}"
        _row(grid, name, connections, "modelbus", measured, ratio)


def _row(grid: Table, name: str, connections: int, server: str, result: LoadResult, ratio: str) -> None:
    figures = (f"{result.requests_per_s:.0f}", f"{result.median_ms:.1f}", f"{result.p99_ms:.1f}")
    grid.add_row(name, str(connections), server, *figures, str(result.failures), ratio)


def upload(url: str, frame: pd.DataFrame) -> None:
    """Make the dataset."""
    _post(f"{url}/datasets?name=benchmark&wait=60", frame.to_csv(index=False).encode(), "text/csv")


def train(url: str, name: str) -> None:
    """Train a model on it, of the estimator's name."""
    parameters = {"max_iter": 5000} if name == "LogisticRegression" else {}
    command = {
        "model": name,
        "dataset": "benchmark",
        "target": "target",
        "estimator": name,
        "hyperparameters": parameters,
    }
    _post(f"{url}/models?wait=60", json.dumps(command).encode(), "application/json")


def _post(url: str, body: bytes, media_type: str) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": media_type})
    with urllib.request.urlopen(request, timeout=90) as response:
        if response.status != 201:
            raise RuntimeError(f"{url}: {response.status} {response.read()[:500]!r}")


@contextlib.contextmanager
def _inline(frame: pd.DataFrame, name: str, directory: Path) -> Iterator[str]:
    model = ESTIMATORS[name]().fit(frame.drop(columns="target"), frame["target"])
    path = directory / f"{name}.skops"
    path.write_bytes(skops.io.dumps(model))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.inline_server", str(path), str(port)])
    try:
        _wait_until_listening(port)
        yield f"http://127.0.0.1:{port}/predict"
    finally:
        server.terminate()
        server.wait()


def _wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the inline server did not start")
