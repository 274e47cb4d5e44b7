"""The whole pipeline with the Python client: upload, train, predict, evaluate, read back, and follow ids in the logs.

Every answer is checked: accuracy and R² are compared with a scikit-learn fit of the same rows.
"""

import csv
import io
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from modelbus.client.synchronous.client import Client
from modelbus.client.typed_answers import TrainedVersion
from modelbus.demo.demo_tables import SEED, DemoTable, demo_tables
from modelbus.shared.contracts import EvaluationRecord
from modelbus.shared.errors import ModelbusError, NotFound
from modelbus.shared.observing.log_text import render_line
from modelbus.stack.log_file_reading import LogFilter, LogReader
from modelbus.stack_folder.stack_layout import Layout

SERVICES = ("gateway", "evaluator", "trainer", "predictor")
WAIT_S = 120.0


class WrongAnswer(ModelbusError):
    """An answer of the stack is wrong."""

    code = "wrong_answer"


@dataclass(frozen=True)
class TableResult:
    """The results for one table."""

    table: DemoTable
    train_id: str
    predict_id: str
    ours: float
    reference: float


class Demo:
    """One run of the demo."""

    def __init__(self, client: Client, console: Console) -> None:
        self._client = client
        self._console = console
        self._stamp = f"{time.time_ns() // 1_000_000 % 10**9:09d}"
        self.made: dict[str, list[str]] = {"evaluations": [], "models": [], "datasets": []}
        """What the run has made so far, by kind, in the order in which it is removed."""

    def run(self, directory: Path) -> None:
        """Take all tables through the services, then follow two ids in the logs.

        Args:
            directory: The folder of the local stack.

        Raises:
            WrongAnswer: An answer is wrong.
            ModelbusError: A request was refused, failed, or was not answered.
        """
        results = [self._run_table(table) for table in demo_tables()]
        self._report(results)
        self._follow(directory, results[0].train_id, "the training of the first model")
        self._follow(directory, results[0].predict_id, "one prediction")

    def clean(self) -> list[str]:
        """Remove what the run has made; give what could not be removed."""
        removers: dict[str, Callable[[str], None]] = {
            "evaluations": self._client.evaluations.delete,
            "models": self._client.models.delete,
            "datasets": lambda name: self._client.datasets.delete(name, force=True),
        }
        left = []
        for kind, names in self.made.items():
            for name in names:
                try:
                    removers[kind](name)
                except NotFound:
                    continue  # its job failed before it was made
                except ModelbusError:
                    left.append(name)
        return left

    def _run_table(self, table: DemoTable) -> TableResult:
        self._console.print(Text.assemble((table.name, "bold"), f"  {table.about}"))
        first, second = table.parts()
        training, held_out = f"{table.name}-{self._stamp}", f"{table.name}-held-out-{self._stamp}"
        self._upload(training, first, table)
        self._upload(held_out, second, table)
        trained = self._train(table, training)
        model = trained.version.model
        predict_id = self._predict(table, model, second)
        bulk = self._predict_dataset(model, held_out, len(second))
        evaluation = self._evaluate(table, model, held_out)
        self._check_lineage(trained)
        _check_bulk_agrees(bulk, second, table, evaluation)
        self._console.print()
        return TableResult(
            table,
            trained.version.correlation_id,
            predict_id,
            _metric(evaluation.metrics, table),
            table.reference_score(),
        )

    def _upload(self, name: str, frame: pd.DataFrame, table: DemoTable) -> None:
        # As CSV rather than as a frame: most tables come as text.
        self.made["datasets"].append(name)
        text = frame.to_csv(index=False).encode()
        dataset = self._client.datasets.upload(text, name, format="csv", timeout_s=WAIT_S)
        if dataset.row_count != len(frame) or len(dataset.columns) != frame.shape[1]:
            raise WrongAnswer(f"dataset {name} has {dataset.row_count} rows, but {len(frame)} were sent")
        types = sorted({column.type for column in dataset.columns})
        shown = f"{name}: {len(frame)} rows, {', '.join(types)}; target {table.target}"
        self._step("uploaded", dataset.correlation_id, shown)

    def _train(self, table: DemoTable, dataset: str) -> TrainedVersion:
        name = f"{table.name}-{self._stamp}"
        self.made["models"].append(name)
        job = self._client.train(
            name,
            dataset,
            table.target,
            estimator=table.estimator,
            hyperparameters=table.hyperparameters,
            seed=SEED,
        )
        trained = job.result(WAIT_S)
        score, fit_s = _metric(trained.metrics, table), trained.version.fit_s
        shown = f"{name} version {trained.version.version}: {table.metric} {score:.4f} on the hold-out, {fit_s:.2f} s"
        self._step("trained", job.correlation_id, shown)
        return trained

    def _predict(self, table: DemoTable, model: str, frame: pd.DataFrame) -> str:
        rows = frame.drop(columns=table.target).head(5)
        started = time.perf_counter()
        answer = self._client.predict(model, rows)
        milliseconds = (time.perf_counter() - started) * 1000
        if len(answer) != len(rows):
            raise WrongAnswer(f"{len(rows)} rows were sent, but {len(answer)} predictions came back")
        shown = ", ".join(label if isinstance(label, str) else f"{label:.1f}" for label in answer.predictions)
        self._step("predicted", str(answer.correlation_id), f"{shown}   ({milliseconds:.0f} ms)")
        return str(answer.correlation_id)

    def _predict_dataset(self, model: str, dataset: str, row_count: int) -> list[str]:
        job = self._client.predict_dataset(model, dataset)
        table = job.result(WAIT_S)
        with TemporaryDirectory() as folder:
            text = table.download(Path(folder) / "predictions.csv").read_text(encoding="utf-8")
        predicted = [row["prediction"] for row in csv.DictReader(io.StringIO(text))]
        if len(predicted) != row_count:
            raise WrongAnswer(f"{dataset} has {row_count} rows, but {len(predicted)} were predicted")
        self._step("predicted", job.correlation_id, f"dataset {dataset}: {row_count} rows, as a job")
        return predicted

    def _evaluate(self, table: DemoTable, model: str, dataset: str) -> EvaluationRecord:
        evaluation = self._client.evaluate(model, dataset).result(WAIT_S)
        self.made["evaluations"].append(evaluation.id)
        score = _metric(evaluation.metrics, table)
        shown = f"{table.metric} {score:.4f} on {evaluation.row_count} held-out rows"
        self._step("evaluated", evaluation.correlation_id, shown)
        return evaluation

    def _check_lineage(self, trained: TrainedVersion) -> None:
        """Read everything back by id: the version, the job that made it, the dataset it was made from."""
        kept = self._client.models.version(trained.reference)
        job = self._client.jobs.get(kept.correlation_id)
        dataset = self._client.datasets.get(kept.dataset)
        if job.status != "succeeded" or dataset.sha256 != kept.dataset_sha256:
            raise WrongAnswer(f"the lineage of {trained.reference} is wrong: job {job.status}, {dataset.sha256}")

    def _report(self, results: Sequence[TableResult]) -> None:
        """Print the scores next to scikit-learn's own.

        Raises:
            WrongAnswer: The difference to scikit-learn's score is larger than the tolerance.
        """
        grid = Table(title="Scores on held-out rows")
        for heading in ("table", "estimator", "metric", "modelbus", "scikit-learn"):
            grid.add_column(heading, no_wrap=True)
        for one in results:
            metric = "accuracy" if one.table.is_classification else "R²"
            grid.add_row(one.table.name, one.table.estimator, metric, f"{one.ours:.4f}", f"{one.reference:.4f}")
        self._console.print(grid)
        for one in results:
            difference = abs(one.ours - one.reference)
            if difference > one.table.tolerance + 1e-9:
                raise WrongAnswer(f"{one.table.name}: {one.table.metric} differs by {difference:.4f} from scikit-learn")

    def _follow(self, directory: Path, correlation_id: str, what: str) -> None:
        """Print every log line of one correlation id, from all services, in time order."""
        layout = Layout(directory)
        names = [name for name in SERVICES if layout.log_file(name).exists()]
        if not names:
            hint = f"modelbus logs --correlation-id {correlation_id}"
            self._console.print(Text(f"\n(log of {what}: {hint})"))
            return
        self._console.print(Text(f"\n{what}: its correlation id in the logs of {', '.join(names)}", style="bold"))
        reader = LogReader(layout, names, LogFilter(correlation_id=correlation_id))
        lines = reader.read_last(100)
        reader.close()
        if len({line.service for line in lines}) < 2:
            raise WrongAnswer(f"{what}: {correlation_id} is in the logs of fewer than two services")
        for line in lines:
            sys.stdout.write(f"  {render_line(line, use_color=self._console.is_terminal)}\n")

    def _step(self, verb: str, correlation_id: str, text: str) -> None:
        self._console.print(Text.assemble((f"  {verb:<10} ", "cyan"), (correlation_id, "dim"), f"  {text}"))


def _metric(metrics: dict[str, float | None] | None, table: DemoTable) -> float:
    score = (metrics or {}).get(table.metric)
    if score is None:
        raise WrongAnswer(f"{table.name}: {table.metric} is missing; the metrics are {metrics}")
    return score


def _check_bulk_agrees(bulk: list[str], frame: Any, table: DemoTable, evaluation: EvaluationRecord) -> None:
    """Check that the predictor's answers for the whole table give the evaluator's accuracy."""
    if table.is_classification:
        accuracy = sum(a == b for a, b in zip(bulk, frame[table.target], strict=True)) / len(bulk)
        if abs(accuracy - _metric(evaluation.metrics, table)) > 1e-9:
            raise WrongAnswer(f"predictor and evaluator disagree: {accuracy} and {evaluation.metrics}")
