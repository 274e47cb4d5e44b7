"""Models of free text: stored and loaded, estimated, streamed, explained."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelbus.evaluator.explaining.importance import permutation_importance
from modelbus.evaluator.explaining.partial_dependence import partial_dependence
from modelbus.evaluator.explaining.responses import respond, response_of
from modelbus.evaluator.explaining.shapley import RowExplainer
from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.models.artifacts import dump_model, library_versions, load_model
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.rows.memory_estimates import estimate_memory
from modelbus.trainer.streaming.stream_fit import fit_streamed
from tests.unit.free_texts import messages
from tests.unit.streams import groups_of
from tests.unit.tables import fit

ROWS = 500
TEXTS, KINDS = messages(ROWS)
FRAME = pd.DataFrame({"message": TEXTS, "n": np.arange(ROWS) % 7, "kind": KINDS})
MESSAGE = ColumnSchema(name="message", type="text", missing=0, distinct=ROWS, is_free_text=True)
FEATURES = [MESSAGE, ColumnSchema(name="n", type="integer", missing=0, distinct=7)]
KIND = ColumnSchema(name="kind", type="text", missing=0, distinct=2)
NEW_ROWS = [{"message": text, "n": 3} for text in messages(40, seed=9)[0]]


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return fitted().model


def fitted(frame: pd.DataFrame = FRAME, features: Any = FEATURES) -> Any:
    return fit("LogisticRegression", "kind", frame=frame, features=features, target_schema=KIND)


def test_a_stored_model_answers_to_the_last_bit_as_before(model: FittedModel) -> None:
    payload = dump_model(model)
    loaded = load_model(payload, hashlib.sha256(payload).hexdigest(), library_versions(model.estimator), 2**30)

    before, after = (one.predict_rows(NEW_ROWS, has_probabilities=True) for one in (model, loaded))

    assert before.probabilities is not None
    assert after.probabilities is not None
    assert before.probabilities.tobytes() == after.probabilities.tobytes()
    assert [column.is_free_text for column in loaded.signature.columns] == [True, False]
    assert len(payload) < 1_000_000
    [told] = loaded.encoder.free_text()
    assert (told["column"], told["feature_count"]) == ("message", len(loaded.encoder.feature_names_out) - 1)


@pytest.mark.parametrize("missing", [0, 1])
def test_the_width_of_the_matrix_is_known_from_the_profile(missing: int) -> None:
    texts: list[str | None] = list(TEXTS)
    texts[:20] = [None] * 20 * missing or TEXTS[:20]
    feature = MESSAGE.model_copy(update={"missing": 20 * missing})
    model = fitted(FRAME.assign(message=pd.Series(texts, dtype=object)), [feature]).model

    estimate = estimate_memory("LogisticRegression", [feature], ROWS, 2)

    assert estimate.feature_count == len(model.encoder.feature_names_out)


def test_a_streamed_fit_reads_free_text_as_a_whole_one_does() -> None:
    plan = FitPlan(
        target="kind",
        features=FEATURES,
        target_schema=KIND,
        estimator_name="SGDClassifier",
        hyperparameters={"loss": "log_loss"},
        epochs=20,
    )

    outcome = fit_streamed(groups_of(FRAME, 120), plan)

    assert outcome.metrics["roc_auc"] is not None
    assert outcome.metrics["roc_auc"] > 0.98
    assert outcome.model.encoder.free_text()


def test_explanations_are_of_the_column_and_not_of_its_outputs(model: FittedModel) -> None:
    matrix, _ = model.encoder.transform(FRAME)
    response = response_of(model, matrix)
    truth = FRAME["kind"].tolist()

    found = permutation_importance(model, matrix, truth, "balanced_accuracy", repeats=2, seed=0)
    curve = partial_dependence(model, response, FRAME.iloc[:50], matrix[:50], "message", 5)
    owners = np.array([["message", "n"].index(name) for name in model.encoder.output_columns])
    explainer = RowExplainer(lambda rows: respond(model, response, rows), matrix[:20], owners, 2)
    contributions = explainer.exact(matrix[KINDS.index("spam")])

    assert [each.column for each in found.columns] == ["message", "n"]
    assert found.columns[0].mean > 0.2
    assert set(curve.values) <= set(TEXTS)
    assert contributions.contributions.shape[0] == 2
    assert abs(contributions.contributions[0]).max() > abs(contributions.contributions[1]).max()
    total = contributions.base + contributions.contributions.sum(axis=0)
    assert np.allclose(total, contributions.value)
