"""Warnings about the training rows: the same alerts as in a dataset's profile, but about the rows of the fit."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.contracts.records.dataset_records import Alert
from modelbus.shared.tabular.alerts import (
    SAMPLE_LIMIT,
    class_alerts,
    class_leak,
    number_leak,
    repeated_fraction,
    text_as_categories,
    text_identifier,
)
from modelbus.shared.tabular.cells.columns import read_column
from modelbus.shared.tabular.cells.likely_forms import LikelyNumbers
from modelbus.shared.tabular.encoding.free_text.free_text_looks import (
    LOOKED_AT_TEXTS,
    MINIMUM_DISTINCT,
    count_words,
    is_free_text,
)
from modelbus.shared.tabular.leaks import MISSING_CODE, Codes
from modelbus.shared.tabular.targets.labels import Label
from modelbus.trainer.rows.learning_target import LearningTarget
from modelbus.trainer.rows.number_like import numbers_among_classes, numbers_in_text, though_numbers
from modelbus.trainer.rows.row_numbering import numbering_alerts
from modelbus.trainer.rows.splitting import RowIndices

NOTE_LIMIT: Final = 20
"""Maximum number of these warnings, which leaves room for those of the fit itself."""

_OF_UPLOADED_TARGET: Final = frozenset(
    {"target_leak", "class_imbalance", "rare_classes", "missing_target", "whitespace_in_labels"}
)
_IN_OTHER_FIELDS: Final = frozenset({"free_text"})
"""Reported in a field of the version instead."""
_OF_FEATURES: Final = frozenset({"identifier_like", "constant"})
_CELL_LIMIT = 5_000_000
_MINIMUM_ROWS = 1000


def notes_on(
    frame: pd.DataFrame,
    columns: Sequence[SignatureColumn],
    target: str | None,
    known: LearningTarget,
    train: RowIndices,
    upload: Sequence[Alert] = (),
) -> list[str]:
    """Warnings about the training rows: unequal and rare classes, columns that leak the target or identify rows.

    The alerts of the upload about the same columns follow.

    At most 100,000 rows are examined, fewer if there are many columns: every second, third, ... row.

    Args:
        frame: The dataset's rows.
        columns: The features.
        target: The target's name; None for tasks without one.
        known: The target's values.
        train: Positions of the training rows among those of ``known``.
        upload: The alerts of the dataset.
    """
    counts: dict[Label, int] = {}
    if known.classes:
        by_code = np.bincount(known.values[train], minlength=len(known.classes)).tolist()
        counts = dict(zip(known.classes, by_code, strict=True))
    looked_at = train[:: row_step(len(train), len(columns))]
    rows, values = frame.iloc[known.rows[looked_at]], known.values[looked_at]
    # row numbers show only in the order of the table, and the training rows are a random sample of it
    numbering = numbering_alerts(frame, [column.name for column in columns if column.type == "integer"])
    return notes_on_sample(rows, values, columns, target, counts, len(train), [*numbering, *upload])


def row_step(row_count: int, column_count: int) -> int:
    """The step between examined rows."""
    limit = min(SAMPLE_LIMIT, max(_MINIMUM_ROWS, _CELL_LIMIT // column_count))
    return -(-row_count // limit)


def notes_on_sample(
    rows: pd.DataFrame,
    values: npt.NDArray[Any],
    columns: Sequence[SignatureColumn],
    target: str | None,
    counts: Mapping[Label, int],
    row_count: int,
    more: Sequence[Alert] = (),
) -> list[str]:
    """Like ``notes_on``, from a sample of the training rows.

    Args:
        rows: The sample.
        values: Its class codes (int64) or numbers (float64), shape (n_sampled,).
        columns: The features.
        target: The target's name; None for tasks without one.
        counts: All training rows by class; empty for regression.
        row_count: The number of training rows.
        more: Alerts that were found elsewhere, the most important first.
    """
    found = _of_classes(target, counts) if counts and target is not None else []
    found += [
        alert
        for column in columns
        if (alert := _alert(column, rows[column.name], row_count, target, values, is_classes=bool(counts)))
    ]
    reported = {(alert.code, alert.column) for alert in found}
    for alert in concerning(more, columns, target):
        if (alert.code, alert.column) not in reported:
            reported.add((alert.code, alert.column))
            found.append(alert)
    return [alert.message for alert in found[:NOTE_LIMIT]]


def concerning(alerts: Sequence[Alert], columns: Sequence[SignatureColumn], target: str | None) -> list[Alert]:
    """The alerts of a dataset that matter to a fit on some of its columns.

    Alerts about the target of the upload, such as class sizes and leaks, are excluded: the fit computes its own, for
    its own target and rows. Alerts about features do not apply to the target.

    Args:
        alerts: The alerts of the upload.
        columns: The features.
        target: The target's name; None for tasks without one.
    """
    features = {column.name for column in columns}
    return [
        alert
        for alert in alerts
        if alert.code not in _OF_UPLOADED_TARGET | _IN_OTHER_FIELDS
        and (alert.column in features or (alert.column == target and alert.code not in _OF_FEATURES))
    ]


def _of_classes(target: str, counts: Mapping[Label, int]) -> list[Alert]:
    numbers = numbers_among_classes(counts)
    # a cell that keeps a numeric column text is not a rare class
    return class_alerts(target, counts) if numbers is None else [_number_like(target, numbers)]


def _number_like(column: str, numbers: LikelyNumbers) -> Alert:
    message = f"column {column!r} {though_numbers(numbers)}"
    return Alert(code="number_like_text", column=column, message=message)


def _alert(
    column: SignatureColumn,
    series: "pd.Series[Any]",
    row_count: int,
    target: str | None,
    values: Any,
    *,
    is_classes: bool,
) -> Alert | None:
    if is_classes or column.type == "text":
        codes = pd.factorize(series)[0].astype(np.int64)
        identifier = _of_text(column, series, codes, row_count) if column.type == "text" else None
        numbers = numbers_in_text(series) if column.type == "text" else None
        if numbers is not None:
            return _number_like(column.name, numbers)
        if identifier or not is_classes or target is None:
            return identifier
        return class_leak(column.name, codes, target, values)
    if target is None or column.type not in ("integer", "real", "boolean"):
        return None
    return number_leak(column.name, read_column(series, column).values, target, values)


def _of_text(column: SignatureColumn, series: "pd.Series[Any]", codes: Codes, row_count: int) -> Alert | None:
    """The alert about a text column that identifies rows or looks like free text, unless it is learnt by its words."""
    if column.is_free_text:
        return None
    present = int(np.count_nonzero(codes != MISSING_CODE))
    distinct = int(codes.max(initial=MISSING_CODE)) + 1
    if distinct > MINIMUM_DISTINCT:
        counts = count_words(list(islice(dict.fromkeys(map(str, series.dropna())), LOOKED_AT_TEXTS)))
        if is_free_text(counts, distinct, present):
            return text_as_categories(column.name, counts.median)
    return _identifier(column, codes, row_count)


def _identifier(column: SignatureColumn, codes: Codes, row_count: int) -> Alert | None:
    present = round(row_count * np.count_nonzero(codes != MISSING_CODE) / len(codes))
    return text_identifier(column.name, repeated_fraction(codes, present), present)
