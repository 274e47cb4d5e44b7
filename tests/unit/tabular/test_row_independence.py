"""A row's answer does not depend on its neighbours: to the last bit, for each estimator of the catalogue."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.tabular.predicting.members import draws_by_chance, has_member_by_chance
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.trainer.catalogue.entries import catalogue
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.training.fit import fit_model
from tests.unit.tables import needed

Floats = npt.NDArray[np.float64]

ROW_COUNT = 330
POOL = 24
SIZES = (1, 2, 3, 7, 8, 9, 31, 32, 33, 64, 255, 256, 257, 1000)
LOGISTIC = {"estimator": "LogisticRegression"}
VECTORS = {"estimator": "SVC"}
NETWORK = {"estimator": "MLPClassifier", "hyperparameters": {"max_iter": 20}}
TREE = {"estimator": "DecisionTreeClassifier"}
LOTS = {"estimator": "DummyClassifier", "hyperparameters": {"strategy": "stratified"}}

QUICK: dict[str, dict[str, Any]] = {
    "MLPClassifier": {"max_iter": 30},
    "MLPRegressor": {"max_iter": 30},
    "GaussianProcessClassifier": {"max_iter_predict": 20, "optimizer": None},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.3},
    "NuSVC": {"nu": 0.1},
    "RadiusNeighborsClassifier": {"radius": 60.0},
    "RadiusNeighborsRegressor": {"radius": 60.0},
    "TheilSenRegressor": {"max_subpopulation": 50},
    "HistGradientBoostingClassifier": {"max_iter": 10},
    "GradientBoostingClassifier": {"n_estimators": 10},
    "RANSACRegressor": {"estimator": {"estimator": "LinearRegression"}},
}
"""What some ask for, or take so that they are fitted in a moment."""

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("KNeighborsClassifier", {"algorithm": "brute", "weights": "distance", "n_neighbors": 20}),
    ("KNeighborsClassifier", {"algorithm": "kd_tree", "n_neighbors": 17}),
    ("KNeighborsRegressor", {"algorithm": "ball_tree", "weights": "distance"}),
    ("KNeighborsRegressor", {"algorithm": "brute", "metric": "cosine", "n_neighbors": 12}),
    ("SVC", {"kernel": "linear"}),
    ("SVC", {"kernel": "sigmoid", "decision_function_shape": "ovo"}),
    ("SVR", {"kernel": "poly"}),
    ("KernelRidge", {"kernel": "rbf"}),
    ("KernelRidge", {"kernel": "laplacian"}),
    ("MLPClassifier", {"max_iter": 20, "activation": "tanh", "hidden_layer_sizes": [64, 33]}),
    ("MLPRegressor", {"max_iter": 20, "activation": "logistic", "hidden_layer_sizes": [100, 100]}),
    ("LogisticRegression", {"solver": "newton-cholesky"}),
    ("LinearDiscriminantAnalysis", {"solver": "lsqr"}),
    ("LabelSpreading", {"kernel": "knn"}),
    ("CalibratedClassifierCV", {"estimator": VECTORS, "ensemble": False}),
    ("CalibratedClassifierCV", {"estimator": VECTORS, "method": "isotonic", "cv": 2}),
    ("CalibratedClassifierCV", {"estimator": LOGISTIC, "method": "temperature", "cv": 2}),
    ("BaggingClassifier", {"estimator": NETWORK, "n_estimators": 3}),
    ("AdaBoostClassifier", {"estimator": TREE, "n_estimators": 12}),
    ("AdaBoostRegressor", {"estimator": {"estimator": "Ridge"}, "n_estimators": 5}),
    ("VotingClassifier", {"estimators": [LOGISTIC, TREE], "voting": "soft"}),
    ("StackingClassifier", {"estimators": [VECTORS, TREE], "final_estimator": LOGISTIC, "passthrough": True, "cv": 2}),
    ("OneVsRestClassifier", {"estimator": VECTORS}),
    ("OutputCodeClassifier", {"estimator": LOGISTIC}),
    ("DummyClassifier", {"strategy": "stratified"}),
    ("DummyClassifier", {"strategy": "uniform"}),
    ("VotingClassifier", {"estimators": [LOGISTIC, LOTS], "voting": "soft"}),
    ("HistGradientBoostingRegressor", {"max_iter": 10, "loss": "poisson"}),
]
"""Other ways through the same estimators."""

CASES = [(record.name, QUICK.get(record.name, needed(record.name))) for record in catalogue()] + VARIANTS


@cache
def frame() -> pd.DataFrame:
    """Rows of 20 numbers, some of them equal to others, with eleven classes and a number to learn."""
    random = np.random.default_rng(5)
    numbers = random.normal(size=(ROW_COUNT, 20))
    numbers[:, 15:] = np.round(numbers[:, 15:])
    numbers[::7] = numbers[3]  # neighbours at equal distances
    columns = {f"x{place:02}": column for place, column in enumerate(numbers.T)}
    merit = numbers[:, 0] + numbers[:, 1] * 0.5 + random.normal(0, 0.2, ROW_COUNT)
    label = pd.qcut(merit + random.normal(0, 1e-6, ROW_COUNT), 11, labels=False)
    return pd.DataFrame({**columns, "label": [f"c{code:02}" for code in label], "price": np.exp(merit / 2) + 1})


def fitted(name: str, hyperparameters: dict[str, Any]) -> FittedModel:
    """The estimator, fitted on the rows."""
    task = next(record.task for record in catalogue() if record.name == name)
    target = {"classification": "label", "regression": "price"}.get(task)
    kinds = {"label": "text"}
    schemas = {
        column: ColumnSchema(name=column, type=kinds.get(column, "real"), missing=0, distinct=1) for column in frame()
    }
    plan = FitPlan(
        target=target,
        features=[schema for column, schema in schemas.items() if column not in ("label", "price")],
        target_schema=schemas[target] if target else None,
        estimator_name=name,
        hyperparameters=hyperparameters,
        seed=3,
    )
    return fit_model(frame(), plan).model


def pool_of(model: FittedModel) -> Floats:
    """Rows to be asked for: some that were learnt, others that are like them."""
    rows = frame().iloc[:POOL].drop(columns=["label", "price"])
    rows.iloc[::3] = rows.iloc[::3] * 1.1 + 0.01
    return model.encoder.transform(rows)[0]


def answers(model: FittedModel, matrix: Floats) -> list[tuple[Any, bytes, bytes]]:
    """All that the model says of each row: its label or number, and the bits of probabilities and scores."""
    found = model.predict_encoded(matrix, has_probabilities=model.has_probabilities, has_scores=model.has_scores)
    count = len(matrix)
    empty = np.empty((count, 0))
    probabilities = empty if found.probabilities is None else found.probabilities
    scores = empty if found.scores is None else found.scores
    assert len(found.labels) == len(probabilities) == len(scores) == count
    rows = zip(found.labels, probabilities, scores, strict=True)
    return [(label, row.tobytes(), score.tobytes()) for label, row, score in rows]


def check(name: str, hyperparameters: dict[str, Any], batch_count: int) -> None:
    """Ask for batches of the pool's rows, and compare each row's answer with the one that it gets alone."""
    model = fitted(name, hyperparameters)
    pool = pool_of(model)
    alone = [answers(model, pool[index : index + 1])[0] for index in range(POOL)]

    @settings(
        max_examples=batch_count,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(size=st.sampled_from(SIZES) | st.integers(1, 300), seed=st.integers(0, 10**6), order=st.sampled_from("CF"))
    def is_independent(size: int, seed: int, order: Any) -> None:
        chosen = np.random.default_rng(seed).integers(0, POOL, size)
        together = answers(model, np.asarray(pool[chosen], order=order))
        assert together == [alone[index] for index in chosen]

    is_independent()
    check_against_scikit_learn(model, pool)


def check_against_scikit_learn(model: FittedModel, pool: Floats) -> None:
    """The answers are scikit-learn's own, but for the order of sums; and the class is the most probable one, if so."""
    if draws_by_chance(model.estimator) or has_member_by_chance(model.estimator):
        return
    found, probabilities = model.answers(pool, has_probabilities=model.has_probabilities)
    assert np.allclose(found, model.estimator.predict(pool).reshape(POOL), rtol=1e-9, atol=1e-12)
    if probabilities is None:
        return
    assert np.allclose(probabilities, model.estimator.predict_proba(pool), rtol=1e-9, atol=1e-12)
    rule = model.estimator.predict(pool) == np.argmax(model.estimator.predict_proba(pool), axis=1)
    assert ((found == np.argmax(probabilities, axis=1)) == rule).all()


@pytest.mark.parametrize(("name", "hyperparameters"), CASES, ids=str)
def test_a_row_is_answered_alike_alone_and_in_any_batch(name: str, hyperparameters: dict[str, Any]) -> None:
    check(name, hyperparameters, 8)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "hyperparameters"), CASES, ids=str)
def test_a_row_is_answered_alike_in_many_more_batches(name: str, hyperparameters: dict[str, Any]) -> None:
    check(name, hyperparameters, 150)
