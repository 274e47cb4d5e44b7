"""The commands for predictions, and the forms of rows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from modelbus.shared.contracts.base import ColumnName, CommandBase, ModelReference, Name, Scalar
from modelbus.shared.plural import counted

Rows = list[dict[ColumnName, Scalar]]


class _Prediction(CommandBase):
    """The fields of all predictions."""

    model: ModelReference
    """The version to use."""
    has_probabilities: bool = False
    """Whether to return the probability of each class."""
    has_scores: bool = False
    """Whether to return decision scores. For two classes, one number per row, positive for the second class; for more
    classes, one number per class; for outlier detection, one number per row, negative for outliers and lower the
    further out."""
    keep: list[ColumnName] | None = Field(None, min_length=1)
    """Input columns to return with the predictions, such as an id, in this order. They may be outside the model's
    signature and are returned unchanged."""


class GivenRows(CommandBase):
    """A command with rows, in any of the three forms of ``Predict``."""

    rows: Rows = Field(min_length=1)
    """The rows, each an object with a value for each column. Null or an absent optional column is a missing value."""

    @field_validator("rows", mode="wrap")
    @classmethod
    def _names_of_a_row_differ(cls, given: Any, validate: Any) -> Rows:
        rows: Rows = validate(given)
        for place, (before, row) in enumerate(zip(given, rows, strict=True)):
            if len(before) != len(row):
                raise _malformed(
                    f"rows.{place} has two keys for the same column, which differ only in surrounding space"
                )
        return rows

    @model_validator(mode="before")
    @classmethod
    def _rows_in_any_form(cls, document: Any) -> Any:
        if not isinstance(document, dict) or "data" not in document:
            return document
        if "rows" in document:
            raise _malformed("give either rows or data")
        rest = {name: value for name, value in document.items() if name not in ("columns", "data")}
        if "columns" in document:
            return {**rest, "rows": _rows_of_table(document["columns"], document["data"])}
        return {**rest, "rows": _rows_of_columns(document["data"])}


class Predict(_Prediction, GivenRows):
    """Predict the rows in the command.

    Rows have three forms: `rows`, a list of objects; `columns` and `data`, a list of names and a list of rows of
    values; `data` alone, an object with a list of values for each column. The job's specification uses the second form
    for several rows with the same columns, and the first form otherwise.
    """

    queue: ClassVar[str] = "predict"

    command: Literal["Predict"] = "Predict"


class PredictDataset(_Prediction):
    """Predict every row of a dataset and store the predictions as a table."""

    queue: ClassVar[str] = "predict.bulk"

    command: Literal["PredictDataset"] = "PredictDataset"
    dataset: Name
    """The dataset to predict."""


def kept_names(keep: Sequence[str], own: Collection[str]) -> dict[str, str]:
    """What kept columns are called in a table that has columns of its own, by their names.

    Args:
        keep: The kept columns.
        own: The columns of the predictions. A kept column of the same name gets ``_kept`` at its end.
    """
    names: dict[str, str] = {}
    for column in keep:
        name = column
        while name in own or name in names.values() or (name != column and name in keep):
            name = f"{name}_kept"
        names[column] = name
    return names


def with_columns_once(spec: dict[str, Any]) -> dict[str, Any]:
    """A specification with ``rows`` as it is stored and sent: several rows with the same columns name each column once.

    With the names in each row, 1.5 MB of 60 columns would become 6 MB. The columns are sorted, so that rows which
    differ only in the order of their keys have the same specification.
    """
    rows = spec["rows"]
    names = rows[0].keys()
    if len(rows) == 1 or any(row.keys() != names for row in rows):
        return spec
    columns = sorted(names)
    rest = {name: value for name, value in spec.items() if name != "rows"}
    return {**rest, "columns": columns, "data": [[row[name] for name in columns] for row in rows]}


def rows_of_spec(spec: Mapping[str, Any]) -> Rows:
    """The rows of a stored specification: the inverse of ``with_columns_once``."""
    if "rows" in spec:
        rows: Rows = spec["rows"]
        return rows
    return _rows_of_table(spec["columns"], spec["data"])


def _rows_of_table(columns: Any, data: Any) -> list[dict[str, Any]]:
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise _malformed("columns must be a list of column names")
    if len(set(columns)) < len(columns):
        raise _malformed("columns names a column twice")
    if not isinstance(data, list):
        raise _malformed("data must be a list of rows if columns is given")
    for place, values in enumerate(data):
        if not isinstance(values, list) or len(values) != len(columns):
            found = f"has {counted(len(values), 'value')}" if isinstance(values, list) else "is not a list"
            raise _malformed(f"data.{place} {found}; columns has {counted(len(columns), 'name')}")
    return [dict(zip(columns, values, strict=True)) for values in data]


def _rows_of_columns(data: Any) -> list[dict[str, Any]]:
    if not isinstance(data, dict) or not data:
        raise _malformed("data must be an object with a list of values for each column, or a list of rows with columns")
    lengths = {name: len(values) if isinstance(values, list) else None for name, values in data.items()}
    first = next(iter(lengths))
    for name, length in lengths.items():
        if length is None:
            raise _malformed(f"data.{name} must be a list of values")
        if length != lengths[first]:
            raise _malformed(f"data.{name} has {counted(length, 'value')}, but data.{first} has {lengths[first]}")
    return [dict(zip(data, values, strict=True)) for values in zip(*data.values(), strict=True)]


def _malformed(problem: str) -> PydanticCustomError:
    return PydanticCustomError("rows", "{problem}", {"problem": problem})
