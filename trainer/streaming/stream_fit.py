"""Fits an estimator on a table that is read one row group at a time, in constant memory. Pure maths.

The first pass reads only the target (``stream_survey.py``). The second collects a sample of the training rows, which
the encoder learns from, and the rows to measure on. The epochs follow. The rows kept between row groups are limited
(``trainer/rows/row_group_splits.py``).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts import Signature, Task
from modelbus.shared.contracts.records.model_records import HeldOutRows
from modelbus.shared.plural import agreeing, counted
from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.scoring import score
from modelbus.shared.tabular.targets.labels import codes_of
from modelbus.trainer.catalogue.making import make_estimator, set_class_labels
from modelbus.trainer.catalogue.streamable import takes, takes_one_pass
from modelbus.trainer.champions.row_identity import row_hashes
from modelbus.trainer.champions.trained_rows import TrainedRowsBuilder
from modelbus.trainer.fitting.estimator_fitting import require_varying, scaling_of, translated_refusals
from modelbus.trainer.fitting.fit_progress import MEASURING_FRACTION, FitReporter, ReportCallback, StepCallback
from modelbus.trainer.fitting.fit_warnings import gathered_warnings
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.fitting.plan_checks import agreed_task, require_columns
from modelbus.trainer.rows.data_notes import notes_on_sample, row_step
from modelbus.trainer.rows.learning_target import LearningTarget, read_known
from modelbus.trainer.rows.memory_estimates import encoded_width
from modelbus.trainer.rows.row_group_splits import (
    RowGroups,
    batch_row_limit,
    group_order,
    kept_row_limit,
    row_order,
    spread,
)
from modelbus.trainer.rows.row_numbering import RowNumbering
from modelbus.trainer.rows.splitting import RowIndices
from modelbus.trainer.rows.weighting import Weights, read_part_of_weights, weigh_streamed_classes
from modelbus.trainer.streaming.stream_survey import Survey, split_known, survey
from modelbus.trainer.training.fit import FitOutcome

Floats = npt.NDArray[np.float64]

_SAMPLING_FRACTION: Final = 0.1
"""The fraction of the work that is done when the epochs begin."""
_OF_WHOLE_FITS: Final = ("max_iter", "tol", "n_iter_no_change", "warm_start")
"""Hyperparameters of scikit-learn that limit ``fit`` and do not affect ``partial_fit``."""


@dataclass(frozen=True, eq=False)
class PreparedStream:
    """Everything that is known of a streamed fit before fitting."""

    estimator: Any
    """Unfitted."""
    task: Task
    survey: Survey
    class_weights: Weights | None
    """The weight of each class, shape (n_classes,); None if the estimator applies it itself, or all are equal."""
    epochs: int
    """Passes over the training rows."""


def prepare_stream(groups: RowGroups, plan: FitPlan) -> PreparedStream:
    """Check a streamed fit before it begins; reads the target and the weights of all rows.

    Args:
        groups: The dataset's rows.
        plan: The plan of a fit that can be streamed (see ``stream_choice.py``).

    Raises:
        UnknownEstimator, InvalidCommand, EstimatorRejected: See ``fit_streamed``.
    """
    estimator = make_estimator(plan.estimator_name, plan.hyperparameters, plan.seed)
    task = agreed_task(plan.estimator_name, plan.task)
    found = survey(groups, plan, task)
    if task == "classification":
        set_class_labels(estimator, plan.estimator_name, plan.hyperparameters, found.classes)
    class_weights = weigh_streamed_classes(estimator, plan.class_weight, found.class_counts)
    return PreparedStream(estimator, task, found, class_weights, 1 if takes_one_pass(estimator) else plan.epochs)


def fit_streamed(
    groups: RowGroups,
    plan: FitPlan,
    *,
    hold_out_groups: RowGroups | None = None,
    trained: TrainedRowsBuilder | None = None,
    report: ReportCallback = lambda _fraction, _message: None,
) -> FitOutcome:
    """Fit an estimator one row group at a time and measure it.

    Rows without a target, classes and weights are treated as by ``fit_model``. The same arguments give a model with
    identical predictions, to the last bit.

    Args:
        groups: The dataset's rows, with the columns that the plan needs.
        plan: The plan of a fit that can be streamed (see ``stream_choice.py``).
        hold_out_groups: The rows of the hold-out dataset, if the plan names one.
        trained: Collects the training rows.
        report: Takes the progress; may be called from another thread.

    Raises:
        UnknownEstimator: There is no estimator of that name.
        InvalidCommand: Hyperparameters, task, weights or target are invalid for this dataset.
        EstimatorRejected: The data cannot be learnt from, or the estimator rejected it.
        SignatureMismatch: A value does not have its column's type.
        JobOutOfMemory: The fit needs more memory than the job may use.
    """
    require_columns(plan, plan.needed_columns)
    with gathered_warnings() as notes:
        report(0.0, f"reading the target {plan.target}")
        prepared = prepare_stream(groups, plan)
        found = prepared.survey
        notes += [*found.notes, *_unused_notes(plan, prepared.estimator)]
        stream = _Stream(groups, plan, prepared, trained)
        report(_SAMPLING_FRACTION / 2, "sampling rows for the encoder")
        sample, held_out, indices = stream.gather()
        if hold_out_groups is not None:
            held_out, indices, found_count = gather_known(hold_out_groups, plan, stream.kept_limit)
        else:
            found_count = found.hold_out_count
        started = time.perf_counter()
        model = stream.fit(sample, report)
        fit_s = time.perf_counter() - started
        notes += [*stream.notes_on(sample), *_kept_notes(len(sample), found.train_count, len(held_out), found_count)]
        del sample
        report(MEASURING_FRACTION, "measuring")
        scores = score(model, held_out)
        notes.extend(scores.warnings if hold_out_groups is not None else [])
        metrics = scores.metrics
    how = HeldOutRows(method="random" if hold_out_groups is None else "dataset", row_count=found_count)
    nowhere = np.empty(0, dtype=np.int64)
    return FitOutcome(
        model, metrics, None, found.train_count, fit_s, list(notes), nowhere, nowhere, held_out, indices, how
    )


class _Stream:
    """Goes through the row groups."""

    def __init__(
        self, groups: RowGroups, plan: FitPlan, prepared: PreparedStream, trained: TrainedRowsBuilder | None
    ) -> None:
        self._groups = groups
        self._plan = plan
        self._prepared = prepared
        self._trained = trained
        self._numbering = [RowNumbering(column.name) for column in plan.features if column.type == "integer"]
        self._classes = prepared.survey.classes
        self._signature = Signature(
            columns=plan.columns,
            target=plan.target,
            target_column=plan.target_column,
            task=prepared.task,
            classes=self._classes or None,
        )
        self.kept_limit = kept_row_limit(encoded_width(plan.features, len(self._classes)))
        self._sampled = spread(prepared.survey.train_counts, self.kept_limit)
        self._kept = spread(prepared.survey.hold_out_counts, self.kept_limit)
        self._offsets = np.cumsum([0, *self._sampled]).tolist()
        self._crossed: Floats | None = None
        """The encoded sample, if the encoder encodes training rows differently from new rows (target means)."""

    def gather(self) -> tuple[pd.DataFrame, pd.DataFrame, RowIndices]:
        """Collect a sample of the training rows, and the held-out rows to measure on with their positions."""
        plan, sampled, kept, indices, start = self._plan, [], [], [], 0
        target, _ = plan.known_target
        for number in range(self._groups.count):
            frame = self._groups.read(number, plan.hold_out_columns)
            for numbering in self._numbering:
                numbering.feed(frame[numbering.name])
            rows = np.flatnonzero(frame[target].notna())  # their values were checked by the survey
            split = split_known(len(rows), plan, number)
            sampled.append(frame.iloc[rows[split.train[: self._sampled[number]]]])
            held_out = rows[split.hold_out[: self._kept[number]]]
            kept.append(frame.iloc[held_out])
            indices.append(start + held_out)
            if self._trained is not None:
                train = rows[split.train]
                self._trained.add(start + train, row_hashes(frame.iloc[train], self._signature))
            start += len(frame)
        return pd.concat(sampled, ignore_index=True), pd.concat(kept, ignore_index=True), np.concatenate(indices)

    def fit(self, sample: pd.DataFrame, report: ReportCallback) -> FittedModel:
        """Learn the encoder from the sample, then the estimator from all training rows, epoch after epoch."""
        plan, prepared, found = self._plan, self._prepared, self._prepared.survey
        estimator, encoder = prepared.estimator, TabularEncoder()
        rows, epochs = counted(found.train_count, "row"), counted(prepared.epochs, "epoch")
        sentence = f"streaming {rows} through {plan.estimator_name}, {epochs}"
        reporter = FitReporter(report, sentence, _SAMPLING_FRACTION, MEASURING_FRACTION)
        with reporter.running() as on_step, translated_refusals(estimator):
            matrix = encoder.fit_transform(
                sample,
                self._known(sample).values,
                plan.columns,
                prepared.task,
                plan.seed,
                scaling=scaling_of(estimator),
            )
            require_varying(matrix)
            self._crossed = matrix if encoder.has_target_means else None
            del matrix
            self._learn(encoder, on_step)
        return FittedModel(encoder, estimator, self._signature)

    def notes_on(self, sample: pd.DataFrame) -> list[str]:
        """Warnings about the training rows."""
        plan, found = self._plan, self._prepared.survey
        looked_at = sample.iloc[:: row_step(len(sample), len(plan.columns))]
        target = self._known(looked_at).values
        numbering = [alert for one in self._numbering if (alert := one.alert())]
        more = [*numbering, *plan.alerts]
        return notes_on_sample(
            looked_at, target, plan.columns, plan.target, found.class_counts, found.train_count, more
        )

    def _learn(self, encoder: TabularEncoder, on_step: StepCallback) -> None:
        estimator, epochs, count = self._prepared.estimator, self._prepared.epochs, self._groups.count
        options: dict[str, Any] = {}
        if self._classes and takes(estimator, "classes"):
            options["classes"] = np.arange(len(self._classes))
        for epoch in range(epochs):
            for position, number in enumerate(group_order(count, self._plan.seed, epoch)):
                for matrix, target, weights in self._batches(encoder, epoch, number):
                    weighed = {} if weights is None else {"sample_weight": weights}
                    estimator.partial_fit(matrix, target, **options, **weighed)
                on_step(epoch * count + position + 1, epochs * count)

    def _batches(
        self, encoder: TabularEncoder, epoch: int, number: int
    ) -> Iterator[tuple[Floats, npt.NDArray[Any], Weights | None]]:
        """A group's training rows, shuffled and encoded, with their targets and weights."""
        plan = self._plan
        frame = self._groups.read(number, plan.needed_columns)
        known = self._known(frame)
        train = split_known(len(known.rows), plan, number).train
        order = row_order(len(train), plan.seed, epoch, number)
        features = [column.name for column in plan.features]
        size = batch_row_limit(len(encoder.feature_names_out))
        for begin in range(0, len(order), size):
            chosen = order[begin : begin + size]
            batch, target = frame.iloc[known.rows[train[chosen]]], known.values[train[chosen]]
            weights = self._weights(batch, target)
            if weights is not None and not weights.any():
                continue  # nothing to learn, and some estimators would raise an error
            matrix = encoder.transform(batch[features])[0]
            self._cross(matrix, chosen, number)
            yield matrix, target, weights

    def _cross(self, matrix: Floats, chosen: RowIndices, number: int) -> None:
        """Encode the sampled rows as the encoder did during its own fit: without their own targets."""
        if self._crossed is not None:
            is_sampled = chosen < self._sampled[number]
            matrix[is_sampled] = self._crossed[self._offsets[number] + chosen[is_sampled]]

    def _known(self, frame: pd.DataFrame) -> LearningTarget:
        """The rows that have a target, with class codes or numbers."""
        target, column = self._plan.known_target
        known = read_known(frame[target], column, self._prepared.task)
        return replace(known, values=codes_of(known.labels, self._classes)) if self._classes else known

    def _weights(self, frame: pd.DataFrame, target: npt.NDArray[Any]) -> Weights | None:
        rows = np.arange(len(frame), dtype=np.int64)
        weights = read_part_of_weights(frame, self._plan.sample_weight, rows)
        by_class = self._prepared.class_weights
        if by_class is None:
            return weights
        of_classes: Weights = by_class[target]
        return of_classes if weights is None else of_classes * weights


def gather_known(groups: RowGroups, plan: FitPlan, limit: int) -> tuple[pd.DataFrame, RowIndices, int]:
    """Collect rows of a hold-out dataset to measure on.

    Args:
        groups: Its rows.
        plan: The plan with the features and the target.
        limit: Maximum rows; they are sampled from all groups with the plan's seed.

    Returns:
        The rows, their positions, and the number of rows that have a target.
    """
    target, _ = plan.known_target
    counts = [int(groups.read(number, [target])[target].notna().sum()) for number in range(groups.count)]
    kept, indices, start = [], [], 0
    for number, take in enumerate(spread(counts, limit)):
        frame = groups.read(number, plan.hold_out_columns)
        rows = np.flatnonzero(frame[target].notna())
        taken = rows[split_known(len(rows), plan, number).train[:take]]
        kept.append(frame.iloc[taken])
        indices.append(start + taken)
        start += len(frame)
    return pd.concat(kept, ignore_index=True), np.concatenate(indices), sum(counts)


def _unused_notes(plan: FitPlan, estimator: Any) -> list[str]:
    if not type(estimator).__module__.startswith("sklearn."):
        return []
    unused = [name for name in _OF_WHOLE_FITS if name in plan.hyperparameters]
    named = " and ".join(unused)
    have = agreeing(len(unused), "has", "have")
    return [f"{named} {have} no effect on streamed rows; set epochs instead"] if unused else []


def _kept_notes(sample_count: int, train_count: int, kept_count: int, hold_out_count: int) -> list[str]:
    notes = []
    if sample_count < train_count:
        notes.append(
            f"the encoder was learnt from a sample of {sample_count:,} of {train_count:,} training rows: categories "
            "that it lacks count as unseen"
        )
    if kept_count < hold_out_count:
        notes.append(f"the model was measured on {kept_count:,} of {hold_out_count:,} held-out rows")
    return notes
