"""Bodies that no command describes, for the documentation: forms in which rows may come beside a list of objects."""

from typing import Any, Literal

from pydantic import Field

from modelbus.shared.contracts import Contract
from modelbus.shared.contracts.base import ColumnName


class _Options(Contract):
    contract: Literal[1] = 1
    """The version of the contract that the sender speaks."""
    has_probabilities: bool = False
    """Also answer the probability of each class."""
    has_scores: bool = False
    """Also answer the decision scores."""


class TableBody(_Options):
    """Rows as lists of values."""

    columns: list[ColumnName]
    """The columns' names."""
    data: list[list[Any]] = Field(min_length=1)
    """The rows, a value for each column."""


class ColumnsBody(_Options):
    """Rows by column."""

    data: dict[ColumnName, list[Any]] = Field(min_length=1)
    """A list of values for each column, equally long."""
