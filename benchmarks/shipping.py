"""What it costs the predict path that log lines are kept in MongoDB: two stacks, with and without, in turns.

Both log at `info`, as by default: a line for each request and one for each batch. The stacks take turns, a few seconds
each, first the one and then the other, so that whatever else the machine does falls on both. What other programs do
moves requests a second; processor time for each request it hardly moves, so that is measured too.
"""

import contextlib
import json
import os
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
ROUNDS = 10
ESTIMATOR = "LogisticRegression"
PROCESSES = ("gateway", "predictor", "mongod", "redis")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def main(seconds: float) -> None:
    """Measure and print the table.

    Args:
        seconds: For each measurement.
    """
    frame = load_breast_cancer(as_frame=True).frame
    body = json.dumps({"rows": json.loads(frame.drop(columns="target").head(1).to_json(orient="records"))}).encode()
    grid = Table("connections", "measure", "stored", "not stored", "median ratio", "quartiles of the ratio")
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stacks:
        opened = {}
        for is_kept in (True, False):
            stack = LocalStack(
                Path(directory) / str(is_kept),
                environment={"MODELBUS_LOG_SHIPPING": str(is_kept)},
                is_persistent=False,
                start_timeout_s=300,
            )
            opened[is_kept] = stacks.enter_context(stack)
            upload(stack.gateway_url, frame)
            train(stack.gateway_url, ESTIMATOR)
        for stack in opened.values():
            _measure(stack, body, 8, 1.0)
        for connections in CONNECTIONS:
            rounds = []
            for number in range(ROUNDS):
                order = (True, False) if number % 2 else (False, True)
                measured = {is_kept: _measure(opened[is_kept], body, connections, seconds) for is_kept in order}
                rounds.append((measured[True], measured[False]))
            for position, name in enumerate(("requests/s", "CPU ms per request")):
                _row(grid, connections, name, [(kept[position], plain[position]) for kept, plain in rounds])
    Console(width=120).print(grid)


def _measure(stack: LocalStack, body: bytes, connections: int, seconds: float) -> tuple[float, float]:
    """Requests a second, and milliseconds of processor time that servers and services took for each."""
    before = _processor_s(stack)
    rate = run_load(f"{stack.gateway_url}/models/{ESTIMATOR}/predict", body, connections, seconds).requests_per_s
    return rate, (_processor_s(stack) - before) / (rate * seconds) * 1000


def _processor_s(stack: LocalStack) -> float:
    ticks = 0
    for name in PROCESSES:
        fields = Path(f"/proc/{stack.member(name).process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * _TICK_S


def _row(grid: Table, connections: int, name: str, pairs: list[tuple[float, float]]) -> None:
    kept, plain = (median(pair[position] for pair in pairs) for position in (0, 1))
    ratios = sorted(kept / plain for kept, plain in pairs)
    quarter = len(ratios) // 4
    spread = f"{ratios[quarter]:.2f} to {ratios[-1 - quarter]:.2f}"
    grid.add_row(str(connections), name, f"{kept:.3g}", f"{plain:.3g}", f"{median(ratios):.2f}", spread)
