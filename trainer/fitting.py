"""Fit an estimator on a table and measure it on held-out rows. Pure maths: frames and specifications in, values out."""

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MethodType
from typing import Any

import pandas as pd
from sklearn.utils import get_tags

from shared.contracts import ColumnSchema, HoldOut, Signature, SignatureColumn
from shared.errors import EstimatorRejected, InvalidCommand, JobOutOfMemory, ModelbusError
from shared.tabular.encoder import TabularEncoder
from shared.tabular.learning import ONE_HOT_LIMIT, Scaling
from shared.tabular.metrics import Metrics, score_classification, score_regression
from shared.tabular.model import FittedModel, words_of
from trainer.catalogue import Task, find_estimator
from trainer.learning_target import LearningTarget, learn_target
from trainer.making import make_estimator, set_class_labels
from trainer.splitting import RowIndices, split_rows

WARNING_LIMIT = 50
"""So many different warnings are kept."""

_WARNING_LENGTH = 500


@dataclass(frozen=True, eq=False)
class FitOutcome:
    """A model and how it came about."""

    model: FittedModel
    """Fitted on the training part alone, so that the metrics are of this very model and of no sibling."""
    metrics: Metrics
    """On the held-out rows."""
    row_count: int
    """Rows that the model was fitted on."""
    fit_s: float
    """Seconds that encoder and estimator took to fit."""
    warnings: list[str]
    """What the fit warned of, each sentence once."""
    train_indices: RowIndices
    """Positions in the frame of the rows that were trained on, shape (row_count,)."""
    hold_out_indices: RowIndices
    """Positions in the frame of the rows that were held out."""


def fit_model(
    frame: pd.DataFrame,
    *,
    target: str,
    features: Sequence[ColumnSchema],
    target_schema: ColumnSchema,
    estimator_name: str,
    hyperparameters: Mapping[str, Any],
    task: Task | None,
    hold_out: HoldOut,
    seed: int,
) -> FitOutcome:
    """Fit an estimator and measure it.

    Rows without a target are left out, with a warning. The rest is split; encoder and estimator see the training part
    only. The same arguments give a model with the same predictions to the last bit.

    Args:
        frame: The dataset's rows, with the target and all features.
        target: The column to predict.
        features: The columns to predict from.
        target_schema: What the target's column holds.
        estimator_name: A name of the catalogue.
        hyperparameters: Plain JSON values by name.
        task: What to learn; None takes what the estimator does.
        hold_out: The rows to measure on.
        seed: Seeds the split, the encoder and the estimator.

    Raises:
        UnknownEstimator: There is no estimator of that name.
        InvalidCommand: Hyperparameters, task, columns or target cannot be what the command says.
        EstimatorRejected: The data cannot be learnt from, or the estimator refused it, in its own words.
        JobOutOfMemory: The fit needs more memory than there is.
    """
    estimator = make_estimator(estimator_name, hyperparameters, seed)
    task = _agreed_task(estimator_name, task)
    _require_columns(frame, target, [column.name for column in features])
    columns = [_signature_column(column) for column in features]
    with _gathered_warnings() as notes:
        known = learn_target(frame[target], _signature_column(target_schema), task, estimator_name)
        split = split_rows(known.values, hold_out, is_classification=task == "classification", seed=seed)
        known = known.within(split.train)
        notes.extend(known.notes)
        train_rows, hold_out_rows = known.rows[split.train], known.rows[split.hold_out]
        if task == "classification":
            set_class_labels(estimator, estimator_name, hyperparameters, known.classes)
        started = time.perf_counter()
        encoder = _fit(estimator, frame.iloc[train_rows], known, split.train, columns, task, seed)
        fit_s = time.perf_counter() - started
        notes.extend(_notes_on(encoder, frame, train_rows))
        signature = Signature(columns=columns, target=target, task=task, classes=known.classes or None)
        model = FittedModel(encoder, estimator, signature)
        metrics = _measure(model, frame.iloc[hold_out_rows], known, split.hold_out)
    return FitOutcome(model, metrics, len(train_rows), fit_s, list(notes), train_rows, hold_out_rows)


def _agreed_task(estimator_name: str, task: Task | None) -> Task:
    does: Task = find_estimator(estimator_name).record.task
    if task is not None and task != does:
        raise InvalidCommand(
            f"{estimator_name} does {does}, not {task}",
            details=[{"where": "task", "problem": f"{estimator_name} does {does}", "expected": does, "given": task}],
        )
    return does


def _require_columns(frame: pd.DataFrame, target: str, features: Sequence[str]) -> None:
    if not features:
        raise InvalidCommand("there is no column to predict from", details=[{"where": "features", "problem": "empty"}])
    if target in features:
        raise InvalidCommand(
            f"the target {target!r} is among the features", details=[{"where": "features", "problem": "has the target"}]
        )
    absent = [name for name in (target, *features) if name not in frame.columns]
    if absent:
        details = [
            {"where": "target" if name == target else f"features.{name}", "problem": "the dataset has no such column"}
            for name in absent
        ]
        raise InvalidCommand(f"the dataset has no column {', '.join(map(repr, absent))}", details=details)


def _signature_column(column: ColumnSchema) -> SignatureColumn:
    return SignatureColumn(name=column.name, type=column.type, date_format=column.date_format)


def _fit(
    estimator: Any,
    frame: pd.DataFrame,
    known: LearningTarget,
    train: RowIndices,
    columns: Sequence[SignatureColumn],
    task: Task,
    seed: int,
) -> TabularEncoder:
    name, encoder = type(estimator).__name__, TabularEncoder()
    scaling: Scaling = "unit" if get_tags(estimator).input_tags.positive_only else "standard"
    try:
        matrix = encoder.fit_transform(frame, known.values[train], columns, task, seed, scaling=scaling)
        if not matrix.shape[1]:
            raise EstimatorRejected("no feature varies among the training rows, so there is nothing to learn from")
        estimator.fit(matrix, known.values[train])
    except ModelbusError:
        raise
    except MemoryError as error:
        raise JobOutOfMemory(f"{name} needs more memory than the job may use: {error}") from error
    except Exception as error:
        raise EstimatorRejected(f"{name} rejected the data or the hyperparameters: {words_of(error)}") from error
    _forget_fitting(estimator)
    return encoder


def _forget_fitting(estimator: Any) -> None:
    """Drop what HistGradientBoosting* keep from scoring themselves while they fit: it refers back to the estimator.

    Prediction uses none of it, and a circle of references cannot be stored. What a plug-in keeps is its own affair.
    """
    if not type(estimator).__module__.startswith("sklearn."):
        return
    attributes = vars(estimator)
    for name, value in list(attributes.items()):
        if isinstance(value, MethodType) and value.__self__ is estimator:
            del attributes[name]  # the class has the method all the same
    if attributes.get("_scorer") is not None:
        attributes["_scorer"] = None


def _measure(model: FittedModel, frame: pd.DataFrame, known: LearningTarget, hold_out: RowIndices) -> Metrics:
    predictions = model.predict_frame(frame, model.has_probabilities)
    if model.signature.task == "regression":
        return score_regression(known.values[hold_out], predictions.labels)
    truth = [known.labels[index] for index in hold_out.tolist()]
    return score_classification(truth, predictions.labels, predictions.probabilities, known.classes)


def _notes_on(encoder: TabularEncoder, frame: pd.DataFrame, train_rows: RowIndices) -> list[str]:
    """Warn of text that is different in each row: it fits anything and tells nothing about a new row."""
    found = []
    for column in encoder.columns:
        if column.type == "text" and len(train_rows) > ONE_HOT_LIMIT:
            texts = frame[column.name].iloc[train_rows].dropna()
            if len(texts) > ONE_HOT_LIMIT and texts.astype(str).is_unique:
                found.append(f"column {column.name!r} has another text in every row and tells nothing about new rows")
    return found


@contextmanager
def _gathered_warnings() -> Iterator[list[str]]:
    """Gather warnings as sentences; what addresses developers (deprecations) is left out."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    for each in caught:
        if issubclass(each.category, (FutureWarning, DeprecationWarning, PendingDeprecationWarning)):
            continue
        sentence = f"{each.category.__name__}: {' '.join(str(each.message).split())}"[:_WARNING_LENGTH]
        if sentence not in notes and len(notes) < WARNING_LIMIT:
            notes.append(sentence)
