"""Metrics whose labels callers choose keep a bounded number of series: those that were counted last."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from modelbus.shared.observing import metrics
from modelbus.shared.observing.metrics import (
    DRIFT_FOUND,
    PREDICT_INCIDENTS,
    PREDICTED_ROWS,
    SERIES_LIMIT,
    RecentCounter,
)

LIMIT = 4


def series_of(name: str) -> dict[tuple[str, ...], float]:
    """The series of a counter by the values of their labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in REGISTRY.collect()
        if family.name == name
        for sample in family.samples
        if sample.name == f"{name}_total"
    }


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 3)), max_size=40))
def test_a_counter_keeps_the_series_that_were_counted_last(counted: list[tuple[str, int]]) -> None:
    name = f"test_{uuid4().hex}"
    counter = RecentCounter(f"{name}_total", "For a test.", ["model", "version"], LIMIT)
    expected: dict[tuple[str, str], float] = {}
    for model, version in counted:
        key = (model, str(version))
        expected[key] = expected.pop(key, 0) + 1
        if len(expected) > LIMIT:
            expected.pop(next(iter(expected)))
        counter.labels(model, version).inc()
    assert series_of(name) == expected
    REGISTRY.unregister(counter._counter)


@pytest.mark.parametrize("counter", [PREDICTED_ROWS, PREDICT_INCIDENTS, DRIFT_FOUND])
def test_models_and_versions_without_end_fill_no_memory(counter: RecentCounter) -> None:
    names = counter._counter._labelnames
    for number in range(SERIES_LIMIT + 50):
        counter.labels(*[f"{name}-{number}" for name in names]).inc()
    kept = series_of(counter._counter._name)
    assert len(kept) == SERIES_LIMIT
    assert tuple(f"{name}-{SERIES_LIMIT + 49}" for name in names) in kept


def test_no_other_metric_has_a_label_that_callers_choose() -> None:
    open_labels = {"model", "version", "name", "dataset", "correlation_id", "path", "column", "reference"}
    plain = [value for value in vars(metrics).values() if hasattr(value, "_labelnames")]
    assert plain
    assert not [metric._name for metric in plain if open_labels & set(metric._labelnames)]
