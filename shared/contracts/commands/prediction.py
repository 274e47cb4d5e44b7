"""The commands that ask for predictions, and the forms in which rows may come."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from modelbus.shared.contracts.base import ColumnName, CommandBase, ModelReference, Name, Scalar

Rows = list[dict[ColumnName, Scalar]]


class _Prediction(CommandBase):
    """What all predictions can be asked for."""

    model: ModelReference
    """The version to ask."""
    has_probabilities: bool = False
    """Also answer the probability of each class."""
    has_scores: bool = False
    """Also answer the decision scores: of two classes one number a row, positive for the second class; of more, one for
    each class; of outlier detection one number a row, negative for an outlier, the lower the further out."""
    keep: list[ColumnName] | None = Field(None, min_length=1)
    """Columns to return beside the predictions, such as an id, in this order. They may be outside the model's signature
    and come back as they came."""


class GivenRows(CommandBase):
    """What has rows in it, in any of the three forms that ``Predict`` tells of."""

    rows: Rows = Field(min_length=1)
    """The rows: a mapping from column to value each; a null or an absent optional column is a missing value."""

    @field_validator("rows", mode="wrap")
    @classmethod
    def _names_of_a_row_differ(cls, given: Any, validate: Any) -> Rows:
        rows: Rows = validate(given)
        for place, (before, row) in enumerate(zip(given, rows, strict=True)):
            if len(before) != len(row):
                raise _malformed(f"rows.{place} has two keys that name one column, less the space around them")
        return rows

    @model_validator(mode="before")
    @classmethod
    def _rows_in_any_form(cls, document: Any) -> Any:
        if not isinstance(document, dict) or "data" not in document:
            return document
        if "rows" in document:
            raise _malformed("give rows or data, not both")
        rest = {name: value for name, value in document.items() if name not in ("columns", "data")}
        if "columns" in document:
            return {**rest, "rows": _rows_of_table(document["columns"], document["data"])}
        return {**rest, "rows": _rows_of_columns(document["data"])}


class Predict(_Prediction, GivenRows):
    """Predict for the rows in the command.

    The rows may come in three forms: `rows`, a list of objects; `columns` with `data`, a list of names and a list of
    rows of values; `data` alone, an object with a list of values for each column. A job's specification keeps several
    rows of the same columns in the second form, which names each column once, and all others in the first.
    """

    queue: ClassVar[str] = "predict"

    command: Literal["Predict"] = "Predict"


class PredictDataset(_Prediction):
    """Predict for each row of a dataset and store the predictions as a table."""

    queue: ClassVar[str] = "predict.bulk"

    command: Literal["PredictDataset"] = "PredictDataset"
    dataset: Name
    """The dataset whose rows are predicted."""


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
    """A specification with ``rows`` as it is kept and sent: several rows of the same columns name each column once.

    With the names in each row, 1.5 MB of 60 named columns become 6 MB. The columns are sorted, so that rows which
    differ in the order of their keys alone are the same specification.
    """
    rows = spec["rows"]
    names = rows[0].keys()
    if len(rows) == 1 or any(row.keys() != names for row in rows):
        return spec
    columns = sorted(names)
    rest = {name: value for name, value in spec.items() if name != "rows"}
    return {**rest, "columns": columns, "data": [[row[name] for name in columns] for row in rows]}


def rows_of_spec(spec: Mapping[str, Any]) -> Rows:
    """The rows of a kept specification: the inverse of ``with_columns_once``."""
    if "rows" in spec:
        rows: Rows = spec["rows"]
        return rows
    return _rows_of_table(spec["columns"], spec["data"])


def _rows_of_table(columns: Any, data: Any) -> list[dict[str, Any]]:
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise _malformed("columns must be a list of names")
    if len(set(columns)) < len(columns):
        raise _malformed("columns names a column twice")
    if not isinstance(data, list):
        raise _malformed("data must be a list of rows where columns are given")
    for place, values in enumerate(data):
        if not isinstance(values, list) or len(values) != len(columns):
            found = f"has {len(values)} values" if isinstance(values, list) else "is no list"
            raise _malformed(f"data.{place} {found}; columns has {len(columns)} names")
    return [dict(zip(columns, values, strict=True)) for values in data]


def _rows_of_columns(data: Any) -> list[dict[str, Any]]:
    if not isinstance(data, dict) or not data:
        raise _malformed("data must be an object with a list of values for each column, or come with columns")
    lengths = {name: len(values) if isinstance(values, list) else None for name, values in data.items()}
    first = next(iter(lengths))
    for name, length in lengths.items():
        if length is None:
            raise _malformed(f"data.{name} must be a list of values")
        if length != lengths[first]:
            raise _malformed(f"data.{name} has {length} values, data.{first} has {lengths[first]}")
    return [dict(zip(data, values, strict=True)) for values in zip(*data.values(), strict=True)]


def _malformed(problem: str) -> PydanticCustomError:
    return PydanticCustomError("rows", "{problem}", {"problem": problem})
