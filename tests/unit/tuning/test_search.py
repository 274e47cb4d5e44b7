"""The search: its scores are scikit-learn's, the hold-out is never seen, and what fails stays in the table."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelbus.shared.contracts import ColumnSchema, CrossValidation, HoldOut
from modelbus.shared.contracts.commands.tuning import Search
from modelbus.shared.contracts.records.candidate_records import TuningProgress
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.tabular.metrics.by_task import score_classification, score_regression
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.rows.splitting import Split
from modelbus.trainer.training.fit import FitOutcome, fit_model
from modelbus.trainer.tuning.halving import Round, rounds, with_fewer_rows
from modelbus.trainer.tuning.leaderboard import Leaderboard
from modelbus.trainer.tuning.objectives import objective_of
from modelbus.trainer.tuning.tuning_hooks import TuningHooks, TuningWatch
from tests.unit.tables import features, fit
from tests.waiting import wait_until

C = {"C": {"values": [0.001, 0.1, 10.0]}}
DEPTH = {"max_depth": {"distribution": "int_uniform", "low": 1, "high": 20}}


def search(space: dict[str, Any], method: str = "grid", **fields: Any) -> Search:
    return Search.model_validate({"method": method, "space": space, **fields})


def column(name: str) -> ColumnSchema:
    return ColumnSchema(name=name, type="real", missing=0, distinct=1)


def numbers(row_count: int = 200) -> pd.DataFrame:
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.normal(size=(row_count, 4)), columns=list("abcd"))
    signal = frame["a"] - frame["b"] + random.normal(0, 1, row_count)
    return frame.assign(kind=np.where(signal > 0, "yes", "no"), amount=signal)


def fit_numbers(estimator: str, target: str, tuning: Search, **changes: Any) -> FitOutcome:
    kind = "text" if target == "kind" else "real"
    frame = changes.pop("frame", numbers())
    plan = FitPlan(
        target=target,
        features=[column(name) for name in "abcd"],
        target_schema=ColumnSchema(name=target, type=kind, missing=0, distinct=2),
        estimator_name=estimator,
        tuning=tuning,
        seed=3,
        **{name: changes.pop(name) for name in ("cross_validation", "hold_out") if name in changes},
    )
    return fit_model(frame, plan, **changes)


def table_of(outcome: FitOutcome) -> list[Any]:
    assert outcome.choice is not None
    return sorted(outcome.choice.board.records(), key=lambda one: one.number)


# --- equal to scikit-learn's ---


@pytest.mark.parametrize("target", ["kind", "amount"])
def test_the_scores_are_those_of_gridsearchcv_on_the_same_parts(target: str) -> None:
    is_class = target == "kind"
    space = C if is_class else {"alpha": {"values": [0.1, 10.0, 1000.0]}}
    scoring = "balanced_accuracy" if is_class else "r2"
    outcome = fit_numbers("LogisticRegression" if is_class else "Ridge", target, search(space))
    rows = numbers().iloc[outcome.train_indices]
    estimator = LogisticRegression() if is_class else Ridge()
    splitter = (StratifiedKFold if is_class else KFold)(5, shuffle=True, random_state=3)
    name = type(estimator).__name__.lower()
    theirs = GridSearchCV(
        make_pipeline(StandardScaler(), estimator),
        {f"{name}__{key}": values["values"] for key, values in space.items()},
        scoring=scoring,
        cv=splitter,
    ).fit(rows[list("abcd")], rows[target])

    ours = table_of(outcome)

    for number, one in enumerate(ours):
        scores = [theirs.cv_results_[f"split{part}_test_score"][number] for part in range(5)]
        np.testing.assert_allclose(one.scores, scores, rtol=0, atol=1e-10)
    np.testing.assert_allclose([one.mean for one in ours], theirs.cv_results_["mean_test_score"], atol=1e-10)
    np.testing.assert_allclose(
        [one.standard_deviation for one in ours], theirs.cv_results_["std_test_score"], atol=1e-10
    )
    assert outcome.choice is not None
    assert list(outcome.choice.hyperparameters.values()) == list(theirs.best_params_.values())
    assert [one.rank for one in ours] == theirs.cv_results_["rank_test_score"].tolist()


def test_an_objective_is_the_metric_of_its_name() -> None:
    random = np.random.default_rng(0)
    for class_count in (2, 3):
        truth = random.integers(0, class_count, 80)
        probabilities = random.dirichlet(np.ones(class_count), 80)
        answers, classes = np.argmax(probabilities, axis=1), list(range(class_count))
        measured = score_classification(truth.tolist(), answers.tolist(), probabilities, classes)
        for name in ("accuracy", "f1_macro", "log_loss", "roc_auc", "average_precision", "brier_score", "cohen_kappa"):
            scored = objective_of(name, "classification").score(truth, answers, probabilities)
            assert scored == measured[name], name
    numbers_true, predicted = random.normal(size=50), random.normal(size=50)
    measured = score_regression(numbers_true, predicted)
    errors = (
        "mean_squared_error",
        "root_mean_squared_error",
        "mean_absolute_error",
        "median_absolute_error",
        "max_error",
    )
    for name in ("r2", "explained_variance", "mean_absolute_percentage_error", *errors):
        scored = objective_of(name, "regression").score(numbers_true, predicted, None)
        assert scored == measured[name], name


def test_less_is_better_where_the_metric_is_an_error() -> None:
    outcome = fit_numbers("Ridge", "amount", search({"alpha": {"values": [1e6, 1.0]}}, scoring="mean_absolute_error"))

    assert outcome.choice is not None
    assert (outcome.choice.hyperparameters, outcome.choice.number) == ({"alpha": 1.0}, 2)


def test_a_metric_that_the_task_has_not_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidCommand, match="regression has no metric 'accuracy'") as caught:
        fit_numbers("Ridge", "amount", search({"alpha": {"values": [1.0]}}, scoring="accuracy"))

    assert caught.value.details[0]["where"] == "search.scoring"


# --- what it may see ---


def test_the_hold_out_is_never_seen() -> None:
    frame = numbers()
    first = fit_numbers("LogisticRegression", "kind", search(C))
    scrambled = frame.copy()
    scrambled.loc[first.hold_out_indices, list("abcd")] = 1e6

    again = fit_numbers("LogisticRegression", "kind", search(C), frame=scrambled)

    np.testing.assert_array_equal(first.hold_out_indices, again.hold_out_indices)
    assert [one.scores for one in table_of(first)] == [one.scores for one in table_of(again)]
    np.testing.assert_array_equal(first.model.estimator.coef_, again.model.estimator.coef_)


def test_the_encoder_is_learnt_within_each_part() -> None:
    # a name for each row, and noise as the target: means that had seen the measured rows would look like knowledge
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"town": [f"t{number % 60}" for number in range(240)], "y": random.normal(size=240)})
    plan = FitPlan(
        target="y",
        features=[ColumnSchema(name="town", type="text", missing=0, distinct=60)],
        target_schema=ColumnSchema(name="y", type="real", missing=0, distinct=240),
        estimator_name="Ridge",
        tuning=search({"alpha": {"values": [1e-3, 1.0]}}),
    )

    outcome = fit_model(frame, plan)

    assert max(one.mean for one in table_of(outcome)) < 0.1


def test_in_the_order_of_time_candidates_are_measured_on_later_rows() -> None:
    frame = numbers().assign(day=np.arange(200, dtype=np.float64))
    plan = FitPlan(
        target="amount",
        features=[column(name) for name in "abcd"],
        target_schema=column("amount"),
        estimator_name="Ridge",
        tuning=search({"alpha": {"values": [1.0]}}, cross_validation={"fraction": 0.25}),
        hold_out=HoldOut(time_column="day"),
        time_schema=column("day"),
    )

    outcome = fit_model(frame, plan)

    rows = frame.iloc[:160]
    scaled = make_pipeline(StandardScaler(), Ridge(1.0)).fit(rows[list("abcd")][:120], rows["amount"][:120])
    expected = scaled.score(rows[list("abcd")][120:], rows["amount"][120:])
    assert table_of(outcome)[0].scores == [pytest.approx(expected)]


def test_cross_validation_measures_the_search_too() -> None:
    outcome = fit_numbers("LogisticRegression", "kind", search(C), cross_validation=CrossValidation(folds=3))
    again = fit_numbers("LogisticRegression", "kind", search(C))
    assert outcome.cross_validation is not None
    assert len(outcome.cross_validation["metrics"]["accuracy"]["values"]) == 3
    np.testing.assert_array_equal(outcome.model.estimator.coef_, again.model.estimator.coef_)


# --- the same again ---


@pytest.mark.parametrize("method", ["random", "halving", "tpe"])
def test_the_same_seed_gives_the_same_table_and_the_same_model(method: str) -> None:
    first, again = (fit("DecisionTreeClassifier", tuning=search(DEPTH, method, candidates=6)) for _ in range(2))

    assert [(one.hyperparameters, one.scores, one.rank) for one in table_of(first)] == [
        (one.hyperparameters, one.scores, one.rank) for one in table_of(again)
    ]
    answers = [each.model.predict_frame(features(), True).probabilities for each in (first, again)]
    assert answers[0] is not None
    np.testing.assert_array_equal(answers[0], answers[1])


# --- what fails ---


def test_a_candidate_that_fails_is_kept_with_its_error_in_words() -> None:
    outcome = fit("KNeighborsClassifier", tuning=search({"n_neighbors": {"values": [3, 5000, 5]}}))

    failed = table_of(outcome)[1]
    assert (failed.state, failed.rank, failed.mean) == ("failed", None, None)
    assert "n_neighbors <= n_samples_fit" in str(failed.error)
    assert outcome.choice is not None
    assert outcome.choice.summary()["failed_count"] == 1
    assert [one.number for one in outcome.choice.board.records()][-1] == 2


def test_if_all_fail_the_training_does_and_says_why() -> None:
    with pytest.raises(EstimatorRejected, match="none of the 2 candidates") as caught:
        fit("KNeighborsClassifier", tuning=search({"n_neighbors": {"values": [4000, 5000]}}))

    assert [one["where"] for one in caught.value.details] == ["candidates.1", "candidates.2"]


def test_a_candidate_without_probabilities_cannot_be_searched_by_them() -> None:
    with pytest.raises(EstimatorRejected, match="roc_auc needs probabilities, which it does not have"):
        fit("LinearSVC", tuning=search({"C": {"values": [1.0]}}, scoring="roc_auc"))


def test_warnings_of_candidates_are_not_those_of_the_model() -> None:
    outcome = fit_numbers("LogisticRegression", "kind", search({"max_iter": {"values": [1, 1000]}}, scoring="log_loss"))

    assert outcome.choice is not None
    assert outcome.choice.hyperparameters == {"max_iter": 1000}
    assert outcome.warnings == []


def test_clusters_are_searched_by_how_far_they_are_apart() -> None:
    outcome = fit("KMeans", None, tuning=search({"n_clusters": {"values": [2, 3, 8]}}))

    assert outcome.choice is not None
    assert outcome.choice.board.objective.name == "silhouette"
    with pytest.raises(InvalidCommand, match="outlier_detection has no metric"):
        fit("IsolationForest", None, tuning=search({"n_estimators": {"values": [10]}}))


# --- halving ---


@pytest.mark.parametrize(
    ("candidate_count", "row_count", "least", "expected"),
    [
        (9, 900, 100, [Round(9, 100), Round(3, 300), Round(1, 900)]),
        (27, 900, 100, [Round(27, 100), Round(9, 300), Round(3, 900)]),
        (10, 8100, None, [Round(10, 900), Round(4, 2700), Round(2, 8100)]),
        (1, 900, 100, [Round(1, 900)]),
        (20, 50, None, [Round(20, 50)]),
    ],
)
def test_each_round_has_a_third_of_the_candidates_and_three_times_the_rows(
    candidate_count: int, row_count: int, least: int | None, expected: list[Round]
) -> None:
    assert rounds(candidate_count, row_count, 3, least) == expected


def test_a_smaller_sample_is_part_of_a_larger_one_and_keeps_the_classes_shares() -> None:
    target = np.array([0] * 180 + [1] * 20)
    whole = [Split(np.arange(200), np.arange(0))]

    def sample(row_count: int) -> np.ndarray[Any, Any]:
        return with_fewer_rows(whole, row_count, target, is_classification=True, seed=1)[0].train

    assert set(sample(40)) < set(sample(120)) < set(sample(200))
    assert [int(target[sample(count)].sum()) for count in (40, 120)] == [4, 12]


def test_halving_measures_the_last_round_on_all_rows() -> None:
    frame = numbers(500)
    tuning = search(C | {"max_iter": {"values": [50, 100, 200]}}, "halving", min_resource_rows=30)
    outcome = fit_numbers("LogisticRegression", "kind", tuning, frame=frame)

    table = table_of(outcome)
    assert sorted(one.row_count for one in table) == [35] * 6 + [106] * 2 + [320]
    assert outcome.choice is not None
    assert table[outcome.choice.number - 1].row_count == 320
    whole = fit_numbers("LogisticRegression", "kind", search({"C": {"values": [0.1]}}), frame=frame)
    assert table_of(whole)[0].row_count is None


# --- stopping, and telling ---


def test_a_search_that_is_asked_to_stop_keeps_the_best_so_far() -> None:
    offered: list[bool] = []
    hooks = TuningHooks(is_stop_asked=lambda: bool(offered), offer_early_end=lambda: offered.append(True))
    tuning = search(C, keep_best_on_cancel=True)

    outcome = fit_numbers("LogisticRegression", "kind", tuning, hooks=hooks, cross_validation=CrossValidation(folds=3))

    assert outcome.choice is not None
    assert (outcome.choice.stopped_early, outcome.choice.hyperparameters) == ("cancelled", {"C": 0.001})
    assert [one.state for one in table_of(outcome)] == ["measured", "unfinished"]
    assert outcome.cross_validation is None
    assert any("was not completed" in warning for warning in outcome.warnings)
    assert outcome.metrics["accuracy"] is not None


def test_nothing_is_offered_where_nothing_is_to_be_kept() -> None:
    offered: list[bool] = []
    fit_numbers(
        "LogisticRegression", "kind", search(C), hooks=TuningHooks(offer_early_end=lambda: offered.append(True))
    )
    assert not offered


def test_after_its_time_budget_a_search_ends_with_the_best_so_far() -> None:
    outcome = fit_numbers("LogisticRegression", "kind", search(C, time_budget_s=1e-6))

    assert outcome.choice is not None
    assert outcome.choice.summary()["stopped_early"] == "time_budget"
    assert [one.state for one in table_of(outcome)] == ["measured", "unfinished"]


def test_progress_counts_candidates_times_parts_and_shows_the_best_ones() -> None:
    shown: list[TuningProgress] = []
    said: list[tuple[float | None, str]] = []
    space = {"C": {"values": [number / 10 for number in range(1, 31)]}}

    fit_numbers(
        "LogisticRegression",
        "kind",
        search(space),
        hooks=TuningHooks(show=shown.append),
        report=lambda share, words: said.append((share, words)),
    )

    last = shown[-1]
    assert (last.done, last.total, last.candidate_count, last.scoring) == (150, 150, 30, "balanced_accuracy")
    assert len(last.leaderboard) == 20
    assert [one.rank for one in last.leaderboard] == list(range(1, 21))
    assert last.best == last.leaderboard[0].mean
    shares = [share for share, _ in said if share is not None]
    assert shares == sorted(shares)
    assert any("best balanced_accuracy so far" in words for _, words in said)


def test_what_came_just_before_a_long_fit_is_told_while_it_lasts() -> None:
    shown: list[TuningProgress] = []
    board = Leaderboard(objective_of(None, "classification"))
    watch = TuningWatch(
        board, TuningHooks(show=shown.append), lambda _share, _words: None, budget_s=None, keeps_best=False
    )
    with watch.running():
        for number in range(3):
            watch.step(f"candidate {number}")
        wait_until(lambda: shown[-1].done == 3, "the last of three quick ones is told")
