"""Contributions to one answer: they add up, equal brute force and the closed form, and say how sure they are."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from modelbus.evaluator.explaining.responses import respond, response_of
from modelbus.evaluator.explaining.shapley import RowExplainer
from tests.unit.tables import features, fit

RANDOM = np.random.default_rng(4)
BACKGROUND = RANDOM.normal(size=(12, 6))
ROW = RANDOM.normal(size=6)
OWNERS = np.array([0, 1, 1, 3, 3, 4])
"""Column 2 has no encoded output; 1 and 3 have two each."""


def tangled(matrix: Any) -> Any:
    """Two answers that are no sums over columns; pairs alone would be told exactly by any order and its reverse."""
    product = matrix[:, 0] * matrix[:, 1] * matrix[:, 4] * matrix[:, 5]
    return np.column_stack([product + np.sin(matrix[:, 3]), matrix[:, [0, 2, 5]].max(axis=1)])


def by_definition(ask: Callable[[Any], Any]) -> Any:
    """Walk every order of the columns from every background row: what Shapley's values are defined by."""
    players = [0, 1, 3, 4]
    found = np.zeros((5, 2))
    for order in permutations(players):
        rows = BACKGROUND.copy()
        before = ask(rows).mean(axis=0)
        for player in order:
            rows[:, player == OWNERS] = ROW[player == OWNERS]
            after = ask(rows).mean(axis=0)
            found[player] += after - before
            before = after
    return found / 24


def test_all_sets_of_columns_give_what_all_orders_give() -> None:
    found = RowExplainer(tangled, BACKGROUND, OWNERS, 5).exact(ROW)

    np.testing.assert_allclose(found.contributions, by_definition(tangled), atol=1e-12)
    np.testing.assert_allclose(found.base, tangled(BACKGROUND).mean(axis=0))
    np.testing.assert_allclose(found.value, tangled(ROW[None])[0])
    assert not found.standard_errors.any()
    assert not found.contributions[2].any(), "nothing depends on a column without an output"


@pytest.mark.parametrize("seed", range(5))
def test_sampled_contributions_are_within_their_standard_errors(seed: int) -> None:
    exact = by_definition(tangled)

    found = RowExplainer(tangled, BACKGROUND, OWNERS, 5).sampled(ROW, 8, np.random.default_rng(seed))

    is_random = found.standard_errors > 0
    assert is_random.any()
    off = np.abs(found.contributions - exact)
    assert (off[is_random] <= 5 * found.standard_errors[is_random]).all()
    np.testing.assert_allclose(off[~is_random], 0, atol=1e-12)


def test_more_orders_lead_nearer() -> None:
    errors = [
        RowExplainer(tangled, BACKGROUND, OWNERS, 5).sampled(ROW, count, np.random.default_rng(0)).standard_errors.max()
        for count in (4, 64)
    ]

    assert errors[1] < errors[0] / 2


@pytest.mark.parametrize("method", ["exact", "sampled"])
def test_contributions_and_base_add_up_to_the_answer(method: str) -> None:
    explainer = RowExplainer(tangled, BACKGROUND, OWNERS, 5)

    found = explainer.exact(ROW) if method == "exact" else explainer.sampled(ROW, 2, np.random.default_rng(1))

    np.testing.assert_allclose(found.base + found.contributions.sum(axis=0), found.value, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.base, tangled(BACKGROUND).mean(axis=0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", ["exact", "sampled"])
def test_of_a_linear_answer_a_column_contributes_what_it_lies_off_the_mean(method: str) -> None:
    weights = np.array([2.0, -1.0, 0.5, 3.0, 0.0, -4.0])
    explainer = RowExplainer(lambda matrix: (matrix @ weights)[:, None] + 7, BACKGROUND, np.arange(6), 6)

    found = explainer.exact(ROW) if method == "exact" else explainer.sampled(ROW, 2, np.random.default_rng(2))

    expected = weights * (ROW - BACKGROUND.mean(axis=0))
    np.testing.assert_allclose(found.contributions[:, 0], expected, atol=1e-12)
    assert (found.standard_errors < 1e-12).all(), "every order gives the same"


@pytest.mark.parametrize("owners", [np.array([], np.int64), np.array([1])])
def test_answers_that_depend_on_few_columns_are_explained_either_way(owners: Any) -> None:
    background, row = BACKGROUND[:, : len(owners)], ROW[: len(owners)]
    explainer = RowExplainer(lambda matrix: matrix.sum(axis=1, keepdims=True) ** 2 + 1, background, owners, 2)

    for found in (explainer.exact(row), explainer.sampled(row, 3, np.random.default_rng(0))):
        np.testing.assert_allclose(found.base + found.contributions.sum(axis=0), found.value)
        assert found.contributions.shape == (2, 1)
        assert found.contributions[0, 0] == 0


def test_the_cost_is_what_the_documentation_says() -> None:
    exact, sampled = (RowExplainer(tangled, BACKGROUND, OWNERS, 5) for _ in range(2))

    exact.exact(ROW)
    sampled.sampled(ROW, 3, np.random.default_rng(0))

    assert exact.predicted_row_count == 12 + 2**4 * 12
    assert sampled.predicted_row_count == 12 + 1 + 2 * 3 * 12 * (4 - 1)


def test_what_does_not_fit_at_once_is_asked_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    def explained() -> Any:
        explainer = RowExplainer(tangled, BACKGROUND, OWNERS, 5)
        return explainer.exact(ROW).contributions, explainer.sampled(ROW, 2, np.random.default_rng(3)).contributions

    whole = explained()
    monkeypatch.setattr("modelbus.evaluator.explaining.shapley._CELLS_AT_ONCE", 50)

    for one, other in zip(whole, explained(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_a_linear_regression_is_explained_by_its_coefficients() -> None:
    model = fit("LinearRegression", "price").model
    matrix, _ = model.encoder.transform(features())
    response = response_of(model, matrix)
    owners = np.unique(model.encoder.output_columns, return_inverse=True)[1]
    explainer = RowExplainer(lambda rows: respond(model, response, rows), matrix[:50], owners, len(set(owners)))

    found = explainer.sampled(matrix[60], 2, np.random.default_rng(0))

    terms = model.estimator.coef_ * (matrix[60] - matrix[:50].mean(axis=0))
    expected = np.array([terms[owners == owner].sum() for owner in range(len(set(owners)))])
    np.testing.assert_allclose(found.contributions[:, 0], expected, atol=1e-9)
