"""What a fit tells of the rows that it trains on."""

from typing import Any

import numpy as np
import pandas as pd

from shared.contracts import ColumnSchema
from tests.unit.tables import fit

ROWS = 200
RANDOM = np.random.default_rng(7)
NUMBER = RANDOM.normal(size=ROWS)
QUANTITY = RANDOM.normal(100, 15, ROWS)
YES_NO = RANDOM.permutation(["yes"] * 60 + ["no"] * 140)


def column(name: str, kind: Any) -> ColumnSchema:
    return ColumnSchema(name=name, type=kind, missing=0, distinct=1)


def notes(frame: pd.DataFrame, kinds: dict[str, Any], estimator: str = "DecisionTreeClassifier") -> list[str]:
    """The notes of a fit on the columns, of which the last one is the target."""
    *features, target = (column(name, kind) for name, kind in kinds.items())
    outcome = fit(estimator, target.name, frame=frame, features=features, target_schema=target)
    return outcome.warnings


def test_a_fit_tells_of_a_column_that_gives_the_target_away() -> None:
    frame = pd.DataFrame({"x": NUMBER, "copy": YES_NO, "id": [f"id {n}" for n in range(ROWS)], "y": YES_NO})
    told = notes(frame, {"x": "real", "copy": "text", "id": "text", "y": "text"})
    leak = "column 'copy' all but gives the target 'y' away: it goes with its classes one to one in 100 % of the rows"
    identifier = "column 'id' has another text in every row and tells nothing about new rows"
    assert told == [
        f"{leak}; leave it out of the features unless it is known before the target is",
        f"{identifier}: leave it out of the features",
    ]


def test_a_fit_of_numbers_tells_of_a_number_in_another_unit() -> None:
    frame = pd.DataFrame({"x": NUMBER, "fahrenheit": QUANTITY * 1.8 + 32, "y": QUANTITY})
    [told] = notes(frame, {"x": "real", "fahrenheit": "real", "y": "real"}, "DecisionTreeRegressor")
    assert told.startswith("column 'fahrenheit' all but gives the target 'y' away: it correlates with it by 1.0000")


def test_a_fit_tells_of_unequal_and_rare_classes_among_the_rows_that_it_trains_on() -> None:
    frame = pd.DataFrame({"x": NUMBER, "y": ["rare"] * 5 + ["common"] * 195})
    unequal, rare = notes(frame, {"x": "real", "y": "text"})
    assert "'rare' has 2.5 % of the rows (4 of 160)" in unequal
    assert "'rare' (4)" in rare


def test_a_fit_without_anything_to_tell_tells_nothing() -> None:
    frame = pd.DataFrame({"x": NUMBER, "when": pd.date_range("2020-01-01", periods=ROWS), "y": YES_NO})
    assert notes(frame, {"x": "real", "when": "datetime", "y": "text"}) == []


def test_what_a_fit_tells_is_bounded() -> None:
    copies = {f"c{number}": QUANTITY * number for number in range(1, 80)}
    frame = pd.DataFrame({**copies, "y": QUANTITY})
    assert len(notes(frame, dict.fromkeys(frame.columns, "real"), "DecisionTreeRegressor")) == 20
