"""What is to be fitted, on which columns and how: the training command with what the dataset says of its columns."""

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
    """One training, as values."""

    target: str | None
    """The column to predict; None for tasks without one."""
    features: Sequence[ColumnSchema]
    """The columns to predict from."""
    target_schema: ColumnSchema | None
    """What the target's column holds."""
    estimator_name: str
    """A name of the catalogue, or `auto`."""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON values by name."""
    task: Task | None = None
    """What to learn; None takes what the estimator does."""
    hold_out: HoldOut = field(default_factory=HoldOut)
    """The rows to measure on."""
    time_schema: ColumnSchema | None = None
    """What the column holds that tells the time: rows are held out, and parted, by it."""
    group_column: str | None = None
    """The column that tells which rows belong together: whole groups are held out, and parted."""
    class_weight: str | Mapping[str, float] | None = None
    """How much the rows of each class count: by label, or `balanced`."""
    sample_weight: str | None = None
    """The column that says how much each row counts."""
    cross_validation: CrossValidation | None = None
    """Measure by cross-validation too."""
    tuning: Search | Auto | None = None
    """What is searched for, or how the estimator is chosen; None where the plan says all that is to be fitted."""
    calibration: Calibration | None = None
    """How probabilities are calibrated."""
    threshold: Threshold | None = None
    """What the threshold between two classes aims at."""
    streaming: Streaming = "auto"
    """Whether the rows are streamed."""
    epochs: int = 5
    """Passes over the training rows where they are streamed."""
    seed: int = 0
    """Seeds the split, the encoder and the estimator."""
    alerts: Sequence[Alert] = ()
    """What the upload found in the dataset's columns."""

    @property
    def known_target(self) -> tuple[str, SignatureColumn]:
        """The target's name and column, of a task that has one."""
        assert self.target is not None
        assert self.target_schema is not None  # what has a target has its column, too
        return self.target, reading_of(self.target_schema)

    @property
    def target_column(self) -> SignatureColumn | None:
        """The target as a signature has it."""
        return None if self.target_schema is None else reading_of(self.target_schema)

    @property
    def columns(self) -> list[SignatureColumn]:
        """The features as a signature has them."""
        return [reading_of(column) for column in self.features]

    @property
    def readings(self) -> dict[str, SignatureColumn]:
        """How another table is read to be measured on: features and target as in the training table."""
        target = [] if self.target_column is None else [self.target_column]
        return {column.name: column for column in [*self.columns, *target]}

    @property
    def own_readings(self) -> dict[str, SignatureColumn]:
        """How the training table itself is read, where that is not by its own types: the target, by its labels."""
        return {} if self.target_column is None else {self.target_column.name: self.target_column}

    @property
    def row_columns(self) -> list[str]:
        """The columns that say of each row what it is for: target, weight, time, group; each once."""
        of_rows = (self.target, self.sample_weight, self.hold_out.time_column, self.group_column)
        return list(dict.fromkeys(filter(None, of_rows)))

    @property
    def hold_out_columns(self) -> list[str]:
        """The columns that a dataset to measure on must have."""
        return [*(column.name for column in self.features), *([] if self.target is None else [self.target])]

    @property
    def needed_columns(self) -> list[str]:
        """All columns of the dataset that take part, each once."""
        return list(dict.fromkeys([*(column.name for column in self.features), *self.row_columns]))


def plan_of(command: Training, columns: Mapping[str, ColumnSchema], alerts: Sequence[Alert] = ()) -> FitPlan:
    """The plan that a command makes with the columns of its dataset, which has all that it names.

    Args:
        command: The training.
        columns: The dataset's columns by name.
        alerts: What its upload found in them.
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
    """The target as its labels were written: words that are read as booleans, such as TRUE and FALSE, stay these words.

    Only ``true`` and ``false`` themselves become booleans, and cells that came as values and not as text.
    """
    is_word = target.type == "boolean" and target.form is not None and not target.has_values
    marks = sorted(marks_of(target) - {""})
    return target.model_copy(update={"type": "text", "missing_marks": marks}) if is_word else target


def _as_read(command: Training, column: ColumnSchema) -> ColumnSchema:
    """The column, free text or not as the command has it; else as the dataset's profile found it."""
    is_forced = column.name in (command.free_text or []) and column.type == "text"
    is_free_text = is_forced or (column.is_free_text and column.name not in (command.categorical or []))
    return column.model_copy(update={"is_free_text": is_free_text})
