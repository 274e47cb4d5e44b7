"""Streaming: nearly the same answers as fitting the whole table at once, and what is told of it."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from modelbus.shared.contracts import ColumnSchema, HoldOut
from modelbus.shared.tabular.scoring import score
from modelbus.trainer.champions.row_identity import row_hashes
from modelbus.trainer.champions.trained_rows import TrainedRowsBuilder
from modelbus.trainer.fitting.fit_warnings import WARNING_LIMIT, gathered_warnings
from modelbus.trainer.rows.row_group_splits import group_order, row_order
from modelbus.trainer.streaming.stream_fit import fit_streamed
from modelbus.trainer.streaming.stream_survey import split_known
from tests.unit.streams import KIND, NUMBERS, PLAIN, ROWS, TOTAL, groups_of, numbers, plan_of, stream
from tests.unit.tables import features, fit, table

# --- the same answers ---


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        ("SGDClassifier", "grade"),
        ("MLPClassifier", "label"),
        ("MLPRegressor", "price"),
        ("Perceptron", "flag"),
        ("MultinomialNB", "grade"),
    ],
)
def test_the_same_seed_gives_the_same_bits_and_another_seed_another_model(estimator: str, target: str) -> None:
    one, same, other = (stream(estimator, target, seed=seed, epochs=2) for seed in (1, 1, 2))
    answers = []
    for outcome in (one, same, other):
        predictions = outcome.model.predict_frame(features(), outcome.model.has_probabilities)
        answers.append((predictions.labels, None if (found := predictions.probabilities) is None else found.tobytes()))
    assert answers[0] == answers[1]
    assert one.metrics == same.metrics != other.metrics
    assert one.hold_out.equals(same.hold_out)


def test_streamed_naive_bayes_is_scikit_learns_own_partial_fit() -> None:
    plan, groups = plan_of("GaussianNB", "grade", features=PLAIN, epochs=7), groups_of(table(ROWS))
    model = fit_streamed(groups, plan).model
    by_hand = GaussianNB()
    for number in group_order(groups.count, plan.seed, 0):
        frame = groups.read(number, plan.needed_columns)
        train = split_known(len(frame), plan, number).train
        rows = frame.iloc[train[row_order(len(train), plan.seed, 0, number)]]
        by_hand.partial_fit(model.encoder.transform(rows)[0], rows["grade"].to_numpy() - 1, classes=[0, 1, 2])

    for name in ("theta_", "var_", "class_count_"):
        np.testing.assert_array_equal(getattr(model.estimator, name), getattr(by_hand, name))


TOLERANCE = 0.02
"""Accuracy, or R², that streaming may lose against the whole table."""


@pytest.mark.parametrize(
    ("estimator", "target", "metric", "hyperparameters", "epochs"),
    [
        ("SGDClassifier", KIND, "accuracy", {}, 20),  # of so few rows it needs more than five
        ("GaussianNB", KIND, "accuracy", {}, 1),
        ("MLPClassifier", KIND, "accuracy", {"max_iter": 10}, 5),
        ("PassiveAggressiveClassifier", KIND, "accuracy", {"C": 0.01}, 5),
        ("SGDRegressor", TOTAL, "r2", {}, 5),
        ("MLPRegressor", TOTAL, "r2", {"max_iter": 10}, 5),
    ],
)
def test_streaming_is_about_as_good_as_the_whole_table(
    estimator: str, target: ColumnSchema, metric: str, hyperparameters: dict[str, Any], epochs: int
) -> None:
    given = {
        "frame": numbers(12_000),
        "features": NUMBERS,
        "target_schema": target,
        "hyperparameters": hyperparameters,
    }
    streamed, whole = stream(estimator, target.name, epochs=epochs, **given), fit(estimator, target.name, **given)
    assert streamed.row_count == pytest.approx(whole.row_count, abs=20)
    others = numbers(4000, seed=99)
    better, found = (score(outcome.model, others).metrics[metric] for outcome in (whole, streamed))
    assert better is not None
    assert found is not None
    assert better > 0.85
    assert found > better - TOLERANCE


def test_a_column_of_target_means_does_not_tell_rows_their_own_target() -> None:
    frame = numbers(3000)
    frame["who"] = [f"id {number}" for number in np.random.default_rng(1).integers(0, 1500, len(frame))]
    given = {
        "frame": frame,
        "features": [*NUMBERS, ColumnSchema(name="who", type="text", missing=0, distinct=1500)],
        "target_schema": KIND,
    }
    streamed, whole = stream("GaussianNB", "kind", **given), fit("GaussianNB", "kind", **given)
    assert streamed.metrics["accuracy"] == pytest.approx(whole.metrics["accuracy"], abs=0.03)


def test_the_metrics_are_of_the_rows_that_were_held_out() -> None:
    outcome = stream("SGDClassifier")
    assert len(outcome.hold_out) == sum(-(-count // 5) for count in (700, 700, 700, 700, 200))
    assert outcome.row_count == ROWS - len(outcome.hold_out)
    assert outcome.metrics == score(outcome.model, outcome.hold_out).metrics


def test_another_dataset_can_be_measured_on() -> None:
    other = table(500, seed=9)
    outcome = stream("GaussianNB", hold_out=HoldOut(dataset="other"), hold_out_groups=groups_of(other, 200))
    assert outcome.row_count == ROWS
    assert len(outcome.hold_out) == 500
    assert outcome.metrics == pytest.approx(score(outcome.model, other).metrics)


def test_what_is_cut_to_bound_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelbus.trainer.streaming.stream_fit.kept_row_limit", lambda _width: 300)
    outcome = stream("GaussianNB", features=PLAIN)
    assert len(outcome.hold_out) == 300
    assert any(note.startswith("the encoder was learnt from a sample of 300 of 2,400") for note in outcome.warnings)
    assert "the model was measured on 300 of 600 held-out rows" in outcome.warnings
    assert outcome.metrics["accuracy"] == pytest.approx(stream("GaussianNB").metrics["accuracy"], abs=0.1)
    apart = stream("GaussianNB", hold_out=HoldOut(dataset="other"), hold_out_groups=groups_of(table(500, seed=9)))
    assert "the model was measured on 300 of 500 held-out rows" in apart.warnings


# --- what is told ---


def test_progress_counts_row_groups() -> None:
    told: list[tuple[float | None, str]] = []
    stream("SGDClassifier", epochs=3, report=lambda share, message: told.append((share, message)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares, key=lambda share: share or 0)
    assert any("streaming 2,400 rows through SGDClassifier, 3 epochs" in message for _, message in told)


def test_hyperparameters_that_say_nothing_are_named() -> None:
    assert any(
        "max_iter and tol have no effect" in note
        for note in stream("SGDClassifier", hyperparameters={"tol": 0.1, "max_iter": 3}).warnings
    )
    assert stream("SGDClassifier", features=PLAIN).warnings == []


def test_a_warning_that_comes_at_each_step_is_kept_once() -> None:
    with gathered_warnings() as notes:
        notes.append("ours")
        for number in range(1000):
            warnings.warn("the same", UserWarning, stacklevel=1)
            warnings.warn(f"another {number}", UserWarning, stacklevel=1)
            warnings.warn("for developers", DeprecationWarning, stacklevel=1)
            warnings.warn("for developers", PendingDeprecationWarning, stacklevel=1)
    assert notes[:3] == ["ours", "UserWarning: the same", "UserWarning: another 0"]
    assert len(notes) == WARNING_LIMIT


def test_a_streamed_fit_tells_which_rows_it_was_trained_and_measured_on() -> None:
    frame = table(ROWS).copy()
    frame.loc[frame.index[::9], "label"] = None
    builder = TrainedRowsBuilder()
    outcome = stream("SGDClassifier", frame=frame, trained=builder)
    trained = builder.build("ab", len(frame))
    held_out = outcome.measured_indices
    expected = frame[outcome.hold_out.columns].iloc[held_out].reset_index(drop=True)
    pd.testing.assert_frame_equal(outcome.hold_out, expected)
    is_trained = trained.has_rows(np.arange(len(frame)))
    assert is_trained.sum() == outcome.row_count == len(trained.hashes)
    assert not is_trained[held_out].any()
    assert not is_trained[::9].any()
    hashes = row_hashes(frame, outcome.model.signature)
    assert trained.may_have(hashes[is_trained]).all()
    assert not trained.may_have(hashes[~is_trained]).any()
    assert (outcome.held_out.method, outcome.held_out.row_count) == ("random", len(held_out))


def test_a_streamed_fit_measured_apart_tells_where_those_rows_stand() -> None:
    other = table(seed=7).copy()
    other.loc[other.index[::5], "label"] = None
    outcome = stream("SGDClassifier", hold_out=HoldOut(dataset="other"), hold_out_groups=groups_of(other))
    expected = other[outcome.hold_out.columns].iloc[outcome.measured_indices].reset_index(drop=True)
    pd.testing.assert_frame_equal(outcome.hold_out, expected)
    assert (outcome.held_out.method, outcome.held_out.row_count) == ("dataset", 192)


def test_a_streamed_fit_tells_of_a_column_that_numbers_the_rows() -> None:
    frame = table(ROWS).assign(visits=pd.array(range(ROWS), dtype="Int64"))
    told = stream("SGDClassifier", frame=frame).warnings
    assert any("column 'visits' looks like row numbers" in one for one in told)
