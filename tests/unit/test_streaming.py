"""Streaming: the same answers as fitting the whole table at once, nearly, in memory that does not grow with it."""

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from shared.contracts import ColumnSchema, CrossValidation, HoldOut
from shared.errors import (
    EstimatorRejected,
    InvalidCommand,
    JobOutOfMemory,
    ModelbusError,
    SignatureMismatch,
    UnknownEstimator,
)
from shared.tabular.scoring import score
from tests.unit.tables import TYPES, features, fit, schema, table
from trainer.catalogue import catalogue, find_estimator
from trainer.estimating import MemoryEstimate, estimate_memory, estimate_streamed, require_memory
from trainer.fit_plan import FitPlan
from trainer.fit_warnings import WARNING_LIMIT, gathered_warnings
from trainer.fitting import FitOutcome
from trainer.row_groups import KEPT_ROW_LIMIT, RowGroups, group_order, kept_row_limit, row_order, split_group, spread
from trainer.stream_choice import find_obstacle, is_streamed
from trainer.streamable import CANNOT_STREAM
from trainer.streaming import fit_streamed, prepare_stream
from trainer.survey import split_known

ROWS = 3000
SIZE = 700
PLAIN = [schema(name) for name in TYPES if name != "town"]
"""Columns that are encoded alike in training and in serving."""


def groups_of(frame: pd.DataFrame, size: int = SIZE) -> RowGroups:
    parts = [frame.iloc[begin : begin + size].reset_index(drop=True) for begin in range(0, len(frame), size)]
    return RowGroups(len(parts), lambda number, columns: parts[number][list(columns)])


def plan_of(estimator: str, target: str = "label", **changes: Any) -> FitPlan:
    given: dict[str, Any] = {
        "features": [schema(name) for name in TYPES],
        "target_schema": schema(target) if "target_schema" not in changes else None,
        "seed": 3,
        **changes,
    }
    return FitPlan(target=target, estimator_name=estimator, **given)


def stream(estimator: str, target: str = "label", **changes: Any) -> FitOutcome:
    frame = changes.pop("frame", table(ROWS))
    more = {name: changes.pop(name) for name in ("hold_out_groups", "report") if name in changes}
    return fit_streamed(groups_of(frame), plan_of(estimator, target, **changes), **more)


def numbers(row_count: int, seed: int = 0) -> pd.DataFrame:
    """Eight numbers, and a class that most of them say."""
    random = np.random.default_rng(seed)
    cells = random.normal(size=(row_count, 8))
    total = cells @ np.array([2.0, -1.5, 1.0, 0.5, 0.3, 0.0, 0.0, 0.0]) + random.normal(0, 0.5, row_count)
    return pd.DataFrame({f"n{index}": cells[:, index] for index in range(8)}).assign(
        kind=np.where(total > 0, "high", "low"), total=total
    )


NUMBERS = [ColumnSchema(name=f"n{index}", type="real", missing=0, distinct=1000) for index in range(8)]
KIND = ColumnSchema(name="kind", type="text", missing=0, distinct=2)
TOTAL = ColumnSchema(name="total", type="real", missing=0, distinct=1000)


# --- which rows are for what ---


def test_a_groups_rows_are_split_by_seed_and_number_alone() -> None:
    one, same = split_group(1000, 0.2, 5, 3), split_group(1000, 0.2, 5, 3)

    assert one.train.tolist() == same.train.tolist()
    assert sorted([*one.train, *one.hold_out]) == list(range(1000))
    assert len(one.hold_out) == 200
    others = (split_group(1000, 0.2, 6, 3), split_group(1000, 0.2, 5, 4))
    assert all(other.hold_out.tolist() != one.hold_out.tolist() for other in others)
    assert len(split_group(1000, 0.0, 5, 3).hold_out) == 0


def test_what_is_kept_is_spread_over_all_groups() -> None:
    assert spread([10, 20, 30], 60) == [10, 20, 30]
    assert spread([100, 200, 300], 60) == [10, 20, 30]
    taken = spread([7, 1, 5, 0, 11] * 20, 99)
    assert sum(taken) == 99
    assert all(take <= count for take, count in zip(taken, [7, 1, 5, 0, 11] * 20, strict=True))


def test_the_wider_the_matrix_the_fewer_rows_are_kept() -> None:
    assert kept_row_limit(1) == KEPT_ROW_LIMIT
    assert KEPT_ROW_LIMIT > kept_row_limit(100) > kept_row_limit(100_000) > 0


def test_each_epoch_goes_through_all_rows_in_an_order_of_its_own() -> None:
    assert sorted(group_order(9, 1, 0)) == sorted(group_order(9, 1, 1)) == list(range(9))
    assert group_order(9, 1, 0) == group_order(9, 1, 0) != group_order(9, 1, 1)
    assert row_order(50, 1, 0, 2).tolist() != row_order(50, 1, 1, 2).tolist()


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
    monkeypatch.setattr("trainer.streaming.kept_row_limit", lambda _width: 300)
    outcome = stream("GaussianNB", features=PLAIN)
    assert len(outcome.hold_out) == 300
    assert any(note.startswith("the encoder was learnt from 300 of 2400") for note in outcome.warnings)
    assert "the model was measured on 300 of 600 held-out rows" in outcome.warnings
    assert outcome.metrics["accuracy"] == pytest.approx(stream("GaussianNB").metrics["accuracy"], abs=0.1)
    apart = stream("GaussianNB", hold_out=HoldOut(dataset="other"), hold_out_groups=groups_of(table(500, seed=9)))
    assert "the model was measured on 300 of 500 held-out rows" in apart.warnings


# --- targets and weights ---


def test_rows_without_a_target_are_left_out_and_told() -> None:
    frame = table(ROWS).copy()
    frame.loc[frame.index[:800], "label"] = None
    outcome = stream("GaussianNB", frame=frame)
    assert "800 rows without a target were left out" in outcome.warnings
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
        (["a"] * 40, KIND, "GaussianNB", EstimatorRejected, "one class only"),
        ([f"id {number}" for number in range(40)], KIND, "GaussianNB", EstimatorRejected, "holds no classes"),
        ([number / 2 for number in range(40)], TOTAL, "GaussianNB", EstimatorRejected, "take a regressor"),
        (["1", "x"] * 20, TOTAL, "SGDRegressor", EstimatorRejected, "such as 'x'"),
        (["a", "b"] * 20, KIND, "SGDRegressor", InvalidCommand, "take a classifier"),
        (["a", "b"] + [None] * 38, KIND, "GaussianNB", EstimatorRejected, "too few"),
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
    with pytest.raises(EstimatorRejected, match="no feature varies"):
        stream("GaussianNB", features=[schema("country"), schema("nothing")])
    with pytest.raises(InvalidCommand, match="no column to predict from"):
        stream("GaussianNB", features=[])


def test_the_estimators_refusal_is_quoted() -> None:
    with pytest.raises(EstimatorRejected, match=r"GaussianNB rejected .*sum of the priors"):
        stream("GaussianNB", hyperparameters={"priors": [0.2, 0.2]})


# --- what is told ---


def test_progress_counts_row_groups() -> None:
    told: list[tuple[float | None, str]] = []
    stream("SGDClassifier", epochs=3, report=lambda share, message: told.append((share, message)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares, key=lambda share: share or 0)
    assert any("streaming 2400 rows through SGDClassifier, epochs: 3" in message for _, message in told)


def test_hyperparameters_that_say_nothing_are_named() -> None:
    assert any(
        "max_iter and tol say nothing" in note
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


# --- whether it is streamed ---


def test_what_can_stream_is_derived_and_published() -> None:
    can = {record.name for record in catalogue() if record.can_stream}
    assert can == {
        "BernoulliNB",
        "ComplementNB",
        "GaussianNB",
        "MLPClassifier",
        "MLPRegressor",
        "MultinomialNB",
        "PassiveAggressiveClassifier",
        "PassiveAggressiveRegressor",
        "Perceptron",
        "SGDClassifier",
        "SGDRegressor",
    }
    assert all(hasattr(find_estimator(name).estimator_type, "partial_fit") for name in CANNOT_STREAM)


@pytest.mark.parametrize(
    ("estimator", "changes", "where"),
    [
        ("RandomForestClassifier", {}, "streaming"),
        ("OneVsRestClassifier", {}, "streaming"),
        ("MLPClassifier", {"hyperparameters": {"solver": "lbfgs"}}, "hyperparameters.solver"),
        ("SGDClassifier", {"hyperparameters": {"early_stopping": True}}, "hyperparameters.early_stopping"),
        ("PassiveAggressiveClassifier", {"sample_weight": "weight"}, "sample_weight"),
        ("GaussianNB", {"cross_validation": CrossValidation()}, "cross_validation"),
        ("GaussianNB", {"hold_out": HoldOut(time_column="seen")}, "hold_out.time_column"),
        ("GaussianNB", {"hold_out": HoldOut(is_stratified=True)}, "hold_out.is_stratified"),
    ],
)
def test_what_cannot_be_streamed_is_refused_by_its_field_and_else_fitted_whole(
    estimator: str, changes: dict[str, Any], where: str
) -> None:
    much, little = MemoryEstimate(1, 2**40, 2**40), MemoryEstimate(1, 1, 1)
    with pytest.raises(InvalidCommand) as caught:
        is_streamed(plan_of(estimator, streaming="always", **changes), much, little, 1)
    assert [detail["where"] for detail in caught.value.details] == [where]
    assert estimator in caught.value.message or "streamed" in caught.value.message
    assert not is_streamed(plan_of(estimator, streaming="auto", **changes), much, little, 1)
    assert not is_streamed(plan_of(estimator, streaming="never", **changes), much, little, 1)


def test_auto_streams_what_takes_more_than_half_of_the_limit() -> None:
    whole, streamed = MemoryEstimate(1, 500, 1000), MemoryEstimate(1, 50, 100)
    plan = plan_of("SGDClassifier", streaming="auto")
    assert [is_streamed(plan, whole, streamed, limit) for limit in (1999, 2000)] == [True, False]
    assert not is_streamed(plan, whole, MemoryEstimate(1, 50, 1000), 1999)  # nothing would be won
    assert is_streamed(plan_of("SGDClassifier", streaming="always"), whole, whole, 2**40)
    assert not is_streamed(plan_of("SGDClassifier", streaming="never"), whole, streamed, 1)
    assert find_obstacle(plan) is None
    with pytest.raises(UnknownEstimator):
        is_streamed(plan_of("SGDClasifier"), whole, streamed, 1)


def test_streaming_that_cannot_fit_is_refused_without_asking_for_fewer_rows() -> None:
    estimate = estimate_streamed(NUMBERS, 10**6, 2)
    require_memory(estimate, estimate.least_bytes, "GaussianNB", 10**6, is_streamed=True)
    with pytest.raises(JobOutOfMemory, match=r"give it fewer columns$"):
        require_memory(estimate, estimate.least_bytes - 1, "GaussianNB", 10**6, is_streamed=True)


def test_the_memory_of_streaming_does_not_grow_with_the_rows() -> None:
    assert estimate_streamed(NUMBERS, 10**6, 2) == estimate_streamed(NUMBERS, 10**9, 2)
    whole = estimate_memory("SGDClassifier", NUMBERS, 10**7, 2)
    assert estimate_streamed(NUMBERS, 10**7, 2).likely_bytes < whole.likely_bytes / 5


MEASURE = """
import sys
from functools import partial
from pathlib import Path
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
from shared.contracts import ColumnSchema
from shared.tabular.tables import read_group
from trainer.fit_plan import FitPlan
from trainer.row_groups import RowGroups
from trainer.streaming import fit_streamed

path, count = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(0)
cells = random.normal(size=(50_000, 10))
kind = pa.array(np.where(cells[:, 0] + cells[:, 1] > 0, "yes", "no").tolist())
town = pa.array([f"town {number}" for number in random.integers(0, 200, len(cells))])
group = pa.table({**{f"c{i}": cells[:, i] for i in range(10)}, "town": town, "kind": kind})
with pq.ParquetWriter(path, group.schema) as writer:
    for _ in range(count):
        writer.write_table(group)
column = lambda name, type, distinct: ColumnSchema(name=name, type=type, missing=0, distinct=distinct)
features = [*(column(f"c{i}", "real", 50_000) for i in range(10)), column("town", "text", 200)]
plan = FitPlan("kind", features, column("kind", "text", 2), "SGDClassifier", epochs=1)
table = pq.ParquetFile(path)
outcome = fit_streamed(RowGroups(table.num_row_groups, partial(read_group, table)), plan)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(outcome.row_count, int(status["VmHWM"].split()[0]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured where /proc is")
def test_memory_is_flat_however_many_rows_there_are(tmp_path: Path) -> None:
    peaks = []
    for count in (4, 20):
        found = subprocess.run(
            [sys.executable, "-c", MEASURE, tmp_path / "table.parquet", str(count)],
            check=True,
            capture_output=True,
            text=True,
        )
        row_count, peak_kibibytes = map(int, found.stdout.split())
        assert row_count == count * 40_000
        peaks.append(peak_kibibytes)
    assert peaks[1] < 1.3 * peaks[0]
