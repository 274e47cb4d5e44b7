"""The first pass over a streamed table, which reads and counts only the target and the weights."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from modelbus.shared.contracts import SignatureColumn, Task
from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.plural import counted
from modelbus.shared.tabular.targets.labels import Label
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.rows.learning_target import (
    REAL_CLASS_LIMIT,
    learnt_classes,
    missing_note,
    no_target,
    read_known,
    require_classes,
    require_target_type,
)
from modelbus.trainer.rows.row_group_splits import RowGroups, split_group
from modelbus.trainer.rows.splitting import Split
from modelbus.trainer.rows.weighting import read_part_of_weights, require_some_weight

_MINIMUM_TRAINING_ROWS: Final = 2


@dataclass(frozen=True)
class Survey:
    """What is known of a table's target before fitting."""

    class_counts: dict[Label, int]
    """For classification, training rows by label, in the order of the codes; else empty."""
    train_counts: list[int]
    """Training rows of each group."""
    hold_out_counts: list[int]
    """Held-out rows of each group."""
    notes: list[str]
    """Warnings about the target."""

    @property
    def classes(self) -> list[Label]:
        """For classification, the sorted labels; else empty."""
        return list(self.class_counts)

    @property
    def train_count(self) -> int:
        """Training rows."""
        return sum(self.train_counts)

    @property
    def hold_out_count(self) -> int:
        """Held-out rows."""
        return sum(self.hold_out_counts)


def survey(groups: RowGroups, plan: FitPlan, task: Task) -> Survey:
    """Read the target and the weights of all rows.

    Raises:
        InvalidCommand: A column of this type cannot be the target, or the weights are invalid.
        EstimatorRejected: The target cannot be learnt, or there are too few rows.
    """
    _, column = plan.known_target
    is_unfit_text = column.type == "text" and task == "regression"
    values = groups.read(0, [column.name])[column.name] if is_unfit_text and groups.count else None
    require_target_type(column, task, plan.estimator_name, values)
    counting = _Counting(plan, task, column)
    for number in range(groups.count):
        counting.add(number, groups.read(number, plan.row_columns))
    return counting.result()


def split_known(row_count: int, plan: FitPlan, number: int) -> Split:
    """Split those rows of a group that have a target, according to the plan."""
    fraction = 0.0 if plan.hold_out.dataset is not None else plan.hold_out.fraction
    return split_group(row_count, fraction, plan.seed, number)


@dataclass
class _Counting:
    plan: FitPlan
    task: Task
    column: SignatureColumn
    trained: Counter[Any] = field(default_factory=Counter)
    held_out: Counter[Any] = field(default_factory=Counter)
    train_counts: list[int] = field(default_factory=list)
    hold_out_counts: list[int] = field(default_factory=list)
    row_count: int = 0
    has_weight: bool = False

    def add(self, number: int, frame: pd.DataFrame) -> None:
        """Count one group."""
        known = read_known(frame[self.plan.target], self.column, self.task)
        split = split_known(len(known.rows), self.plan, number)
        weights = read_part_of_weights(frame, self.plan.sample_weight, known.rows, self.row_count)
        self.has_weight = self.has_weight or (weights is not None and bool(weights.any()))
        self.row_count += len(frame)
        self.train_counts.append(len(split.train))
        self.hold_out_counts.append(len(split.hold_out))
        if self.task == "classification":
            self.trained.update(known.labels[index] for index in split.train.tolist())
            self.held_out.update(known.labels[index] for index in split.hold_out.tolist())
            if self.column.type == "real" and len(self.trained) > REAL_CLASS_LIMIT:
                # a quantity: refused now, before all of its values are counted
                require_classes(self.column, list(self.trained), self.row_count)

    def result(self) -> Survey:
        """The result, after checking that there are enough rows."""
        self._require_rows()
        missing = self.row_count - sum(self.train_counts) - sum(self.hold_out_counts)
        notes = [missing_note(missing)] if missing else []
        if self.task == "regression":
            return Survey({}, self.train_counts, self.hold_out_counts, notes)
        every = sorted(self.trained | self.held_out)  # all of one type, so they can be sorted
        require_classes(self.column, every, self.row_count - missing)
        classes, more = learnt_classes(every, self.trained)
        counts = {label: self.trained[label] for label in classes}
        return Survey(counts, self.train_counts, self.hold_out_counts, notes + more)

    def _require_rows(self) -> None:
        train_count, hold_out_count = sum(self.train_counts), sum(self.hold_out_counts)
        known_count = train_count + hold_out_count
        if not known_count:
            raise no_target(self.column)
        has_hold_out_dataset = self.plan.hold_out.dataset is not None
        if train_count < _MINIMUM_TRAINING_ROWS or not (hold_out_count or has_hold_out_dataset):
            raise EstimatorRejected(
                f"{counted(known_count, 'row')} with a target cannot be split: {train_count} would be left to train "
                f"on, and at least {_MINIMUM_TRAINING_ROWS} are needed"
            )
        if self.plan.sample_weight is not None:
            require_some_weight(self.plan.sample_weight, self.has_weight)
