"""Tables cut into row groups, and models fitted on them group by group."""

from typing import Any

import numpy as np
import pandas as pd

from modelbus.shared.contracts import ColumnSchema
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.rows.row_group_splits import RowGroups
from modelbus.trainer.streaming.stream_fit import fit_streamed
from modelbus.trainer.training.fit import FitOutcome
from tests.unit.tables import TYPES, schema, table

ROWS = 3000
SIZE = 700
PLAIN = [schema(name) for name in TYPES if name != "town"]
"""Columns that are encoded alike in training and in serving."""


def groups_of(frame: pd.DataFrame, size: int = SIZE) -> RowGroups:
    """A frame in row groups of the given size; the last one may be smaller."""
    parts = [frame.iloc[begin : begin + size].reset_index(drop=True) for begin in range(0, len(frame), size)]
    return RowGroups(len(parts), lambda number, columns: parts[number][list(columns)])


def plan_of(estimator: str, target: str = "label", **changes: Any) -> FitPlan:
    """A plan for the table of every type, with fields changed."""
    given: dict[str, Any] = {
        "features": [schema(name) for name in TYPES],
        "target_schema": schema(target) if "target_schema" not in changes else None,
        "seed": 3,
        **changes,
    }
    return FitPlan(target=target, estimator_name=estimator, **given)


def stream(estimator: str, target: str = "label", **changes: Any) -> FitOutcome:
    """Fit an estimator group by group; what is changed are fields of the plan, or the frame."""
    frame = changes.pop("frame", table(ROWS))
    more = {name: changes.pop(name) for name in ("hold_out_groups", "trained", "report") if name in changes}
    return fit_streamed(groups_of(frame), plan_of(estimator, target, **changes), **more)


def numbers(row_count: int, seed: int = 0) -> pd.DataFrame:
    """Eight numbers, and a class that most of them say."""
    random = np.random.default_rng(seed)
    cells = random.normal(size=(row_count, 8))
    total = cells @ np.array([2.0, -1.5, 1.0, 0.5, 0.3, 0.0, 0.0, 0.0]) + random.normal(0, 0.5, row_count)
    return pd.DataFrame({f"n{index}": cells[:, index] for index in range(8)}).assign(
        kind=np.where(total > 0, "high", "low"), total=total
    )


NUMBERS = [ColumnSchema(name=f"n{index}", type="real", missing=0, distinct=1000) for index in range(8)]
KIND = ColumnSchema(name="kind", type="text", missing=0, distinct=2)
TOTAL = ColumnSchema(name="total", type="real", missing=0, distinct=1000)
