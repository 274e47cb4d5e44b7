"""Encoders that have learnt a small table."""

from typing import Any

import numpy as np
import pandas as pd

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from tests.unit.tables import table

TARGET = (table()["label"] == "yes").to_numpy().astype(np.int64)
"""What the table's encoder learns from, as codes."""


def learnt(frame: pd.DataFrame, *columns: tuple[str, Any], target: Any = None, **options: Any) -> TabularEncoder:
    """An encoder of the given columns, by name and type; without a target it learns an arbitrary one."""
    encoder = TabularEncoder()
    signature = [SignatureColumn(name=name, type=kind) for name, kind in columns]
    values = np.arange(len(frame)) % 2 if target is None else target
    encoder.fit_transform(frame, values, signature, options.pop("task", "classification"), 0, **options)
    return encoder
