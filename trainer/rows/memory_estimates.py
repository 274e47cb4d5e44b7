"""The memory of a training, estimated from the table's profile before anything is read.

There are two figures: the minimum, above which a training is refused, and the expected memory. The factors were
measured with scikit-learn 1.9 on 5 million rows of 20 numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.errors import JobOutOfMemory
from modelbus.shared.plural import counted
from modelbus.shared.tabular.cells.date_parts import DATE_PARTS
from modelbus.shared.tabular.encoding.column_learning import ONE_HOT_LIMIT
from modelbus.shared.tabular.encoding.free_text.free_text_learning import COMPONENTS, score_count
from modelbus.shared.tabular.tables.row_groups import ROW_GROUP_LIMIT
from modelbus.trainer.rows.row_group_splits import batch_row_limit, kept_row_limit

_FLOAT_BYTES: Final = 8
_CELL_BYTES: Final = {"integer": 9, "real": 8, "boolean": 2, "datetime": 8, "text": 8, "empty": 8}
"""Minimum bytes of a cell in a frame."""
_PAIRWISE: Final = {
    "AffinityPropagation": (6, 6),
    "GaussianProcessClassifier": (1, 2),
    "GaussianProcessRegressor": (1, 2),
    "KernelRidge": (1, 2),
}
"""Estimators that hold square matrices of all rows: the minimum and the expected number of matrices."""
_COPIES: Final = {"HistGradientBoostingClassifier": 2.6, "HistGradientBoostingRegressor": 2.6}
_USUAL_COPIES: Final = 2.2
"""The expected number of copies of the encoded matrix, itself included."""
_STREAMING_BYTES: Final = 64 * 2**20
"""What reading a row group and fitting take in addition, even for a small table."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes in addition to those of the idle process."""

    feature_count: int
    """Columns of the encoded matrix."""
    minimum_bytes: int
    """The frame, the matrix, and what the estimator needs in any case."""
    expected_bytes: int


def estimate_memory(
    estimator_name: str, features: Sequence[ColumnSchema], row_count: int, class_count: int
) -> MemoryEstimate:
    """Estimate the memory of a training.

    Args:
        estimator_name: A name of the catalogue.
        features: The columns to predict from, with the figures of the dataset's profile.
        row_count: The number of training rows.
        class_count: The number of classes; 0 for regression and without a target.
    """
    width = encoded_width(features, class_count)
    frame = row_count * _row_bytes(features)
    matrix = row_count * width * _FLOAT_BYTES
    minimum_pairs, expected_pairs = (
        row_count**2 * _FLOAT_BYTES * count for count in _PAIRWISE.get(estimator_name, (0, 0))
    )
    expected = frame + matrix * _COPIES.get(estimator_name, _USUAL_COPIES) + expected_pairs
    return MemoryEstimate(width, frame + matrix + minimum_pairs, round(expected))


def estimate_streamed(features: Sequence[ColumnSchema], row_count: int, class_count: int) -> MemoryEstimate:
    """Estimate the memory of a streamed training; see ``estimate_memory``."""
    width = encoded_width(features, class_count)
    kept = min(row_count, kept_row_limit(width))
    frame, matrix = kept * _row_bytes(features), kept * width * _FLOAT_BYTES
    group = min(row_count, ROW_GROUP_LIMIT) * _row_bytes(features)
    batch = min(row_count, ROW_GROUP_LIMIT, batch_row_limit(width)) * width * _FLOAT_BYTES
    expected = 2 * (group + frame) + _USUAL_COPIES * matrix + 2 * batch + _STREAMING_BYTES
    return MemoryEstimate(width, frame + matrix, round(expected))


def require_memory(
    estimate: MemoryEstimate, limit_bytes: int, estimator_name: str, row_count: int, *, is_streamed: bool = False
) -> None:
    """Check that a training can fit into its memory limit.

    Raises:
        JobOutOfMemory: It cannot; the message says how much it needs and what would help.
    """
    if estimate.minimum_bytes <= limit_bytes:
        return
    # the memory of a streamed training does not depend on the number of rows
    remedy = "fewer columns" if is_streamed else "fewer rows or columns, or another estimator"
    size = f"{counted(row_count, 'row')} and {counted(estimate.feature_count, 'encoded feature')}"
    raise JobOutOfMemory(
        f"{estimator_name} on {size} needs at least "
        f"{estimate.minimum_bytes // 2**20:,} MiB, and the limit is {limit_bytes // 2**20:,} MiB: use "
        f"{remedy}, or raise the limit (limits.memory_bytes, up to MODELBUS_JOB_MEMORY_LIMIT_BYTES)",
        details=[{"where": "limits.memory_bytes", "problem": "too low", "expected": estimate.minimum_bytes}],
    )


def encoded_width(features: Sequence[ColumnSchema], class_count: int) -> int:
    """The number of columns of the encoded matrix."""
    return sum(_output_count(column, class_count) for column in features)


def _row_bytes(features: Sequence[ColumnSchema]) -> int:
    return sum(_CELL_BYTES[column.type] for column in features)


def _output_count(column: ColumnSchema, class_count: int) -> int:
    """The number of columns that a column becomes in the encoded matrix."""
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
