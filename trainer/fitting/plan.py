"""The plan of a fit: the training command, combined with what the dataset knows about its columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelbus.shared.contracts import ColumnSchema, CrossValidation, HoldOut, SignatureColumn, Task
from modelbus.shared.contracts.checks.command_checks import training_features
from modelbus.shared.contracts.commands.training import Streaming, Training
from modelbus.shared.contracts.commands.tuning import AUTO, Auto, Calibration, Search, Threshold, auto_task
from modelbus.shared.contracts.records.dataset_records import Alert
from modelbus.shared.tabular.cells.marks import marks_of
from modelbus.shared.tabular.cells.readings import reading_of
from modelbus.trainer.catalogue.entries import find_estimator


@dataclass(frozen=True)
class FitPlan:
    """A training, as plain values."""

    target: str | None
    """The column to predict; None for tasks without one."""
    features: Sequence[ColumnSchema]
    """The columns to predict from."""
    target_schema: ColumnSchema | None
    """The schema of the target's column."""
    estimator_name: str
    """A name of the catalogue, or `auto`."""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON values by name."""
    task: Task | None = None
    """The task; None for the estimator's own."""
    hold_out: HoldOut = field(default_factory=HoldOut)
    """The rows to measure on."""
    time_schema: ColumnSchema | None = None
    """The schema of the time column: the hold-out and the folds are split by it."""
    group_column: str | None = None
    """The column with the group of each row: the hold-out and the folds consist of whole groups."""
    class_weight: str | Mapping[str, float] | None = None
    """The weight of each class's rows: by label, or `balanced`."""
    sample_weight: str | None = None
    """The column with the weight of each row."""
    cross_validation: CrossValidation | None = None
    """Whether to measure by cross-validation too."""
    tuning: Search | Auto | None = None
    """The hyperparameter search or the automatic choice; None if the plan names what to fit."""
    calibration: Calibration | None = None
    """How probabilities are calibrated."""
    threshold: Threshold | None = None
    """What the threshold between two classes is optimized for."""
    streaming: Streaming = "auto"
    """Whether to stream the rows."""
    epochs: int = 5
    """Passes over the training rows, if they are streamed."""
    seed: int = 0
    """Seed of the split, the encoder and the estimator."""
    alerts: Sequence[Alert] = ()
    """The alerts of the dataset's profile."""

    @property
    def known_target(self) -> tuple[str, SignatureColumn]:
        """The target's name and column; only for tasks with a target."""
        assert self.target is not None
        assert self.target_schema is not None  # a target always has its schema
        return self.target, reading_of(self.target_schema)

    @property
    def target_column(self) -> SignatureColumn | None:
        """The target in the form of a signature."""
        return None if self.target_schema is None else reading_of(self.target_schema)

    @property
    def columns(self) -> list[SignatureColumn]:
        """The features in the form of a signature."""
        return [reading_of(column) for column in self.features]

    @property
    def readings(self) -> dict[str, SignatureColumn]:
        """How another table is read for measuring: features and target as in the training table."""
        target = [] if self.target_column is None else [self.target_column]
        return {column.name: column for column in [*self.columns, *target]}

    @property
    def own_readings(self) -> dict[str, SignatureColumn]:
        """How the training table is read where it differs from the table's types: the target, by its labels."""
        return {} if self.target_column is None else {self.target_column.name: self.target_column}

    @property
    def row_columns(self) -> list[str]:
        """The columns that control how a row is used: target, weight, time and group, each once."""
        of_rows = (self.target, self.sample_weight, self.hold_out.time_column, self.group_column)
        return list(dict.fromkeys(filter(None, of_rows)))

    @property
    def hold_out_columns(self) -> list[str]:
        """The columns that a hold-out dataset must have."""
        return [*(column.name for column in self.features), *([] if self.target is None else [self.target])]

    @property
    def needed_columns(self) -> list[str]:
        """All columns of the dataset that are used, each once."""
        return list(dict.fromkeys([*(column.name for column in self.features), *self.row_columns]))


def plan_of(command: Training, columns: Mapping[str, ColumnSchema], alerts: Sequence[Alert] = ()) -> FitPlan:
    """Combine a command with its dataset's columns; the dataset must have all columns that the command names.

    Args:
        command: The training command.
        columns: The dataset's columns by name.
        alerts: The alerts of the dataset's profile.
    """
    time_column = command.hold_out.time_column
    target_schema = columns[command.target] if command.target is not None else None
    task = command.task
    if task is None and command.estimator == AUTO and target_schema is not None:
        task = auto_task(target_schema.model_dump())
    if target_schema is not None and _learns_classes(command, task):
        target_schema = _as_labels(target_schema)
    return FitPlan(
        target=command.target,
        features=[_as_read(command, columns[name]) for name in training_features(command, list(columns))],
        target_schema=target_schema,
        estimator_name=command.estimator,
        hyperparameters=command.hyperparameters,
        task=task,
        hold_out=command.hold_out,
        time_schema=columns[time_column] if time_column is not None else None,
        group_column=command.hold_out.group_column,
        class_weight=command.class_weight,
        sample_weight=command.sample_weight,
        cross_validation=command.cross_validation,
        tuning=command.tuning,
        calibration=command.calibration,
        threshold=command.threshold,
        streaming=command.streaming,
        epochs=command.epochs,
        seed=command.seed,
        alerts=alerts,
    )


def _learns_classes(command: Training, task: Task | None) -> bool:
    found = task or find_estimator(command.estimator).record.task
    return found == "classification"


def _as_labels(target: ColumnSchema) -> ColumnSchema:
    """The target read by its labels as written: words that would be read as booleans, such as TRUE, stay words.

    Only ``true`` and ``false``, and cells that were uploaded as booleans, become booleans.
    """
    is_word = target.type == "boolean" and target.form is not None and not target.has_values
    marks = sorted(marks_of(target) - {""})
    return target.model_copy(update={"type": "text", "missing_marks": marks}) if is_word else target


def _as_read(command: Training, column: ColumnSchema) -> ColumnSchema:
    """The column as free text or as categories, as the command says, or else as the dataset's profile found."""
    is_forced = column.name in (command.free_text or []) and column.type == "text"
    is_free_text = is_forced or (column.is_free_text and column.name not in (command.categorical or []))
    return column.model_copy(update={"is_free_text": is_free_text})
