"""The measures behind the alerts: for any values, and at their limits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelbus.shared.tabular.alerts import is_class_like, repeated_fraction
from modelbus.shared.tabular.leaks import find_correlation, recoded_fraction


@settings(max_examples=100, deadline=None)
@given(codes=st.lists(st.integers(0, 20), min_size=1, max_size=60))
def test_the_share_of_repeated_values_is_exact_for_all_rows(codes: list[int]) -> None:
    expected = sum(codes.count(code) > 1 for code in codes) / len(codes)
    assert repeated_fraction(np.array(codes), len(codes)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "distinct", "rows", "expected"),
    [
        ("text", 2, 3, True),
        ("text", 20, 20, True),
        ("text", 21, 41, False),
        ("text", 21, 42, True),
        ("boolean", 2, 10, True),
        ("integer", 20, 1000, True),
        ("integer", 21, 1000, False),
        ("real", 20, 1000, True),
        ("datetime", 2, 10, False),
        ("empty", 0, 10, False),
    ],
)
def test_what_holds_classes(kind: Any, distinct: int, rows: int, expected: bool) -> None:
    assert is_class_like(kind, distinct, rows) == expected


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), min_size=1, max_size=80),
    factor=st.sampled_from([1, 5, 9]),
)
def test_the_recoded_share_is_no_share_of_an_ambiguous_pair(rows: list[tuple[int, int]], factor: int) -> None:
    codes, target = (np.array(side * factor) for side in map(list, zip(*rows, strict=True)))
    share = recoded_fraction(codes, target)
    assert 0 <= share <= 1
    known = target >= 0
    if known.any():
        # no map from values to classes explains more rows than the best one does
        best = sum(np.bincount(target[known & (codes == code)]).max(initial=0) for code in set(codes.tolist()))
        assert share <= best / known.sum() + 1e-12


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=60),
    other=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=60, max_size=60),
)
def test_any_numbers_can_be_compared(values: list[float], other: list[float]) -> None:
    found = find_correlation(np.array(values), np.array(other[: len(values)]))
    assert found is None or abs(found.value) <= 1 + 1e-9
