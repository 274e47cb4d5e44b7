"""How much memory a training takes, said before it is tried."""

from typing import Any

import pytest

from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.errors import JobOutOfMemory
from modelbus.trainer.rows.memory_estimates import estimate_memory, require_memory
from tests.unit.tables import TYPES, fit, schema, table


def profiled(outcome: Any, name: str) -> ColumnSchema:
    """A column as the profile of the training rows has it."""
    values = table()[name].iloc[outcome.train_indices]
    return schema(name).model_copy(
        update={"missing": int(values.isna().sum()), "distinct": int(values.nunique()), "type": schema(name).type}
    )


@pytest.mark.parametrize(("target", "classes"), [("label", 2), ("grade", 3), ("price", 0)])
def test_the_width_of_the_matrix_is_known_from_the_profile(target: str, classes: int) -> None:
    outcome = fit("DummyRegressor" if target == "price" else "DummyClassifier", target)

    names = outcome.model.encoder.feature_names_out
    for column in TYPES:
        estimate = estimate_memory("Ridge", [profiled(outcome, column)], 1000, classes)
        found = sum(name.startswith((f"{column}:", f"{column}=")) or name == column for name in names)
        # which parts of its dates vary, a profile does not tell
        spare = 6 if schema(column).type == "datetime" else 0
        assert 0 <= estimate.feature_count - found <= spare, column


def test_a_matrix_of_all_rows_by_all_rows_is_counted() -> None:
    column = ColumnSchema(name="a", type="real", missing=0, distinct=100)

    plain, pairwise = (estimate_memory(name, [column], 100_000, 0) for name in ("Ridge", "GaussianProcessRegressor"))

    assert plain.minimum_bytes == 100_000 * 16
    assert pairwise.minimum_bytes == plain.minimum_bytes + 100_000**2 * 8
    assert pairwise.expected_bytes > pairwise.minimum_bytes


def test_what_cannot_fit_is_refused_with_figures() -> None:
    column = ColumnSchema(name="a", type="real", missing=0, distinct=100)
    estimate = estimate_memory("GaussianProcessRegressor", [column], 100_000, 0)

    require_memory(estimate, estimate.minimum_bytes, "GaussianProcessRegressor", 100_000)
    with pytest.raises(JobOutOfMemory) as caught:
        require_memory(estimate, 2**33, "GaussianProcessRegressor", 100_000)

    assert "at least 76,295 MiB, and the limit is 8,192 MiB" in caught.value.message
    assert caught.value.details[0]["expected"] == estimate.minimum_bytes
