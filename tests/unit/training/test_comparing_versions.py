"""A new version beside the champion: on which rows, by which metric, and what leaves the champion where it is."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelbus.shared.contracts import HoldOut, Signature, SignatureColumn
from modelbus.shared.contracts.checks.model_checks import check_promotion, check_same_target, standing_version
from modelbus.shared.contracts.commands.training import RetrainModel, TrainModel
from modelbus.shared.contracts.metric_names import metrics_for
from modelbus.shared.contracts.records.model_records import Comparison
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.scoring import score
from modelbus.trainer.champions.champion_comparison import (
    MINIMUM_ROWS,
    Contestant,
    MeasuredRows,
    compare,
    difference_in_kind,
    find_eligible,
    is_better,
    obstacle_to_measuring,
)
from modelbus.trainer.champions.row_identity import row_hashes
from modelbus.trainer.champions.trained_rows import TrainedRows, TrainedRowsBuilder
from modelbus.trainer.training.fit import FitOutcome
from modelbus.trainer.tuning.objectives import objective_of
from tests.unit.tables import TYPES, fit, schema, table

THIS, OTHER = "aa" * 32, "bb" * 32
APART = HoldOut(dataset="apart")


def trained(outcome: FitOutcome, frame: pd.DataFrame, sha256: str = THIS, **limits: int) -> TrainedRows:
    builder = TrainedRowsBuilder(**limits)
    rows = outcome.train_indices
    builder.add(rows, row_hashes(frame.iloc[rows], outcome.model.signature))
    return builder.build(sha256, len(frame))


def contestant(outcome: FitOutcome, name: str = "the new version", sha256: str = THIS, **more: Any) -> Contestant:
    return Contestant(name, outcome.model, trained(outcome, more.pop("frame", table()), sha256, **more))


def measured(outcome: FitOutcome, sha256: str = THIS) -> MeasuredRows:
    return MeasuredRows(outcome.hold_out, outcome.measured_indices, sha256)


def compared(
    own: FitOutcome, champion: FitOutcome, metric: str = "balanced_accuracy", margin: float = 0.0, **more: Any
) -> Comparison:
    """Both of the same table."""
    one = more.pop("other", contestant(champion, "version 1"))
    rows = more.pop("rows", measured(own))
    return compare(contestant(own), one, rows, metric=metric, margin=margin, champion_version=1, **more)


GOOD = fit("RandomForestClassifier", hyperparameters={"n_estimators": 20})
BAD = fit("DummyClassifier")


# --- which rows ---


def test_versions_of_one_split_are_compared_on_all_held_out_rows() -> None:
    found = compared(GOOD, BAD)
    assert (found.row_count, found.excluded_row_count, found.is_better, found.reason) == (48, 0, True, None)
    assert (found.own, found.champion) == (GOOD.metrics["balanced_accuracy"], BAD.metrics["balanced_accuracy"])
    assert (found.metric, found.champion_version, found.warnings) == ("balanced_accuracy", 1, [])


def test_of_two_seeds_only_the_rows_that_both_held_out_are_compared() -> None:
    other = fit("DummyClassifier", seed=4)
    found = compared(GOOD, other)
    both = sorted(set(GOOD.hold_out_indices.tolist()) & set(other.hold_out_indices.tolist()))
    assert (found.row_count, found.excluded_row_count) == (len(both), 48 - len(both))
    expected = [score(one.model, table().iloc[both]).metrics["balanced_accuracy"] for one in (GOOD, other)]
    assert [found.own, found.champion] == expected


def test_a_champion_that_was_trained_on_all_rows_is_not_replaced() -> None:
    whole = fit("DummyClassifier", hold_out=APART, hold_out_frame=table(seed=1))
    found = compared(GOOD, whole)
    assert (found.row_count, found.excluded_row_count, found.is_better) == (0, 48, False)
    assert found.reason == (
        "no row is new to both versions: 48 rows were held out, and version 1 was trained on 48 of them"
    )


def test_rows_of_an_older_table_are_known_by_their_content_in_a_newer_one() -> None:
    older, newer = table().head(160), table().sample(frac=1, random_state=1, ignore_index=True)
    champion = fit("DummyClassifier", frame=older)
    own = fit("RandomForestClassifier", frame=newer, hyperparameters={"n_estimators": 20})
    found = compare(
        contestant(own, frame=newer),
        contestant(champion, "version 1", OTHER, frame=older),
        measured(own),
        metric="accuracy",
        margin=0,
        champion_version=1,
    )
    seen = older.iloc[champion.train_indices]
    of_older = {_content(row) for row in seen.itertuples(index=False)}
    new = [_content(row) not in of_older for row in own.hold_out[seen.columns].itertuples(index=False)]
    assert 0 < sum(new) < len(new)
    assert (found.row_count, found.excluded_row_count) == (sum(new), len(new) - sum(new))
    assert found.own == score(own.model, own.hold_out[new]).metrics["accuracy"]


def _content(row: Any) -> str:
    return repr(tuple(row))


@settings(deadline=None)
@given(own_seed=st.integers(0, 30), champion_seed=st.integers(0, 30), is_same=st.booleans(), limit=st.integers(1, 300))
def test_no_row_is_compared_that_either_was_trained_on(
    own_seed: int, champion_seed: int, is_same: bool, limit: int
) -> None:
    own, champion = (fit("DummyClassifier", seed=seed) for seed in (own_seed, champion_seed))
    rows = measured(own)
    one = contestant(champion, "version 1", THIS if is_same else OTHER, hash_limit=limit)
    found = find_eligible(contestant(own), one, rows)
    eligible = set(own.hold_out_indices[found.is_eligible].tolist())
    neither = set(own.hold_out_indices.tolist()) - set(champion.train_indices.tolist())
    assert eligible <= neither
    if is_same or limit >= len(champion.train_indices):
        assert eligible == neither


def test_a_measured_dataset_that_was_trained_on_is_found_out() -> None:
    own = fit("GaussianNB", hold_out=APART, hold_out_frame=table())
    found = compared(own, BAD, rows=measured(own, OTHER))
    assert (found.row_count, found.is_better) == (0, False)
    assert "the new version was trained on 240 and version 1 was trained on 192 of them" in str(found.reason)


def test_rows_without_a_target_are_no_rows_to_compare_on() -> None:
    other = table(seed=1).copy()
    other.loc[other.index[:200], "label"] = None
    own = fit("GaussianNB", hold_out=APART, hold_out_frame=other)
    found = compared(own, BAD, rows=measured(own, OTHER))
    assert (found.row_count, found.excluded_row_count) == (40, 0)


def test_too_few_rows_are_measured_and_decide_nothing() -> None:
    few = table(seed=1).head(MINIMUM_ROWS - 1)
    assert few["label"].nunique() == 2
    own = fit("RandomForestClassifier", hyperparameters={"n_estimators": 20}, hold_out=APART, hold_out_frame=few)
    found = compared(own, BAD, rows=measured(own, OTHER))
    assert found.own is not None
    assert found.champion is not None
    assert found.own > found.champion
    assert not found.is_better
    assert found.reason == ("only 9 rows are new to both versions; at least 10 are needed: 9 rows were held out")


def test_a_champion_of_which_nobody_knows_its_rows_stays() -> None:
    found = compared(GOOD, BAD, other=Contestant("version 1", BAD.model, None))
    assert not found.is_better
    assert "the training rows of version 1 are unknown" in str(found.reason)


# --- by what ---


@given(
    metric=st.sampled_from(["accuracy", "log_loss", "root_mean_squared_error", "r2"]),
    figures=st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
    margin=st.floats(0, 10),
)
def test_never_are_both_better_and_equals_are_none(metric: str, figures: tuple[float, float], margin: float) -> None:
    ours, theirs = figures
    assert not (is_better(metric, ours, theirs, margin) and is_better(metric, theirs, ours, margin))
    assert not is_better(metric, ours, ours, margin)
    assert not is_better(metric, ours, ours * (1 + 1e-12), 0)
    assert not is_better(metric, ours * (1 + 1e-12), ours, 0)
    if is_better(metric, ours, theirs, margin):
        assert (ours > theirs) == (metric in ("accuracy", "r2"))
        assert abs(ours - theirs) > margin


def test_the_metric_decides_and_of_losses_less_is_better() -> None:
    noisy = fit("DecisionTreeClassifier")  # right more often than a constant, and surer than it ought to be
    by_accuracy, by_loss = (compared(noisy, BAD, metric) for metric in ("accuracy", "log_loss"))
    assert by_accuracy.is_better
    assert not by_loss.is_better
    assert by_loss.own is not None
    assert by_loss.champion is not None
    assert by_loss.own > by_loss.champion
    assert str(by_loss.reason).startswith("the new version is not better: log_loss")


def test_as_good_is_not_better_and_a_margin_is_kept() -> None:
    assert str(compared(GOOD, GOOD).reason).startswith("the new version is not better: balanced_accuracy")
    gain = compared(GOOD, BAD)
    assert gain.own is not None
    assert gain.champion is not None
    margin = gain.own - gain.champion
    assert compared(GOOD, BAD, margin=margin * 0.99).is_better
    told = compared(GOOD, BAD, margin=margin * 1.01)
    assert not told.is_better
    assert "not better by more than" in str(told.reason)


@pytest.mark.parametrize(
    ("own", "champion", "whose"),
    [("LinearSVC", "GaussianNB", "the new version"), ("GaussianNB", "LinearSVC", "version 1")],
)
def test_a_metric_that_one_has_not_decides_nothing(own: str, champion: str, whose: str) -> None:
    found = compared(fit(own), fit(champion), "log_loss")
    assert not found.is_better
    assert found.reason == f"log_loss is not defined for the predictions of {whose} on these rows"


@pytest.mark.parametrize("sha256", [THIS, OTHER])
def test_a_champion_whose_columns_the_rows_lack_stays(sha256: str) -> None:
    rows = MeasuredRows(GOOD.hold_out.drop(columns=["plan", "town"]), GOOD.measured_indices, sha256)
    narrow = fit("GaussianNB", features=[schema(name) for name in TYPES if name not in ("plan", "town")])
    found = compared(narrow, GOOD, rows=rows)
    assert (found.is_better, found.reason) == (False, "these rows lack columns that version 1 needs: plan, town")


def test_a_champion_that_cannot_answer_the_rows_stays() -> None:
    frame = GOOD.hold_out.assign(amount="much")
    narrow = fit("GaussianNB", features=[schema(name) for name in TYPES if name != "amount"])
    found = compared(narrow, GOOD, rows=MeasuredRows(frame, GOOD.measured_indices, THIS))
    assert not found.is_better
    assert "cannot be measured on the same rows" in str(found.reason)
    assert "amount" in str(found.reason)


# --- doubts ---


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"yes": "yes "}, "have labels unknown to the model: 'yes ' ("),
        ({"yes": "Y", "no": "N"}, "48 of 48 rows have labels unknown to the model: "),
        ({"yes": "no"}, "no row has the class 'yes'"),
    ],
)
def test_labels_without_a_class_and_classes_without_a_row_leave_the_champion(
    change: dict[str, str], words: str
) -> None:
    frame = GOOD.hold_out.assign(label=GOOD.hold_out["label"].replace(change))
    found = compared(GOOD, BAD, "accuracy", rows=MeasuredRows(frame, GOOD.measured_indices, THIS))
    assert not found.is_better
    assert any(words in warning for warning in found.warnings), found.warnings
    assert str(found.reason).startswith("the comparison is doubtful: ")


def test_any_warning_of_the_measurement_leaves_the_champion() -> None:
    found = compared(GOOD, BAD, warnings=["column 'plan' is of another type than in training"])
    assert found.warnings == ["column 'plan' is of another type than in training"]
    assert not found.is_better
    assert found.reason == f"the comparison is doubtful: {found.warnings[0]}"


# --- what can be compared at all ---


def signature(**changes: Any) -> Signature:
    given = {"target": "y", "task": "classification", "classes": ["no", "yes"], **changes}
    return Signature(columns=[SignatureColumn(name="x", type="real")], **given)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "regression", "classes": None}, "version 1 does classification, but the new version does regression"),
        ({"target": "z"}, "version 1 predicts 'y', but the new version predicts 'z'"),
        ({"classes": ["maybe", "no", "yes"]}, "only the new version has 'maybe'"),
        ({"classes": ["no", "never"]}, "only the champion has 'yes'; only the new version has 'never'"),
        ({"classes": [False, True]}, "only the champion has 'no', 'yes'; only the new version has false, true"),
    ],
)
def test_versions_that_answer_different_questions_are_not_compared(changes: dict[str, Any], words: str) -> None:
    assert words in str(difference_in_kind(signature(**changes), signature(), "version 1"))


def test_the_order_of_classes_and_the_columns_are_no_difference_in_kind() -> None:
    assert difference_in_kind(signature(classes=["yes", "no"]), signature(), "version 1") is None
    numbers = [signature(classes=classes) for classes in ([0, 1], [False, True], [0.0, 1.0])]
    assert difference_in_kind(numbers[0], numbers[1], "version 1") is not None
    assert difference_in_kind(numbers[0], numbers[2], "version 1") is None


def test_outliers_and_clusters_by_other_columns_are_not_measured() -> None:
    outliers = signature(task="outlier_detection", target=None, classes=["inlier", "outlier"])
    assert "without labelled outliers" in str(obstacle_to_measuring(outliers, outliers, "version 1"))
    one = signature(task="clustering", target=None, classes=None)
    other = one.model_copy(update={"columns": [SignatureColumn(name="z", type="real")]})
    assert "uses other columns" in str(obstacle_to_measuring(one, other, "version 1"))
    assert obstacle_to_measuring(one, one, "version 1") is None


# --- what a command may say ---


def train(**changes: Any) -> TrainModel:
    return TrainModel.model_validate(
        {"model": "m", "dataset": "d", "target": "y", "estimator": "GaussianNB", **changes}
    )


@pytest.mark.parametrize("task", ["classification", "regression", "clustering"])
def test_what_can_be_searched_by_can_be_promoted_by(task: Any) -> None:
    for name in metrics_for("search", task):
        check_promotion(name, task)
        assert is_better(name, *((2, 1) if objective_of(name, task).metric.is_higher_better else (1, 2)), 0)
    check_promotion(None, task)


@pytest.mark.parametrize(
    ("metric", "task", "words"),
    [
        ("r2", "classification", "classification has no metric 'r2'"),
        ("accuracies", "classification", "is it 'accuracy'"),
        ("cluster_count", "clustering", "cluster_count cannot rank versions: neither higher nor lower is better"),
        ("outlier_share", "outlier_detection", "has no metric for comparing versions"),
    ],
)
def test_a_metric_that_cannot_decide_is_refused(metric: str, task: Any, words: str) -> None:
    with pytest.raises(InvalidCommand) as caught:
        check_promotion(metric, task)
    assert words in caught.value.message or words.split("'")[1] in caught.value.details[0].get("expected", [])
    assert caught.value.details[0]["where"] == "promote_metric"


@pytest.mark.parametrize("promote", ["always", "never", "if_comparable"])
@pytest.mark.parametrize("given", [{"promote_metric": "r2"}, {"promote_margin": 0.1}])
def test_a_metric_counts_only_where_versions_are_compared(promote: str, given: dict[str, Any]) -> None:
    for kind, said in ((TrainModel, {"dataset": "d", "estimator": "Ridge"}), (RetrainModel, {})):
        with pytest.raises(ValueError, match="requires promote: if_better"):
            kind.model_validate({"model": "m", **said, "promote": promote, **given})
        kind.model_validate({"model": "m", **said, "promote": "if_better", **given})


@pytest.mark.parametrize(
    ("changes", "task", "where", "words"),
    [
        ({"target": "z"}, "classification", "target", "predicts 'z' (classification), but version 3 of model 'm'"),
        (
            {"target": None},
            "clustering",
            "target",
            "this training performs clustering, but version 3 of model 'm' predicts",
        ),
        ({}, "regression", "estimator", "predicts 'y' (regression), but version 3 of model 'm' predicts 'y' (class"),
        ({"estimator": "auto"}, "regression", "task", "predicts 'y' (regression)"),
    ],
)
def test_another_target_or_task_is_refused_unless_it_is_allowed(
    changes: dict[str, Any], task: Any, where: str, words: str
) -> None:
    standing = {"model": "m", "version": 3, "signature": signature().model_dump()}
    with pytest.raises(InvalidCommand) as caught:
        check_same_target(train(**changes), task, standing)
    assert words in caught.value.message
    assert caught.value.details[0]["where"] == where
    check_same_target(train(**changes, allow_target_change=True), task, standing)
    check_same_target(train(**changes), task, None)
    check_same_target(train(), "classification", standing)


def test_a_model_is_what_its_champion_does_else_its_newest_version() -> None:
    assert standing_version({"aliases": {"champion": 2}, "versions": [1, 2, 3]}) == 2
    assert standing_version({"aliases": {"trial": 1}, "versions": [1, 3]}) == 3
    assert standing_version({"aliases": {}, "versions": []}) is None
