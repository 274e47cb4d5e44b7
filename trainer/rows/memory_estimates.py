"""How much memory a training takes: estimated from the table's profile, before anything is read.

Two figures: what it takes at least, beyond which it is refused, and what it is likely to take, for people. The factors
were measured (scikit-learn 1.9, 5 million rows of 20 numbers).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.errors import JobOutOfMemory
from modelbus.shared.tabular.cells.date_parts import DATE_PARTS
from modelbus.shared.tabular.encoding.column_learning import ONE_HOT_LIMIT
from modelbus.shared.tabular.encoding.free_text.free_text_learning import COMPONENTS, score_count
from modelbus.shared.tabular.tables.row_groups import ROW_GROUP_LIMIT
from modelbus.trainer.rows.row_group_splits import batch_row_limit, kept_row_limit

_FLOAT_BYTES: Final = 8
_CELL_BYTES: Final = {"integer": 9, "real": 8, "boolean": 2, "datetime": 8, "text": 8, "empty": 8}
"""What a cell takes in a frame, at least."""
_PAIRWISE: Final = {
    "AffinityPropagation": (6, 6),
    "GaussianProcessClassifier": (1, 2),
    "GaussianProcessRegressor": (1, 2),
    "KernelRidge": (1, 2),
}
"""These hold matrices of all rows by all rows: how many at least, and how many are likely."""
_COPIES: Final = {"HistGradientBoostingClassifier": 2.6, "HistGradientBoostingRegressor": 2.6}
_USUAL_COPIES: Final = 2.2
"""How often the matrix is held, itself included."""
_STREAMING_BYTES: Final = 64 * 2**20
"""What reading a row group and fitting takes besides, however small the table."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes beyond what the process starts with."""

    feature_count: int
    """Columns of the encoded matrix."""
    least_bytes: int
    """The frame, the matrix, and what the estimator cannot do without."""
    likely_bytes: int


def estimate_memory(
    estimator_name: str, features: Sequence[ColumnSchema], row_count: int, class_count: int
) -> MemoryEstimate:
    """Estimate the memory of a training.

    Args:
        estimator_name: A name of the catalogue.
        features: The columns to predict from, as the dataset's profile has them.
        row_count: Rows that are trained on.
        class_count: Classes of the target; 0 for a number and where there is no target.
    """
    width = encoded_width(features, class_count)
    frame = row_count * _row_bytes(features)
    matrix = row_count * width * _FLOAT_BYTES
    least_pairs, likely_pairs = (row_count**2 * _FLOAT_BYTES * count for count in _PAIRWISE.get(estimator_name, (0, 0)))
    likely = frame + matrix * _COPIES.get(estimator_name, _USUAL_COPIES) + likely_pairs
    return MemoryEstimate(width, frame + matrix + least_pairs, round(likely))


def estimate_streamed(features: Sequence[ColumnSchema], row_count: int, class_count: int) -> MemoryEstimate:
    """Estimate the memory of a training whose rows are streamed; see ``estimate_memory``."""
    width = encoded_width(features, class_count)
    kept = min(row_count, kept_row_limit(width))
    frame, matrix = kept * _row_bytes(features), kept * width * _FLOAT_BYTES
    group = min(row_count, ROW_GROUP_LIMIT) * _row_bytes(features)
    batch = min(row_count, ROW_GROUP_LIMIT, batch_row_limit(width)) * width * _FLOAT_BYTES
    likely = 2 * (group + frame) + _USUAL_COPIES * matrix + 2 * batch + _STREAMING_BYTES
    return MemoryEstimate(width, frame + matrix, round(likely))


def require_memory(
    estimate: MemoryEstimate, limit_bytes: int, estimator_name: str, row_count: int, *, is_streamed: bool = False
) -> None:
    """Check that a training can fit into its limit at all.

    Raises:
        JobOutOfMemory: It cannot; says what it takes and what would help.
    """
    if estimate.least_bytes <= limit_bytes:
        return
    # rows that are streamed take no more memory when there are more of them
    remedy = "fewer columns" if is_streamed else "fewer rows or columns, or an estimator that holds less"
    raise JobOutOfMemory(
        f"{estimator_name} on {row_count:,} rows and {estimate.feature_count:,} encoded features takes at least "
        f"{estimate.least_bytes // 2**20:,} MiB, and the limit is {limit_bytes // 2**20:,} MiB: give it "
        f"{remedy}, or raise the limit (limits.memory_bytes, up to MODELBUS_JOB_MEMORY_LIMIT_BYTES)",
        details=[{"where": "limits.memory_bytes", "problem": "too low", "expected": estimate.least_bytes}],
    )


def encoded_width(features: Sequence[ColumnSchema], class_count: int) -> int:
    """How many columns the encoded matrix has."""
    return sum(_output_count(column, class_count) for column in features)


def _row_bytes(features: Sequence[ColumnSchema]) -> int:
    return sum(_CELL_BYTES[column.type] for column in features)


def _output_count(column: ColumnSchema, class_count: int) -> int:
    """How many columns of the matrix a column becomes."""
    if column.type == "empty" or (column.distinct <= 1 and not column.missing):
        return 0
    has_missing = int(column.missing > 0)
    if column.type == "text":
        if column.is_free_text:
            return COMPONENTS + score_count(class_count) + 1 + has_missing
        if column.distinct > ONE_HOT_LIMIT:
            return class_count if class_count > 2 else 1
        return 1 if column.distinct == 2 and not has_missing else column.distinct
    return (len(DATE_PARTS) if column.type == "datetime" else 1) + has_missing
