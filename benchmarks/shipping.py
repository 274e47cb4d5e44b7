"""What it costs the predict path that log lines are kept in MongoDB: two stacks, with and without, in turns.

Both log at `info`, as by default: a line for each request and one for each batch. The stacks take turns, a few seconds
each, so that whatever else the machine does falls on both.
"""

import contextlib
import json
import tempfile
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer

from benchmarks.load import run_load
from benchmarks.predict import train, upload
from modelbus.stack import LocalStack

CONNECTIONS = (1, 64)
ROUNDS = 6
ESTIMATOR = "LogisticRegression"


def main(seconds: float) -> None:
    """Measure and print the table.

    Args:
        seconds: For each measurement.
    """
    frame = load_breast_cancer(as_frame=True).frame
    body = json.dumps({"rows": json.loads(frame.drop(columns="target").head(1).to_json(orient="records"))}).encode()
    grid = Table("connections", "lines kept: requests/s", "not kept: requests/s", "ratio of medians", "of each round")
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stacks:
        urls = {}
        for is_kept in (True, False):
            environment = {"MODELBUS_LOG_SHIPPING": str(is_kept)}
            stack = LocalStack(
                Path(directory) / str(is_kept), environment=environment, is_persistent=False, start_timeout_s=300
            )
            url = stacks.enter_context(stack).gateway_url
            upload(url, frame)
            train(url, ESTIMATOR)
            urls[is_kept] = f"{url}/models/{ESTIMATOR}/predict"
            run_load(urls[is_kept], body, 8, 1.0)
        for connections in CONNECTIONS:
            rounds = [
                {is_kept: run_load(url, body, connections, seconds).requests_per_s for is_kept, url in urls.items()}
                for _ in range(ROUNDS)
            ]
            _row(grid, connections, rounds)
    Console(width=110).print(grid)


def _row(grid: Table, connections: int, rounds: list[dict[bool, float]]) -> None:
    kept, plain = (median(one[is_kept] for one in rounds) for is_kept in (True, False))
    each = " ".join(f"{one[True] / one[False]:.2f}" for one in rounds)
    grid.add_row(str(connections), f"{kept:.0f}", f"{plain:.0f}", f"{kept / plain:.2f}", each)
