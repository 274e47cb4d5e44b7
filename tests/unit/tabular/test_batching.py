"""How estimators are asked: tiles, trials, plug-ins, lots, threads, and the reasons that are given."""

import threading
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_info, threadpool_limits

from modelbus.shared.tabular.predicting import batching, products
from modelbus.shared.tabular.predicting.batching import Batching
from modelbus.shared.tabular.predicting.members import ROW_BY_NATURE, WITHOUT_PRODUCTS, product_shapes
from modelbus.shared.tabular.predicting.products import TILES, Sizes, sizes_of, sizes_of_any
from modelbus.shared.tabular.predicting.threads import OneThread
from modelbus.trainer.catalogue.entries import catalogue, find_estimator

RANDOM = np.random.default_rng(0)
MATRIX = RANDOM.normal(size=(90, 5))
CODES = (MATRIX[:, 0] > 0).astype(np.int64)
NUMBERS = MATRIX[:, 0] * 3 + MATRIX[:, 1]


class Recording(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Answers the sum of a row, and keeps how many rows it was asked for at once."""

    def fit(self, X: Any, y: Any) -> "Recording":  # noqa: N803
        self.asked_: list[int] = []
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803
        self.asked_.append(len(X))
        return np.array([sum(row) for row in X.tolist()])


class Centred(Recording):
    """Moves a batch to its own mean first: a row's answer depends on its neighbours."""

    def predict(self, X: Any) -> Any:  # noqa: N803
        return super().predict(X - X.mean(axis=0)) + X[:, 0]


class Picky(Recording):
    """Takes the rows that it knows, and no others."""

    def predict(self, X: Any) -> Any:  # noqa: N803
        if not np.isin(X, MATRIX).all():
            raise ValueError("unknown rows")
        return super().predict(X)


def sizes(estimator: Any) -> Sizes:
    return Batching(estimator).sizes(5)


def test_each_kind_of_estimator_is_asked_in_its_own_way() -> None:
    tree = DecisionTreeClassifier()
    assert sizes(SVC().fit(MATRIX, CODES)).tile == 1
    assert sizes(HistGradientBoostingClassifier(max_iter=2).fit(MATRIX, CODES)).tile == 2
    assert sizes(BaggingClassifier(tree, n_estimators=2).fit(MATRIX, CODES)).tile == 2
    assert sizes(BaggingClassifier(LogisticRegression(), n_estimators=2).fit(MATRIX, CODES)) == sizes_of_any()
    assert sizes(LogisticRegression().fit(MATRIX, CODES)) == sizes_of(5, 1)
    assert sizes(KNeighborsRegressor().fit(MATRIX, NUMBERS)).most <= 256
    lots = DummyClassifier(strategy="uniform")
    assert sizes(VotingClassifier([("tree", tree), ("lots", lots)]).fit(MATRIX, CODES)) == Sizes(1, 1)


def test_shapes_are_those_of_linear_models_and_of_layers() -> None:
    assert product_shapes(Ridge().fit(MATRIX, NUMBERS)) == [(5, 1)]
    network = MLPRegressor(hidden_layer_sizes=(7, 3), solver="lbfgs", max_iter=2000, tol=1.0).fit(MATRIX, NUMBERS)
    assert product_shapes(network) == [(5, 7), (7, 3), (3, 1)]
    assert product_shapes(KNeighborsRegressor().fit(MATRIX, NUMBERS)) is None


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 90])
def test_rows_are_filled_up_to_tiles_by_rows_of_the_callers_own(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    picky = Picky().fit(MATRIX, NUMBERS)
    asked = Batching(picky)
    monkeypatch.setattr(batching, "sizes_by_trial", lambda *_: Sizes(8, 32))
    answers = asked.answers(np.asfortranarray(MATRIX[:count]))
    assert answers.tolist() == [sum(row) for row in MATRIX[:count].tolist()]
    assert all(size % 8 == 0 and size <= 32 for size in picky.asked_)
    assert sum(picky.asked_) - count < 8


def test_a_foreign_estimator_is_asked_as_few_times_as_its_trial_allows() -> None:
    careful = Recording().fit(MATRIX, NUMBERS)
    assert sizes(careful).tile == 1
    assert sizes(careful).most > 1000


def test_one_that_mixes_the_rows_of_a_call_is_asked_row_by_row() -> None:
    centred = Centred().fit(MATRIX, NUMBERS)
    assert sizes(centred) == Sizes(1, 1)
    asked = Batching(centred)
    alone = [asked.answers(MATRIX[index : index + 1])[0] for index in range(90)]
    assert asked.answers(MATRIX).tolist() == alone


def test_one_that_refuses_the_rows_of_the_trial_is_asked_row_by_row() -> None:
    assert sizes(Picky().fit(MATRIX, NUMBERS)) == Sizes(1, 1)


@pytest.mark.parametrize("shape", [(1, 1), (13, 1), (30, 3), (30, 100), (100, 20)])
def test_within_the_sizes_that_were_tried_products_have_the_same_bits(shape: tuple[int, int]) -> None:
    found = sizes_of(*shape)
    assert found.tile in (1, *TILES)
    assert found.most % found.tile == 0
    rows, weights = RANDOM.normal(size=(300, shape[0])), RANDOM.normal(size=shape)
    weights = weights[:, 0] if shape[1] == 1 else weights
    with OneThread():
        pieces = range(0, 300 - 300 % found.tile, found.tile)
        expected = np.concatenate([rows[start : start + found.tile] @ weights for start in pieces])
        for count in range(found.tile, min(found.most, len(expected)) + 1, found.tile):
            assert (rows[:count] @ weights).tobytes() == expected[:count].tobytes()


@pytest.mark.parametrize("first_odd", [1, 9, 40])
def test_a_library_whose_kernels_differ_gets_smaller_calls_or_single_rows(
    monkeypatch: pytest.MonkeyPatch, first_odd: int
) -> None:
    def multiply(rows: Any, weights: Any) -> Any:
        exact = (rows[:, :, None] * weights[None]).sum(axis=1)
        exact[first_odd - 1 :: 40] += 1e-9  # as an edge that stands every forty rows would
        return exact

    found, is_agreed = products._try(4, 2, multiply, 40_000)
    if first_odd <= 8:
        assert (found, is_agreed) == (Sizes(1, 1), False)
    else:
        assert found.most < first_odd
        assert not is_agreed


def test_lots_follow_from_the_row_and_have_the_shares_that_were_asked_for() -> None:
    codes = np.repeat([0, 1, 2], [50, 30, 20])
    many = RANDOM.normal(size=(6000, 3))
    stratified = Batching(DummyClassifier(strategy="stratified", random_state=4).fit(np.zeros((100, 3)), codes))
    found, probabilities = stratified.codes_and_probabilities(many)
    assert np.bincount(found, minlength=3) / 6000 == pytest.approx([0.5, 0.3, 0.2], abs=0.03)
    assert (np.argmax(probabilities, axis=1) == found).all()
    assert (probabilities.sum(axis=1) == 1).all()
    order = RANDOM.permutation(6000)
    assert (stratified.answers(many[order]) == found[order]).all()
    other = Batching(DummyClassifier(strategy="stratified", random_state=5).fit(np.zeros((100, 3)), codes))
    assert (other.answers(many) != found).any()
    uniform = Batching(DummyClassifier(strategy="uniform", random_state=4).fit(np.zeros((100, 3)), codes))
    assert np.bincount(uniform.answers(many)) / 6000 == pytest.approx([1 / 3] * 3, abs=0.03)
    assert uniform.probabilities(many[:2]).tolist() == [[1 / 3] * 3] * 2


def test_the_reasons_are_of_estimators_that_are_offered() -> None:
    offered = {find_estimator(record.name).estimator_type for record in catalogue()}
    for reasons in (ROW_BY_NATURE, WITHOUT_PRODUCTS):
        assert set(reasons) <= offered
        assert all(reason.strip() for reason in reasons.values())
    assert not set(ROW_BY_NATURE) & set(WITHOUT_PRODUCTS)


def test_blas_is_limited_while_anybody_is_inside_and_then_as_before() -> None:
    def counts() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    with threadpool_limits(2, user_api="blas"):
        before = counts()
        is_inside, may_leave = threading.Event(), threading.Event()

        def stay() -> None:
            with OneThread():
                is_inside.set()
                may_leave.wait(30)

        other = threading.Thread(target=stay)
        other.start()
        assert is_inside.wait(30)
        with OneThread():
            assert set(counts()) == {1}
        assert set(counts()) == {1}
        may_leave.set()
        other.join(30)
        assert counts() == before
