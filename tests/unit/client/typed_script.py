"""What a user writes: checked by mypy --strict against the installed package, and never run."""

# ruff: noqa: T201 - a user looks at what comes back

import asyncio
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]

from modelbus import AsyncClient, Client, Job, Predictions, QueueDoor, TrainedVersion, errors, publish


def tables(client: Client) -> None:
    """Datasets."""
    dataset = client.datasets.upload("shop.csv", target="price", if_exists="skip")
    client.datasets.upload(Path("shop.csv"), "shop", delimiter=";", missing_marks=["-"], if_exists="replace")
    client.datasets.upload(b"a\n1\n", "bytes", options={"has_header": True})
    client.datasets.upload([{"a": 1}, {"a": 2.5}], "rows")
    client.datasets.upload({"a": [1, 2]}, "columns")
    client.datasets.upload(pd.DataFrame({"a": [1]}), "pandas")
    client.datasets.upload(pl.DataFrame({"a": [1]}), "polars")
    client.datasets.upload(pa.table({"a": [1]}), "arrow")
    with Path("shop.csv").open("rb") as file:
        client.datasets.upload(file, "file", progress=False)
    names: list[str] = [one.name for one in client.datasets.list()]
    kinds: list[str] = [column.type for column in dataset.columns]
    frame: pd.DataFrame = client.datasets.to_frame("shop")
    page = client.datasets.rows("shop", limit=3, columns=["a"]).to_frame()
    saved: Path = client.datasets.download("shop", "shop.parquet", "parquet")
    preview: int = client.datasets.preview("shop.csv", row_limit=5).row_count
    print(names, kinds, frame.shape, page.shape, saved, preview)
    client.datasets.delete("shop", force=True)


def training(client: Client) -> TrainedVersion:
    """Training, with every kind of option."""
    job: Job[TrainedVersion] = client.train(
        "prices",
        "shop",
        "price",
        estimator="Ridge",
        hyperparameters={"alpha": 1.0},
        features=["size", "color"],
        class_weight={"yes": 2.0},
        hold_out={"fraction": 0.3},
        cross_validation={"folds": 3},
        search={"method": "random", "space": {"alpha": {"distribution": "log_uniform", "low": 0.1, "high": 10.0}}},
        promote="if_better",
        promote_metric="r2",
        seed=3,
        limits={"time_s": 60},
        tags={"team": "sales"},
        note="first",
    )
    check = client.check_training("prices", "shop", "price", estimator="Ridge", streaming="never")
    print(check.expected_memory_bytes, job.status, job.progress)
    trained = job.result(timeout_s=60, progress=False)
    again = client.models.retrain("prices@1", hyperparameters={"alpha": 2.0}, tuning="reuse", promote="always")
    metrics: dict[str, float | None] = again.result().metrics
    print(metrics, client.models.version("prices").estimator, client.models.candidates("prices").to_frame())
    return trained


def predicting(client: Client, rows: pd.DataFrame) -> Predictions:
    """Predictions in every form."""
    client.predict("prices", rows.iloc[0])
    client.predict("prices", pl.DataFrame({"size": [1.0]}))
    client.predict("prices", pa.table({"size": [1.0]}))
    client.predict("prices", {"size": 1.0})
    client.predict("prices", {"size": [1.0, 2.0]}, has_probabilities=True)
    table = client.predict_dataset("prices", "shop").result().to_frame()
    print(table.shape)
    return client.predict("prices", [{"size": 1.0, "color": "red"}], has_scores=True)


def measuring(client: Client) -> None:
    """Evaluations, explanations, drift, plots."""
    first = client.evaluate("prices", "shop", slices=["color"], intervals={"rounds": 50}).result()
    other = client.evaluate_predictions("scored", "truth", "guess", task="regression", has_plots=False).result()
    comparison = client.evaluations.compare([first.id, other.id])
    if first.metrics is not None:
        print(first.metrics["r2"], comparison.to_frame(), comparison.warnings)
    plot = client.evaluations.plot(first.id, client.evaluations.plots(first.id)[0])
    print(plot.title, len(plot.layers), client.evaluations.download_plot(first.id, plot.name, "plot.svg"))
    explanation = client.explain("prices", kinds=["importance"], repeats=3).result()
    if explanation.importance is not None:
        print(explanation.importance.to_frame())
    why = client.explain_prediction("prices", [{"size": 1.0}], method="sampled", permutations=4).result()
    curve = client.learning_curve("prices", fractions=[0.5, 1.0]).result()
    drift = client.drift("prices", since="7d", thresholds={"psi": 0.3}).result()
    print(why.to_frame(), curve.to_frame(), drift.has_drifted, drift.drifted_columns)


def watching(client: Client) -> None:
    """Jobs, events, logs, errors."""
    for entry in client.jobs.list(status="failed", limit=5):
        print(entry.correlation_id, entry.command)
    job = client.jobs.get("0b5c1e0e-5c0a-4e0b-9d7d-2f6a4f1c9a11")
    for change in job.changes(timeout_s=10):
        print(change.status, change.progress and change.progress.fraction)
    with client.events(command="TrainModel", timeout_s=10) as events:
        for event in events:
            print(event)
    for line in client.logs(["trainer"], level="warning", since="10m"):
        print(line.moment, line.event)
    try:
        client.models.get("nothing")
    except errors.UnknownModel as error:
        print(error.code, error.details, error.correlation_id)


async def asynchronously() -> None:
    """The same with asyncio."""
    async with AsyncClient("http://127.0.0.1:8000", retry_s=5) as client:
        dataset = await client.datasets.upload("shop.csv")
        job = await client.train("prices", dataset.name, "price", estimator="Ridge", hold_out={"fraction": 0.3})
        trained: TrainedVersion = await job.result()
        predictions: Predictions = await client.predict(trained.reference, [{"size": 2.0}])
        evaluation = await (await client.evaluate("prices", "shop")).result()
        print(predictions.predictions, evaluation.metrics, len(await client.models.list()))
        async for event in client.events(timeout_s=1):
            print(event)


def main() -> None:
    """All of it."""
    with Client(api_key="mbk_x") as client:
        tables(client)
        print(training(client).reference, predicting(client, pd.DataFrame({"size": [1.0]})).to_frame())
        measuring(client)
        watching(client)
    asyncio.run(asynchronously())
    ids: list[str] = publish({"command": "EvaluateModel", "model": "prices", "dataset": "shop"})
    with QueueDoor() as door:
        ids += door.publish([{"command": "EvaluateModel", "model": "prices", "dataset": "shop"}])


if __name__ == "__main__":
    main()
