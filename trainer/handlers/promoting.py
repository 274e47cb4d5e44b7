"""Decides whether ``champion`` moves to a new version: connects command, store and ``trainer/champions``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from modelbus.shared.contracts import Signature
from modelbus.shared.contracts.commands.training import Training
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.documents.model_documents import VersionDocument
from modelbus.shared.contracts.records.model_records import Comparison
from modelbus.shared.errors import ArtifactRefused, UnknownModel, UnknownUpload
from modelbus.shared.models.stored_models import fetch_model
from modelbus.shared.tabular.cells.readings import changed_types
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.tables.stored_tables import Readings, Table, dataset_columns, open_table, read_group
from modelbus.shared.worker.child import JobContext
from modelbus.trainer.champions.champion_comparison import (
    Contestant,
    MeasuredRows,
    compare,
    default_metric,
    difference_in_kind,
    obstacle_to_measuring,
)
from modelbus.trainer.champions.trained_rows import TrainedRows
from modelbus.trainer.rows.splitting import RowIndices
from modelbus.trainer.training.fit import FitOutcome


@dataclass(frozen=True)
class Promoting:
    """The decision about ``champion``."""

    is_promoted: bool
    comparison: Comparison | None = None
    depends_on_champion: bool = True
    """Whether the decision holds only as long as the champion is the same version."""
    champion_version: int | None = None
    """The champion's version when the decision was made; None if there was none."""


def decide_promotion(
    command: Training, fitted: FitOutcome, trained: TrainedRows, measured: DatasetDocument, context: JobContext
) -> Promoting:
    """Decide whether ``champion`` moves.

    Args:
        command: The training.
        fitted: The new version.
        trained: The rows that it was trained on.
        measured: The document of the dataset that it was measured on.
        context: The job's context.
    """
    if command.promote in ("always", "never"):
        return Promoting(command.promote == "always", depends_on_champion=False)
    champion = _champion(command.model, context)
    if champion is None:
        return Promoting(True)
    number = int(champion["version"])
    comparison = _compared(command, fitted, trained, measured, champion, context)
    if comparison is None:
        return Promoting(True, None, champion_version=number)
    return Promoting(comparison.is_better, comparison, champion_version=number)


def _compared(
    command: Training,
    fitted: FitOutcome,
    trained: TrainedRows,
    measured: DatasetDocument,
    champion: VersionDocument,
    context: JobContext,
) -> Comparison | None:
    """Compare the new version with the champion; None if both are comparable and the command asks for no more."""
    number, own = int(champion["version"]), fitted.model.signature
    theirs, name = Signature.model_validate(champion["signature"]), f"version {number}"
    metric = command.promote_metric or default_metric(own.task) if command.promote == "if_better" else None
    known: dict[str, Any] = {"metric": metric, "champion_version": number, "margin": command.promote_margin}
    different = difference_in_kind(own, theirs, name)
    if different is not None:
        return Comparison(**known, reason=f"the champion cannot be compared: {different}")
    if command.promote == "if_comparable":
        return None
    obstacle = obstacle_to_measuring(own, theirs, name)
    if metric is None or obstacle is not None:
        return Comparison(**known, reason=obstacle)
    try:
        model = fetch_model(context.blobs, champion, context.settings.artifact_limit_bytes)
        rows = _measured_rows(fitted, measured, model, context)
        contestants = (Contestant("the new version", fitted.model, trained), _contestant(champion, model, context))
    except (ArtifactRefused, UnknownUpload) as error:
        return Comparison(**known, reason=f"the champion cannot be measured: {error.message}")
    columns = dataset_columns(measured).values()
    changed = [warning for one in contestants for warning in changed_types(columns, one.model.readings.values())]
    return compare(
        *contestants,
        rows,
        metric=metric,
        margin=command.promote_margin,
        champion_version=number,
        warnings=changed,
    )


def _contestant(champion: VersionDocument, model: Any, context: JobContext) -> Contestant:
    blob_id = champion.get("rows_blob_id")
    trained = TrainedRows.from_bytes(context.blobs.read(blob_id)) if blob_id else None
    return Contestant(f"version {champion['version']}", model, trained)


def _measured_rows(
    fitted: FitOutcome, measured: DatasetDocument, model: FittedModel, context: JobContext
) -> MeasuredRows:
    """The rows that the new version was measured on, as it reads them and as the champion reads them."""
    there = {column["name"] for column in measured["columns"]}
    wanted = [name for name in dict.fromkeys([*model.readings, *_target_of(model)]) if name in there]
    with open_table(context.blobs, measured) as table:
        theirs = read_rows_at(table, wanted, fitted.measured_indices, model.readings)
    return MeasuredRows(fitted.hold_out, fitted.measured_indices, measured["sha256"], theirs)


def _target_of(model: FittedModel) -> list[str]:
    return [] if model.signature.target is None else [model.signature.target]


def read_rows_at(table: Table, names: Sequence[str], indices: RowIndices, readings: Readings) -> pd.DataFrame:
    """Read some rows of a table in their order, one row group at a time.

    Args:
        table: The table.
        names: The columns.
        indices: Positions of the rows in the table, shape (n_rows,), at least one.
        readings: How columns are read.
    """
    parts, start = [], 0
    for number in range(table.group_count):
        end = start + table.parquet.metadata.row_group(number).num_rows
        wanted = np.flatnonzero((indices >= start) & (indices < end))
        if len(wanted):
            part = read_group(table, number, names, readings).iloc[indices[wanted] - start]
            parts.append(part.set_axis(wanted, axis=0))
        start = end
    return pd.concat(parts).sort_index()


def _champion(model: str, context: JobContext) -> VersionDocument | None:
    try:
        return context.library.version(f"{model}@champion")
    except UnknownModel:
        return None
