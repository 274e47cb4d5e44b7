"""Fit an estimator on a table and measure it on held-out rows. Pure maths: frames and plans in, values out."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from shared.contracts import UNSUPERVISED, Signature, Task
from shared.errors import InvalidCommand
from shared.tabular.metrics import Metrics
from shared.tabular.model import FittedModel
from shared.tabular.scoring import score
from shared.tabular.targets import OUTLIER_CLASSES, Label
from trainer.catalogue import find_estimator
from trainer.cross_validation import cross_validate
from trainer.data_notes import notes_on
from trainer.estimator_fitting import fit_rows
from trainer.fit_plan import FitPlan
from trainer.fit_warnings import gathered_warnings
from trainer.learning_target import LearningTarget, learn_target, rows_without_target
from trainer.making import make_estimator, set_class_labels
from trainer.reporting import MEASURING_SHARE, FitReporter, ReportCallback
from trainer.splitting import RowIndices, Split, read_times, split_rows
from trainer.weighting import Weights, read_sample_weights, require_weighable, weigh_classes


@dataclass(frozen=True, eq=False)
class FitOutcome:
    """A model and how it came about."""

    model: FittedModel
    """Fitted on the training part alone, so that the metrics are of this very model and of no sibling."""
    metrics: Metrics
    """On the held-out rows."""
    cross_validation: dict[str, Any] | None
    """What ``cross_validate`` answered, if it was asked for."""
    row_count: int
    """Rows that the model was fitted on."""
    fit_s: float
    """Seconds that encoder and estimator took to fit."""
    warnings: list[str]
    """What the fit warned of, each sentence once."""
    train_indices: RowIndices
    """Positions in the frame of the rows that were trained on, shape (row_count,); empty where they were streamed."""
    hold_out_indices: RowIndices
    """Positions in the frame of the rows that were held out; none where another dataset is measured on, or where
    they were streamed."""
    hold_out: pd.DataFrame
    """The rows that were measured on, with their target."""


def fit_model(
    frame: pd.DataFrame,
    plan: FitPlan,
    *,
    hold_out_frame: pd.DataFrame | None = None,
    report: ReportCallback = lambda _share, _message: None,
) -> FitOutcome:
    """Fit an estimator and measure it.

    Rows without a target are left out, with a warning. The rest is split; encoder and estimator see the training part
    only. The same arguments give a model with the same predictions to the last bit.

    Args:
        frame: The dataset's rows, with the columns that the plan needs.
        plan: What is to be fitted, and how.
        hold_out_frame: The rows of the dataset to measure on, where the plan names one.
        report: Takes how far the work is; may be called by another thread.

    Raises:
        UnknownEstimator: There is no estimator of that name.
        InvalidCommand: Hyperparameters, task, columns, weights or target cannot be what the plan says.
        EstimatorRejected: The data cannot be learnt from, or the estimator refused it, in its own words.
        JobOutOfMemory: The fit needs more memory than there is.
    """
    require_columns(plan, frame.columns)
    with gathered_warnings() as notes:
        prepared = prepare(frame, plan)
        known, split = prepared.known, prepared.split
        notes.extend(known.notes)
        work = _Work(frame, plan, prepared, report)
        validated = work.cross_validate(prepared.estimator) if plan.cross_validation else None
        started = time.perf_counter()
        model = work.fit(prepared.estimator, split, begin=work.validation_share, end=MEASURING_SHARE, what="fitting")
        fit_s = time.perf_counter() - started
        train_rows, hold_out_rows = known.rows[split.train], known.rows[split.hold_out]
        notes.extend(notes_on(frame, plan.columns, plan.target, known, split.train))
        report(MEASURING_SHARE, "measuring")
        metrics = score(model, hold_out_frame).metrics if hold_out_frame is not None else work.measure(model, split)
    return FitOutcome(
        model,
        metrics,
        validated,
        len(train_rows),
        fit_s,
        list(notes),
        train_rows,
        hold_out_rows,
        frame.iloc[hold_out_rows] if hold_out_frame is None else hold_out_frame,
    )


@dataclass(frozen=True, eq=False)
class PreparedFit:
    """All that is known of a fit before anything is fitted."""

    estimator: Any
    """Unfitted."""
    task: Task
    known: LearningTarget
    """The rows that have a target; all rows, where there is none to have."""
    split: Split
    """Which of them are trained on."""
    weights: Weights | None
    """How much each of them counts."""

    @property
    def classes(self) -> list[Label] | None:
        """The labels that the model will answer with; None where it answers numbers."""
        return list(OUTLIER_CLASSES) if self.task == "outlier_detection" else self.known.classes or None


def prepare(frame: pd.DataFrame, plan: FitPlan) -> PreparedFit:
    """Check all that can be checked before a fit, and split the rows.

    Args:
        frame: The dataset's rows, with the plan's ``row_columns`` at least.
        plan: What is to be fitted, and how.

    Raises:
        UnknownEstimator, InvalidCommand, EstimatorRejected: As ``fit_model`` raises them.
    """
    estimator = make_estimator(plan.estimator_name, plan.hyperparameters, plan.seed)
    task = agreed_task(plan.estimator_name, plan.task)
    require_weighable(estimator, plan.sample_weight)
    known = _known_rows(frame, plan, task)
    times = read_times(frame, plan.time_schema, known.rows)
    is_classification = task == "classification"
    split = split_rows(known.values, plan.hold_out, is_classification=is_classification, seed=plan.seed, times=times)
    weights = read_sample_weights(frame, plan.sample_weight, known.rows)
    known = known.within(split.train)
    if is_classification:
        set_class_labels(estimator, plan.estimator_name, plan.hyperparameters, known.classes)
    # only to find out now whether it can be done: rows are weighed by the classes of the part that is fitted
    weigh_classes(estimator, plan.class_weight, known.classes, known.values[split.train], None)
    return PreparedFit(estimator, task, known, split, weights)


def _known_rows(frame: pd.DataFrame, plan: FitPlan, task: Task) -> LearningTarget:
    """The rows to learn from.

    Raises:
        InvalidCommand: There is a target and the task has none, or the other way round.
    """
    if (plan.target_schema is None) != (task in UNSUPERVISED):
        problem = f"{plan.estimator_name} {'learns without a target' if plan.target_schema else 'needs a target'}"
        raise InvalidCommand(problem, details=[{"where": "target", "problem": problem}])
    if plan.target_schema is None:
        return rows_without_target(len(frame))
    target, column = plan.known_target
    return learn_target(frame[target], column, task, plan.estimator_name)


class _Work:
    """Fits and measures on parts of the rows."""

    def __init__(self, frame: pd.DataFrame, plan: FitPlan, prepared: PreparedFit, report: ReportCallback) -> None:
        self._frame = frame
        self._plan = plan
        self._task: Task = prepared.task
        self._classes = prepared.classes
        self._known = prepared.known
        self._split = prepared.split
        self._weights = prepared.weights
        self._report = report
        folds = plan.cross_validation.folds if plan.cross_validation else 0
        self.validation_share = MEASURING_SHARE * folds / (folds + 1)
        """The share of the work that cross-validation is."""

    def fit(self, estimator: Any, split: Split, *, begin: float, end: float, what: str) -> FittedModel:
        """Fit on a split's training rows."""
        plan, known = self._plan, self._known
        target = known.values[split.train]
        weights = self._weights[split.train] if self._weights is not None else None
        weights = weigh_classes(estimator, plan.class_weight, known.classes, target, weights)
        sentence = f"{what} {plan.estimator_name} on {len(split.train)} rows"
        with FitReporter(self._report, sentence, begin, end).running() as on_step:
            encoder = fit_rows(
                estimator,
                self._frame.iloc[known.rows[split.train]],
                target if plan.target is not None else None,
                plan.columns,
                task=self._task,
                seed=plan.seed,
                weights=weights,
                on_step=on_step,
            )
        signature = Signature(columns=plan.columns, target=plan.target, task=self._task, classes=self._classes)
        return FittedModel(encoder, estimator, signature)

    def measure(self, model: FittedModel, split: Split) -> Metrics:
        """Measure a model on a split's held-out rows."""
        return score(model, self._frame.iloc[self._known.rows[split.hold_out]]).metrics

    def cross_validate(self, estimator: Any) -> dict[str, Any]:
        """Measure an estimator on parts of the training rows."""
        assert self._plan.cross_validation is not None  # it is what asks for this
        folds = self._plan.cross_validation.folds
        share = self.validation_share / folds

        def measure(fresh: Any, part: Split, fold: int) -> Metrics:
            what = f"cross-validating, part {fold + 1} of {folds}: fitting"
            return self.measure(self.fit(fresh, part, begin=share * fold, end=share * (fold + 1), what=what), part)

        return cross_validate(
            estimator,
            self._split,
            self._known.values,
            measure,
            folds=folds,
            is_classification=self._task == "classification",
            is_ordered=self._plan.time_schema is not None,
            seed=self._plan.seed,
        )


def agreed_task(estimator_name: str, task: Task | None) -> Task:
    """What is learnt.

    Raises:
        UnknownEstimator: There is no estimator of that name.
        InvalidCommand: It does not do the task that was asked for.
    """
    does: Task = find_estimator(estimator_name).record.task
    if task is not None and task != does:
        raise InvalidCommand(
            f"{estimator_name} does {does}, not {task}",
            details=[{"where": "task", "problem": f"{estimator_name} does {does}", "expected": does, "given": task}],
        )
    return does


def require_columns(plan: FitPlan, known: Collection[str]) -> None:
    """Check that there are features, and that the dataset has them and the target.

    Raises:
        InvalidCommand: Names what is wrong.
    """
    features = [column.name for column in plan.features]
    if not features:
        raise InvalidCommand("there is no column to predict from", details=[{"where": "features", "problem": "empty"}])
    if plan.target in features:
        raise InvalidCommand(
            f"the target {plan.target!r} is among the features",
            details=[{"where": "features", "problem": "has the target"}],
        )
    needed = features if plan.target is None else [plan.target, *features]
    absent = [name for name in needed if name not in known]
    if absent:
        details = [
            {
                "where": "target" if name == plan.target else f"features.{name}",
                "problem": "the dataset has no such column",
            }
            for name in absent
        ]
        raise InvalidCommand(f"the dataset has no column {', '.join(map(repr, absent))}", details=details)
