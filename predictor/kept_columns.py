"""Columns that a prediction returns beside its answers, as they came: pure, no bus and no store."""

from collections.abc import Mapping, Sequence
from typing import Any

from modelbus.shared.contracts import Predict


def with_kept(result: dict[str, Any], command: Predict) -> dict[str, Any]:
    """The result of some rows with the columns that are kept.

    Args:
        result: The predictions and the report; not changed.
        command: The rows, and the columns to keep.

    Returns:
        The result with ``kept``: by column, a value for each row. What is kept was not ignored, so the report no longer
        counts it as ``extra``.
    """
    if not command.keep:
        return result
    kept = {name: [row.get(name) for row in command.rows] for name in command.keep}
    return {**result, "kept": kept, "report": without_kept(result["report"], command.keep)}


def without_kept(report: Mapping[str, Mapping[str, int]], keep: Sequence[str]) -> dict[str, dict[str, int]]:
    """A report without the kept columns among those that the model ignored."""
    counts = {
        incident: {column: count for column, count in columns.items() if incident != "extra" or column not in keep}
        for incident, columns in report.items()
    }
    return {incident: columns for incident, columns in counts.items() if columns}
