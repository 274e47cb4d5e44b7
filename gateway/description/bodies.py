"""Bodies without a command model, for the documentation: the other two forms of rows."""

from typing import Annotated, Literal

from pydantic import Field

from modelbus.shared.contracts import Contract
from modelbus.shared.contracts.base import ColumnName, Scalar


class _Options(Contract):
    contract: Literal[1] = 1
    """The version of the contract."""
    has_probabilities: bool = False
    """Whether to return the probability of each class."""
    has_scores: bool = False
    """Whether to return decision scores."""
    keep: list[ColumnName] | None = Field(None, min_length=1)
    """Input columns to return with the predictions, unchanged."""


class TableBody(_Options):
    """Rows as lists of values."""

    columns: list[ColumnName] = Field(min_length=1)
    """The names of the columns."""
    data: list[Annotated[list[Scalar], Field(min_length=1)]] = Field(min_length=1)
    """The rows, each with one value per column."""


class ColumnsBody(_Options):
    """Rows as columns of values."""

    data: dict[ColumnName, Annotated[list[Scalar], Field(min_length=1)]] = Field(min_length=1)
    """A list of values for each column, all of the same length."""
