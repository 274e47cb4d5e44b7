"""Fits on a stored dataset, and checks before a fit: on the whole table, or one row group at a time."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Final

import pandas as pd
import structlog

from modelbus.shared.contracts import Task
from modelbus.shared.contracts.checks.command_checks import check_same_columns
from modelbus.shared.contracts.commands.training import Training
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.records.candidate_records import TuningProgress
from modelbus.shared.tabular.cells.readings import changed_types
from modelbus.shared.tabular.tables.stored_tables import Readings, dataset_columns, fetch_table, read_frame, read_group
from modelbus.shared.tabular.targets.labels import Label
from modelbus.shared.worker.child import JobContext
from modelbus.trainer.champions.row_identity import row_hashes
from modelbus.trainer.champions.trained_rows import TrainedRows, TrainedRowsBuilder
from modelbus.trainer.fitting.held_out import describe_hold_out
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.fitting.plan_checks import agreed_task
from modelbus.trainer.fitting.spreading import spread_over
from modelbus.trainer.rows.data_notes import NOTE_LIMIT, concerning
from modelbus.trainer.rows.memory_estimates import MemoryEstimate, estimate_memory, estimate_streamed, require_memory
from modelbus.trainer.rows.row_group_splits import RowGroups
from modelbus.trainer.streaming.stream_choice import is_streamed
from modelbus.trainer.streaming.stream_fit import fit_streamed, prepare_stream
from modelbus.trainer.training.fit import FitOutcome, fit_model
from modelbus.trainer.training.preparing import prepare
from modelbus.trainer.tuning.tuning_hooks import TuningHooks

log = structlog.get_logger()

_ROWS_AT_ONCE: Final = 50_000
"""Rows that are hashed at once: hashing copies them."""


@dataclass(frozen=True)
class Prospect:
    """What a training would do, as far as it is known before fitting."""

    task: Task
    classes: list[Label] | None
    """The labels that the model can predict; None if it predicts numbers."""
    row_count: int
    """Rows that would be trained on."""
    hold_out_row_count: int
    epochs: int | None
    """Passes over the training rows; None if the whole table is fitted at once."""
    notes: list[str]
    estimate: MemoryEstimate


class DatasetFitting:
    """Fits a plan on a dataset."""

    def __init__(self, command: Training, plan: FitPlan, dataset: DatasetDocument, context: JobContext) -> None:
        """Decide whether the rows are streamed, and which dataset the model is measured on.

        Raises:
            UnknownDataset: The dataset to measure on does not exist.
            UnknownEstimator: There is no estimator of that name.
            InvalidCommand: The dataset to measure on lacks columns, streaming is required but impossible, or the
                hyperparameters are invalid.
        """
        self._command = command
        self._plan = plan
        self._dataset = dataset
        self._context = context
        self._measured = self._hold_out_dataset()
        self._trained = TrainedRowsBuilder()
        does_classes = agreed_task(plan.estimator_name, plan.task) == "classification"
        class_count = plan.target_schema.distinct if does_classes and plan.target_schema is not None else 0
        # for all rows: how many have a target is unknown yet, and held-out rows are read and encoded too
        self._bounds = (dataset["row_count"], class_count)
        whole = estimate_memory(plan.estimator_name, plan.features, *self._bounds)
        streamed = estimate_streamed(plan.features, *self._bounds)
        self.is_streamed = is_streamed(plan, whole, streamed, context.memory_limit_bytes)

    def prospect(self) -> Prospect:
        """Check everything that a fit would check before it begins.

        Raises:
            InvalidCommand, EstimatorRejected, JobOutOfMemory: The fit would fail with this error.
        """
        plan = self._plan
        upload = [alert.message for alert in concerning(plan.alerts, plan.columns, plan.target)][:NOTE_LIMIT]
        if self.is_streamed:
            stream = prepare_stream(self._groups(self._dataset, plan.own_readings), plan)
            found = stream.survey
            estimate = self._estimated(found.train_count, len(found.classes))
            counts = found.train_count, found.hold_out_count
            return Prospect(
                stream.task, found.classes or None, *counts, stream.epochs, [*found.notes, *upload], estimate
            )
        # without any such column, the first one gives the number of rows
        columns = plan.row_columns or plan.needed_columns[:1]
        prepared = prepare(self._whole(self._dataset, columns, plan.own_readings), plan)
        known, split = prepared.known, prepared.split
        estimate = self._estimated(len(split.train), len(known.classes))
        notes = [*known.notes, *describe_hold_out(prepared, 0)[1], *upload]
        return Prospect(prepared.task, prepared.classes, len(split.train), len(split.hold_out), None, notes, estimate)

    def fit(self) -> FitOutcome:
        """Fit and measure.

        Raises:
            InvalidCommand, EstimatorRejected, SignatureMismatch, JobOutOfMemory: The fit is impossible or failed.
        """
        plan, context = self._plan, self._context
        estimate = self._estimated(*self._bounds)
        log.info(
            "fit.estimated",
            features=estimate.feature_count,
            expected_bytes=estimate.expected_bytes,
            streamed=self.is_streamed,
        )
        context.progress(0.05, f"reading {self._command.dataset}")

        shown: list[TuningProgress] = []

        def report(fraction: float | None, message: str) -> None:
            tuning = shown[-1] if shown else None
            context.progress(None if fraction is None else 0.1 + 0.8 * fraction, message, tuning)

        def show(tuning: TuningProgress) -> None:
            shown[:] = [tuning]

        if self.is_streamed:
            groups = self._groups(self._dataset, plan.own_readings)
            hold_out = None if self._measured is None else self._groups(self._measured, plan.readings)
            return fit_streamed(groups, plan, hold_out_groups=hold_out, trained=self._trained, report=report)
        frame, rows = self._whole(self._dataset, plan.needed_columns, plan.own_readings), None
        if self._measured is not None:
            context.progress(0.08, f"reading {self._command.hold_out.dataset}")
            rows = self._whole(self._measured, plan.hold_out_columns, plan.readings)
        with self._cluster(estimate):
            hooks = TuningHooks(context.is_stop_asked, context.offer_early_end, show)
            outcome = fit_model(frame, plan, hold_out_frame=rows, report=report, hooks=hooks)
        self._remember(frame, outcome)
        return outcome

    def changed_columns(self) -> list[str]:
        """Warnings about columns that have another type in the dataset that the model is measured on."""
        if self._measured is None:
            return []
        return changed_types(dataset_columns(self._measured).values(), self._plan.readings.values())

    def _remember(self, frame: pd.DataFrame, outcome: FitOutcome) -> None:
        """Remember which rows were trained on."""
        signature = outcome.model.signature
        for start in range(0, outcome.row_count, _ROWS_AT_ONCE):
            rows = outcome.train_indices[start : start + _ROWS_AT_ONCE]
            self._trained.add(rows, row_hashes(frame.iloc[rows], signature))

    def trained_rows(self) -> TrainedRows:
        """The rows that were trained on, after the fit."""
        return self._trained.build(self._dataset["sha256"], self._dataset["row_count"])

    @property
    def measured_dataset(self) -> DatasetDocument:
        """The document of the dataset that the model is measured on."""
        return self._dataset if self._measured is None else self._measured

    def _cluster(self, estimate: MemoryEstimate) -> AbstractContextManager[None]:
        """The cluster of the settings, if the table is large enough for it."""
        settings = self._context.settings
        address = settings.dask_scheduler
        scheduler = address.get_secret_value() if address is not None else None
        cells = self._dataset["row_count"] * estimate.feature_count
        return spread_over(scheduler, cells, settings.dask_minimum_cells)

    def _estimated(self, row_count: int, class_count: int) -> MemoryEstimate:
        """Estimate the memory of the training, and refuse it if it exceeds the limit."""
        plan = self._plan
        if self.is_streamed:
            estimate = estimate_streamed(plan.features, row_count, class_count)
        else:
            estimate = estimate_memory(plan.estimator_name, plan.features, row_count, class_count)
        limit_bytes = self._context.memory_limit_bytes
        require_memory(estimate, limit_bytes, plan.estimator_name, row_count, is_streamed=self.is_streamed)
        return estimate

    def _hold_out_dataset(self) -> DatasetDocument | None:
        """The dataset to measure on, if the command names one, after checking its columns."""
        if self._command.hold_out.dataset is None:
            return None
        dataset = self._context.library.dataset(self._command.hold_out.dataset)
        check_same_columns(self._command, dataset, self._plan.hold_out_columns)
        return dataset

    def _whole(self, dataset: DatasetDocument, columns: Sequence[str], readings: Readings) -> pd.DataFrame:
        return read_frame(fetch_table(self._context.blobs, dataset, self._context.work_directory), columns, readings)

    def _groups(self, dataset: DatasetDocument, readings: Readings) -> RowGroups:
        table = fetch_table(self._context.blobs, dataset, self._context.work_directory)
        return RowGroups(table.group_count, partial(read_group, table, readings=readings))
