"""Bodies that no single command describes, for the documentation: predictions take rows in three forms or a dataset."""

from typing import Any, Literal

from pydantic import Field, RootModel

from shared.contracts import Contract, Name
from shared.contracts.base import ColumnName
from shared.contracts.prediction import Rows


class _Options(Contract):
    contract: Literal[1] = 1
    """The version of the contract that the sender speaks."""
    has_probabilities: bool = False
    """Also answer the probability of each class."""
    has_scores: bool = False
    """Also answer the decision scores."""


class RowsBody(_Options):
    """Rows as objects."""

    rows: Rows = Field(min_length=1)
    """A mapping from column to value each."""


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


class DatasetBody(_Options):
    """All rows of a dataset; answered by a job."""

    dataset: Name
    """The dataset."""


class PredictionBody(RootModel[RowsBody | TableBody | ColumnsBody | DatasetBody]):
    """What is to be predicted."""
