"""The whole pipeline over HTTP: upload, train, predict, evaluate, read back, and follow one id through the logs.

Starts the local stack (Redis, MongoDB, the four services) unless ``--url`` names one that runs. Ends with status 0 when
every answer is right: accuracy and R² are compared with a scikit-learn fit of the same rows.
"""

import argparse
import contextlib
import http.client
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demo_tables import SEED, DemoTable, demo_tables
from rich.console import Console
from rich.table import Table

from modelbus.stack import LocalStack
from modelbus.stack.layout import Layout
from modelbus.stack.log_lines import render_line
from modelbus.stack.log_reading import LogFilter, LogReader
from shared.errors import ModelbusError

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)

SERVICES = ("gateway", "evaluator", "trainer", "predictor")


class WrongAnswer(Exception):
    """An answer of the stack is not what it must be."""


class Api:
    """The HTTP door, with nothing but the standard library."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def call(self, method: str, path: str, body: Any = None, media_type: str = "application/json") -> Any:
        """Send a request.

        Args:
            method: The HTTP method.
            path: The path with its query.
            body: Bytes, or something to send as JSON.
            media_type: Of the body.

        Raises:
            WrongAnswer: The answer is a problem, or there is none; says which.
        """
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            # The address is what the user gave on the command line.
            headers = {"Content-Type": media_type}
            request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310
            with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
                text = response.read()
            return json.loads(text) if text.startswith((b"{", b"[")) else text.decode()
        except urllib.error.HTTPError as error:
            with error:
                raise WrongAnswer(f"{method} {path}: {error.code} {_reason(error.read())}") from error
        except (OSError, http.client.HTTPException) as error:
            raise WrongAnswer(f"no answer from {self._url}: {getattr(error, 'reason', None) or error!r}") from error
        except ValueError as error:
            raise WrongAnswer(f"{self._url} is not the address of a gateway: {error}") from error


def _reason(body: bytes) -> str:
    """What a problem says; of any other answer, its beginning."""
    try:
        problem = json.loads(body)
        return f"{problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"(no answer of Modelbus) {body[:200].decode('utf-8', 'replace')}"


def main() -> int:
    """Run the demo; returns the exit status."""
    options = _options()
    started = time.monotonic()
    try:
        with _stack(options) as url:
            console.print(f"[green]ready[/] after {time.monotonic() - started:.1f} s: {url}\n")
            results = [run_table(Api(url), table) for table in demo_tables()]
            report(results)
            follow(options.directory, results[0]["train_id"], "the training of the first model")
            follow(options.directory, results[0]["predict_id"], "one prediction")
    except (WrongAnswer, ModelbusError) as error:
        console.print(f"[bold red]the demo failed:[/] {error}")
        return 1
    console.print(
        f"\n[green]All answers are right.[/] Logs: {options.directory}/logs/   ({time.monotonic() - started:.0f} s)"
    )
    return 0


def run_table(api: Api, table: DemoTable) -> dict[str, Any]:
    """Take one table through all four services.

    Raises:
        WrongAnswer: Some answer is not what it must be.
    """
    console.print(f"[bold]{table.name}[/]  {table.about}")
    stamp = f"{time.time_ns() // 1_000_000 % 10**9:09d}"
    first, second = table.parts()
    training, held_out = f"{table.name}-{stamp}", f"{table.name}-held-out-{stamp}"
    _upload(api, training, first, table)
    _upload(api, held_out, second, table)
    trained = _train(api, table, training, stamp)
    model = trained["version"]["model"]
    predict_id = _predict(api, table, model, second)
    bulk = _predict_dataset(api, model, held_out, len(second))
    evaluation = _evaluate(api, table, model, held_out)
    _check_lineage(api, model, trained["version"])
    _check_bulk_agrees(bulk, second, table, evaluation)
    console.print()
    return {
        "table": table,
        "train_id": trained["version"]["correlation_id"],
        "predict_id": predict_id,
        "ours": evaluation["metrics"][table.metric],
        "reference": table.reference_score(),
    }


def report(results: list[dict[str, Any]]) -> None:
    """Print the scores beside scikit-learn's own.

    Raises:
        WrongAnswer: One is further from scikit-learn's than its tolerance.
    """
    grid = Table(title="On rows that no fit has seen")
    for heading in ("table", "estimator", "metric", "modelbus", "scikit-learn"):
        grid.add_column(heading, no_wrap=True)
    for result in results:
        table = result["table"]
        metric = "accuracy" if table.is_classification else "R²"
        grid.add_row(table.name, table.estimator, metric, f"{result['ours']:.4f}", f"{result['reference']:.4f}")
    console.print(grid)
    for result in results:
        table, difference = result["table"], abs(result["ours"] - result["reference"])
        if difference > table.tolerance + 1e-9:
            raise WrongAnswer(f"{table.name}: {table.metric} is {difference:.4f} from scikit-learn's own")


def follow(directory: Path, correlation_id: str, what: str) -> None:
    """Print every log line of one correlation id, from all services, in time order."""
    layout = Layout(directory)
    names = [name for name in SERVICES if layout.log_file(name).exists()]
    if not names:
        console.print(
            f"\n(the logs of {what} are where the stack runs: modelbus logs --correlation-id {correlation_id})"
        )
        return
    console.print(f"\n[bold]{what}, by its id in the logs of {', '.join(names)}[/]")
    reader = LogReader(layout, names, LogFilter(correlation_id=correlation_id))
    lines = reader.read_last(100)
    reader.close()
    if len({line.service for line in lines}) < 2:
        raise WrongAnswer(f"{what}: {correlation_id} is in the logs of fewer than two services")
    for line in lines:
        sys.stdout.write(f"  {render_line(line, use_color=console.is_terminal)}\n")


def _upload(api: Api, name: str, frame: Any, table: DemoTable) -> None:
    text = frame.to_csv(index=False).encode()
    dataset = api.call("POST", f"/datasets?name={name}&wait=60", text, "text/csv")
    if dataset["row_count"] != len(frame) or len(dataset["columns"]) != frame.shape[1]:
        raise WrongAnswer(f"dataset {name} has {dataset['row_count']} rows, {len(frame)} were sent")
    types = sorted({column["type"] for column in dataset["columns"]})
    _step(
        "uploaded", dataset["correlation_id"], f"{name}: {len(frame)} rows, {', '.join(types)}; target {table.target}"
    )


def _train(api: Api, table: DemoTable, dataset: str, stamp: str) -> Any:
    command = {
        "model": f"{table.name}-{stamp}",
        "dataset": dataset,
        "target": table.target,
        "estimator": table.estimator,
        "hyperparameters": table.hyperparameters,
        "seed": SEED,
    }
    trained = api.call("POST", "/models?wait=60", command)
    version = trained["version"]
    shown = f"{table.metric} {version['metrics'][table.metric]:.4f} on its hold-out, fitted in {version['fit_s']:.2f} s"
    _step("trained", version["correlation_id"], f"{version['model']} version {version['version']}: {shown}")
    return trained


def _predict(api: Api, table: DemoTable, model: str, frame: Any) -> str:
    rows = json.loads(frame.drop(columns=table.target).head(5).to_json(orient="records"))
    started = time.perf_counter()
    answer = api.call("POST", f"/models/{model}/predict", {"rows": rows})
    milliseconds = (time.perf_counter() - started) * 1000
    if len(answer["predictions"]) != len(rows):
        raise WrongAnswer(f"{len(rows)} rows were sent, {len(answer['predictions'])} answered")
    shown = ", ".join(label if isinstance(label, str) else f"{label:.1f}" for label in answer["predictions"])
    _step("predicted", answer["correlation_id"], f"{shown}   ({milliseconds:.0f} ms)")
    return str(answer["correlation_id"])


def _predict_dataset(api: Api, model: str, dataset: str, row_count: int) -> list[str]:
    job = api.call("POST", f"/models/{model}/predict?wait=0", {"dataset": dataset})
    job = api.call("GET", f"/jobs/{job['correlation_id']}?wait=60")
    if job["status"] != "succeeded":
        raise WrongAnswer(f"the prediction of {dataset} ended {job['status']}: {job['error']}")
    table = api.call("GET", f"/predictions/{job['correlation_id']}/content?format=csv").splitlines()
    if len(table) != row_count + 1:
        raise WrongAnswer(f"{row_count} rows are in {dataset}, {len(table) - 1} were predicted")
    _step("predicted", job["correlation_id"], f"the whole dataset {dataset}: {row_count} rows, by a job")
    return [line.split(",")[1] for line in table[1:]]


def _evaluate(api: Api, table: DemoTable, model: str, dataset: str) -> Any:
    accepted = api.call("POST", "/evaluations", {"model": model, "dataset": dataset})
    api.call("GET", f"/jobs/{accepted['correlation_id']}?wait=60")
    evaluation = api.call("GET", f"/evaluations/{accepted['id']}")
    if evaluation["status"] != "succeeded":
        raise WrongAnswer(f"the evaluation ended {evaluation['status']}: {evaluation['error']}")
    shown = f"{table.metric} {evaluation['metrics'][table.metric]:.4f} on {evaluation['row_count']} held-out rows"
    _step("evaluated", evaluation["correlation_id"], shown)
    return evaluation


def _check_lineage(api: Api, model: str, version: Any) -> None:
    """Read everything back by id: model, version, the job that made it, the dataset it was made from."""
    kept = api.call("GET", f"/models/{model}/versions/{version['version']}")
    job = api.call("GET", f"/jobs/{kept['correlation_id']}")
    dataset = api.call("GET", f"/datasets/{kept['dataset']}")
    if job["status"] != "succeeded" or dataset["sha256"] != kept["dataset_sha256"]:
        raise WrongAnswer(f"the lineage of {model} does not hold: job {job['status']}, dataset {dataset['sha256']}")


def _check_bulk_agrees(bulk: list[str], frame: Any, table: DemoTable, evaluation: Any) -> None:
    """The predictor's answers for the whole table must give the very accuracy that the evaluator found."""
    if table.is_classification:
        accuracy = sum(a == b for a, b in zip(bulk, frame[table.target], strict=True)) / len(bulk)
        if abs(accuracy - evaluation["metrics"]["accuracy"]) > 1e-9:
            raise WrongAnswer(f"predictor and evaluator disagree: {accuracy} and {evaluation['metrics']['accuracy']}")


def _step(verb: str, correlation_id: str, text: str) -> None:
    console.print(f"  [cyan]{verb:<10}[/] [dim]{correlation_id}[/]  {text}")


@contextlib.contextmanager
def _stack(options: argparse.Namespace) -> Iterator[str]:
    if options.url:
        yield options.url
        return
    console.print("starting Redis, MongoDB, gateway, trainer, predictor, evaluator ...")
    with LocalStack(options.directory, gateway_port=0) as stack:
        yield stack.gateway_url


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a gateway that runs; without it the local stack is started")
    parser.add_argument(
        "--directory", type=Path, default=Path(".modelbus"), help="where data and logs are kept (default: %(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
