"""Predictions for a dataset as a table. Pure, no bus and no store."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from modelbus.shared.contracts.commands.prediction import kept_names
from modelbus.shared.tabular.predicting.model import FittedModel, Predictions
from modelbus.shared.tabular.targets.labels import class_type

_ARROW_TYPES: Final = {"text": pa.string(), "integer": pa.int64(), "boolean": pa.bool_(), "real": pa.float64()}
_NUMBER_TYPES: Final = {"regression": pa.float64(), "clustering": pa.int64()}


def prediction_table(model: FittedModel, predictions: Predictions, first_row: int) -> pa.Table:
    """Make a table of the predictions for consecutive rows.

    Args:
        model: The model.
        predictions: Its predictions.
        first_row: The number of the first row in its dataset, from 0.

    Returns:
        Columns ``row`` and ``prediction`` and, if requested, ``probability_<class>`` for each class, and ``score`` (for
        two classes) or ``score_<class>``.
    """
    classes = model.signature.classes
    count = len(predictions.labels)
    kind = _ARROW_TYPES[class_type(classes)] if classes else _NUMBER_TYPES[model.signature.task]
    columns: dict[str, Any] = {
        "row": pa.array(range(first_row, first_row + count), pa.int64()),
        "prediction": pa.array(predictions.labels, kind),
    }
    for name, figures in (("probability", predictions.probabilities), ("score", predictions.scores)):
        if figures is not None and figures.ndim == 1:
            columns[name] = figures
        elif figures is not None:
            columns |= {f"{name}_{label}": figures[:, position] for position, label in enumerate(classes or [])}
    return pa.table(columns)


def with_kept_columns(answer: pa.Table, kept: pa.Table) -> pa.Table:
    """The predictions of consecutive rows with kept columns behind ``row``.

    Args:
        answer: The predictions; the first column is ``row``.
        kept: The kept columns of the same rows, as they are stored.
    """
    names = kept_names(kept.column_names, answer.column_names)
    for position, (column, name) in enumerate(names.items(), start=1):
        answer = answer.add_column(position, kept.schema.field(column).with_name(name), kept[column])
    return answer


class IncidentTotals:
    """The encoder's reports, summed over the parts of a dataset: rows by incident and column."""

    def __init__(self) -> None:
        self._totals: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Add the counts of one part."""
        for incident, columns in counts.items():
            for column, count in columns.items():
                self._totals[incident][column] += count

    def report(self) -> dict[str, dict[str, int]]:
        """The sums, without incidents that did not occur."""
        return {incident: dict(columns) for incident, columns in self._totals.items()}
