"""Alerts about the columns of a file, independent of any target."""

from collections.abc import Callable
from dataclasses import dataclass

from modelbus.evaluator.ingest.odd_cells.date_advice import date_advice
from modelbus.evaluator.ingest.profile.text_looks import TextLooks
from modelbus.shared.contracts.records.dataset_records import Alert, ColumnSchema
from modelbus.shared.tabular.alerts import FEW_ROWS, free_text, row_numbers, text_identifier

_SHOWN_LENGTH = 50
_MISSING_FRACTION = 0.95
_LOOKING_FRACTION = 0.9
"""A text column with at least this fraction of dates, or of UUIDs, counts as such a column."""


@dataclass(frozen=True)
class Evidence:
    """What is known about a column in addition to its schema."""

    repeated_fraction: Callable[[], float]
    """The fraction of the rows with a value that another row has too, without missing ones; costs something."""
    has_constant_step: bool = False
    """Whole numbers go up by the same step from row to row."""
    looks: TextLooks | None = None
    """What sampled texts look like."""


def column_alerts(column: ColumnSchema, row_count: int, evidence: Evidence) -> list[Alert]:
    """The alerts of one column, at most one each for its missing values, its content and spaces around it."""
    found = [_missing(column, row_count), _content(column, row_count, evidence), _blanks(column, evidence.looks)]
    return [alert for alert in found if alert is not None]


def _missing(column: ColumnSchema, row_count: int) -> Alert | None:
    if column.missing == row_count:
        message = f"column {column.name!r} is empty; exclude it"
        return Alert(code="all_missing", column=column.name, message=message)
    if column.missing <= _MISSING_FRACTION * row_count:
        return None
    message = (
        f"column {column.name!r} has a value in only {row_count - column.missing} of {row_count} rows; exclude it "
        "unless the presence of a value is informative"
    )
    return Alert(code="mostly_missing", column=column.name, message=message)


def _blanks(column: ColumnSchema, looks: TextLooks | None) -> Alert | None:
    if column.type != "text" or looks is None or looks.blank is None:
        return None
    shown = looks.blank if len(looks.blank) <= _SHOWN_LENGTH else f"{looks.blank[:_SHOWN_LENGTH]}…"
    message = (
        f"column {column.name!r} has values with leading or trailing spaces ({_part(looks.blank_count, looks.count)}), "
        f"such as {shown!r}, which differs from {shown.strip()!r}; strip_text=true removes such spaces"
    )
    return Alert(code="surrounding_whitespace", column=column.name, message=message)


def _content(column: ColumnSchema, row_count: int, evidence: Evidence) -> Alert | None:
    present = row_count - column.missing
    if column.distinct == 1 and present == row_count and row_count > 1:
        message = f"column {column.name!r} has the same value in all {row_count} rows; exclude it"
        return Alert(code="constant", column=column.name, message=message)
    if column.type == "text" and evidence.looks is not None:
        return _text(column, present, evidence, evidence.looks)
    if column.type == "integer":
        return _row_numbers(column, present, evidence)
    return None


def _text(column: ColumnSchema, present: int, evidence: Evidence, looks: TextLooks) -> Alert | None:
    if looks.count and looks.date_count >= _LOOKING_FRACTION * looks.count:
        message = (
            f"column {column.name!r} is text, though {_part(looks.date_count, looks.count)} values look like dates, "
            f"such as {looks.date!r}: {date_advice(column.name, looks.dates)}"
        )
        return Alert(code="date_like_text", column=column.name, message=message)
    if looks.count and looks.uuid_count >= _LOOKING_FRACTION * looks.count:
        message = (
            f"column {column.name!r} holds UUIDs ({_part(looks.uuid_count, looks.count)} values), which are unique "
            "like an id; exclude it"
        )
        return Alert(code="identifier_like", column=column.name, message=message)
    if column.is_free_text:
        return free_text(column.name, column.words or 0)
    return text_identifier(column.name, evidence.repeated_fraction(), present) if present > FEW_ROWS else None


def _part(count: int, whole: int) -> str:
    return f"all {whole}" if count == whole else f"{count} of {whole}"


def _row_numbers(column: ColumnSchema, present: int, evidence: Evidence) -> Alert | None:
    return row_numbers(
        column.name,
        present,
        column.minimum,
        column.maximum,
        has_constant_step=evidence.has_constant_step,
        has_repeated=lambda: bool(evidence.repeated_fraction()),
    )
