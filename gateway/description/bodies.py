"""Bodies that no command describes, for the documentation: forms in which rows may come beside a list of objects."""

from typing import Annotated, Literal

from pydantic import Field

from modelbus.shared.contracts import Contract
from modelbus.shared.contracts.base import ColumnName, Scalar


class _Options(Contract):
    contract: Literal[1] = 1
    """The version of the contract that the sender speaks."""
    has_probabilities: bool = False
    """Also answer the probability of each class."""
    has_scores: bool = False
    """Also answer the decision scores."""
    keep: list[ColumnName] | None = Field(None, min_length=1)
    """Columns to return beside the predictions, as they came."""


class TableBody(_Options):
    """Rows as lists of values."""

    columns: list[ColumnName] = Field(min_length=1)
    """The columns' names."""
    data: list[Annotated[list[Scalar], Field(min_length=1)]] = Field(min_length=1)
    """The rows, a value for each column."""


class ColumnsBody(_Options):
    """Rows by column."""

    data: dict[ColumnName, Annotated[list[Scalar], Field(min_length=1)]] = Field(min_length=1)
    """A list of values for each column, equally long."""
