"""Targets and weights of a table that is streamed: judged by all of its rows."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.errors import (
    EstimatorRejected,
    InvalidCommand,
    ModelbusError,
    SignatureMismatch,
)
from modelbus.trainer.rows.row_group_splits import split_group
from modelbus.trainer.streaming.stream_fit import fit_streamed, prepare_stream
from tests.unit.streams import KIND, NUMBERS, ROWS, SIZE, TOTAL, groups_of, numbers, plan_of, stream
from tests.unit.tables import fit, schema, table


def test_rows_without_a_target_are_left_out_and_told() -> None:
    frame = table(ROWS).copy()
    frame.loc[frame.index[:800], "label"] = None
    outcome = stream("GaussianNB", frame=frame)
    assert "800 rows without a target were excluded" in outcome.warnings
    assert outcome.row_count + len(outcome.hold_out) == ROWS - 800


def test_a_class_of_one_group_only_is_learnt_and_one_that_is_only_held_out_is_told() -> None:
    frame = numbers(400).assign(kind=["a", "b"] * 150 + ["late"] * 100)
    given = {"features": NUMBERS, "target_schema": KIND}
    outcome = fit_streamed(groups_of(frame, 100), plan_of("SGDClassifier", "kind", **given))
    assert outcome.model.signature.classes == ["a", "b", "late"]
    held_out = split_group(100, 0.2, 3, 0).hold_out
    frame.loc[held_out[0], "kind"] = "once"
    outcome = fit_streamed(groups_of(frame, 100), plan_of("SGDClassifier", "kind", **given))
    assert outcome.model.signature.classes == ["a", "b", "late"]
    assert any("once" in note for note in outcome.warnings)


@pytest.mark.parametrize(
    ("values", "target", "estimator", "error", "words"),
    [
        ([None] * 40, KIND, "GaussianNB", EstimatorRejected, "has no value in any row"),
        (["a"] * 40, KIND, "GaussianNB", EstimatorRejected, "single class"),
        ([f"id {number}" for number in range(40)], KIND, "GaussianNB", EstimatorRejected, "choose another target"),
        ([number / 2 for number in range(40)], TOTAL, "GaussianNB", EstimatorRejected, "use a regressor"),
        (["1", "x"] * 20, TOTAL, "SGDRegressor", EstimatorRejected, "a number, not 'x'"),
        (["a", "b"] * 20, KIND, "SGDRegressor", InvalidCommand, "use a classifier"),
        (["a", "b"] + [None] * 38, KIND, "GaussianNB", EstimatorRejected, "cannot be split"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_refused_as_with_the_whole_table(
    values: list[Any], target: ColumnSchema, estimator: str, error: type[ModelbusError], words: str
) -> None:
    frame = numbers(40).assign(**{target.name: values})
    plan = plan_of(estimator, target.name, features=NUMBERS, target_schema=target)
    with pytest.raises(error, match=words):
        prepare_stream(groups_of(frame, 10), plan)
    given = {"features": NUMBERS, "target_schema": target}
    with pytest.raises(error, match=words):
        fit(estimator, target.name, frame=frame, **given)


@pytest.mark.parametrize(
    ("values", "words"),
    [({1100: None}, "row 1100 has no weight"), ({2500: -1.0}, "row 2500 has the weight -1"), ({0: 0.0}, None)],
)
def test_weights_are_judged_by_the_whole_table(values: dict[int, Any], words: str | None) -> None:
    weights = pd.Series(1.0, index=range(ROWS), dtype=object)
    weights[:SIZE] = 0.0  # nothing to learn from in the first group
    for row, value in values.items():
        weights[row] = value
    given = {"frame": table(ROWS).assign(weight=weights), "sample_weight": "weight"}
    if words is None:
        assert stream("SGDClassifier", **given).metrics["accuracy"] is not None
        return
    with pytest.raises(InvalidCommand, match=words):
        stream("SGDClassifier", **given)


def test_weights_of_nothing_are_refused() -> None:
    with pytest.raises(InvalidCommand, match="all weights are 0"):
        stream("SGDClassifier", frame=table(ROWS).assign(weight=0.0), sample_weight="weight")


@pytest.mark.parametrize("given", [{"class_weight": "balanced"}, {"hyperparameters": {"class_weight": "balanced"}}])
def test_balanced_weights_are_of_the_whole_target(given: dict[str, Any]) -> None:
    frame = numbers(1000).assign(kind=["rare"] * 100 + ["often"] * 900)
    estimator = stream("SGDClassifier", "kind", frame=frame, features=NUMBERS, target_schema=KIND, **given)
    by_code = estimator.model.estimator.class_weight
    counts = {code: 0.5 * estimator.row_count / weight for code, weight in by_code.items()}
    assert sum(counts.values()) == pytest.approx(estimator.row_count)
    assert counts[1] == pytest.approx(80, abs=20)


def test_an_estimator_without_class_weights_weighs_the_rows() -> None:
    frame = numbers(1000).assign(kind=["rare"] * 100 + ["often"] * 900)
    given = {"frame": frame, "features": NUMBERS, "target_schema": KIND}
    balanced = stream("GaussianNB", "kind", class_weight="balanced", **given)
    np.testing.assert_allclose(balanced.model.estimator.class_prior_, [0.5, 0.5])
    told = stream("GaussianNB", "kind", class_weight={"rare": 0.0}, **given)
    assert told.model.estimator.class_prior_.tolist() == [1.0, 0.0]


def test_a_value_that_is_not_of_its_column_is_refused() -> None:
    frame = table(ROWS).assign(visits=["1", "2", "many"] * (ROWS // 3))
    with pytest.raises(SignatureMismatch):
        stream("GaussianNB", frame=frame)
    with pytest.raises(SignatureMismatch):
        fit("GaussianNB", frame=frame)


def test_features_that_never_vary_are_refused() -> None:
    with pytest.raises(EstimatorRejected, match="each feature has a single value"):
        stream("GaussianNB", features=[schema("country"), schema("nothing")])
    with pytest.raises(InvalidCommand, match="no feature is left"):
        stream("GaussianNB", features=[])


def test_the_estimators_refusal_is_quoted() -> None:
    with pytest.raises(EstimatorRejected, match=r"GaussianNB rejected .*sum of the priors"):
        stream("GaussianNB", hyperparameters={"priors": [0.2, 0.2]})
