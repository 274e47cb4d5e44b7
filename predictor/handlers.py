"""Predicting for a whole dataset: row group by row group, so that a table of any size takes the same memory."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts import Command, PredictDataset
from shared.errors import JobCrashed
from shared.store.connection import Document
from shared.tabular.formulas import without_formulas
from shared.tabular.model import FittedModel, Floats, Predictions
from shared.tabular.stored_models import fetch_model
from shared.tabular.tables import fetch_table, frames
from shared.worker.child import JobContext


def predict_dataset(command: Command, context: JobContext) -> Document:
    """Predict and store one row for each row of the dataset, in its order, as CSV and as Parquet.

    Columns: ``row`` (number from 0), ``prediction``, and, if asked for, ``probability_<class>`` for each class and the
    decision scores: ``score``, or ``score_<class>`` for each of more than two classes.

    Raises:
        UnknownModel, UnknownDataset: One of them is not there.
        SignatureMismatch, InvalidCommand: The dataset does not fit the model.
        ArtifactRefused: The model cannot be loaded.
    """
    assert isinstance(command, PredictDataset)  # the queue's handlers are keyed by command
    version = context.library.version(command.model)
    dataset = context.library.dataset(command.dataset)
    context.progress(0.0, f"loading {version['model']} version {version['version']}")
    model = fetch_model(context.blobs, version, context.settings.artifact_limit_bytes)
    paths = {name: context.work_directory / f"predictions.{name}" for name in ("csv", "parquet")}
    report = _predict_all(model, dataset, paths, context, command)
    blobs = {}
    for name, path in paths.items():
        with path.open("rb") as file:
            blobs[name] = context.blobs.save(file, "predictions", context.correlation_id, context.fence)
    described = {"model": version["model"], "version": version["version"], "dataset": command.dataset}
    return {"kind": "predictions", "blobs": blobs, "report": {**described, "row_count": dataset["row_count"], **report}}


def _predict_all(
    model: FittedModel, dataset: Document, paths: dict[str, Path], context: JobContext, command: PredictDataset
) -> dict[str, Any]:
    table = fetch_table(context.blobs, dataset, context.work_directory)
    # The target may well be in the dataset; it is what is predicted, and no column too many.
    columns = [column["name"] for column in dataset["columns"] if column["name"] != model.signature.target]
    totals: dict[str, dict[str, int]] = {}
    writer: pq.ParquetWriter | None = None
    done = 0
    for frame in frames(table, columns):
        predictions = model.predict_frame(frame, command.has_probabilities, has_scores=command.has_scores)
        answer = _table(model, predictions, first_row=done)
        done += len(frame)
        _add(totals, predictions.report.counts())
        arrow = pa.Table.from_pandas(answer, preserve_index=False)
        writer = writer or pq.ParquetWriter(paths["parquet"], arrow.schema, compression="zstd")
        writer.write_table(arrow)
        _as_safe_text(answer).to_csv(paths["csv"], mode="a", header=done == len(frame), index=False)
        context.progress(done / max(dataset["row_count"], 1), f"{done} of {dataset['row_count']} rows")
    if writer is None:
        raise JobCrashed(f"dataset {dataset['name']!r} has no rows")
    writer.close()
    return {"report": {incident: columns for incident, columns in totals.items() if columns}}


def _table(model: FittedModel, predictions: Predictions, first_row: int) -> pd.DataFrame:
    count = len(predictions.labels)
    columns: dict[str, Any] = {"row": range(first_row, first_row + count), "prediction": predictions.labels}
    if predictions.probabilities is not None:
        for position, label in enumerate(model.signature.classes or []):
            columns[f"probability_{label}"] = predictions.probabilities[:, position]
    if predictions.scores is not None:
        columns |= _score_columns(model, predictions.scores)
    return pd.DataFrame(columns)


def _score_columns(model: FittedModel, scores: Floats) -> dict[str, Any]:
    if scores.ndim == 1:
        return {"score": scores}
    return {f"score_{label}": scores[:, position] for position, label in enumerate(model.signature.classes or [])}


def _as_safe_text(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with text that a spreadsheet would take for a formula marked by a leading apostrophe."""
    column = frame["prediction"]
    if not isinstance(column.dtype, pd.StringDtype):
        return frame
    return frame.assign(prediction=without_formulas(pa.array(column, pa.string())).to_pandas())


def _add(totals: dict[str, dict[str, int]], counts: dict[str, dict[str, int]]) -> None:
    for incident, columns in counts.items():
        into = totals.setdefault(incident, {})
        for column, count in columns.items():
            into[column] = into.get(column, 0) + count
