"""The choice of an estimator: as good as the best default of the portfolio, told as it goes, and the same again."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine, make_classification, make_friedman1

from modelbus.shared.contracts import ColumnSchema, Task
from modelbus.shared.contracts.commands.tuning import Auto, Calibration, auto_task
from modelbus.shared.contracts.metric_names import PRIMARY_METRICS
from modelbus.shared.errors import InvalidCommand
from modelbus.trainer.auto.portfolio import PORTFOLIO, families_for, require_families
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.training.fit import FitOutcome, fit_model
from modelbus.trainer.tuning.ensembling import Library, crossed_scores, gain_and_error, select
from modelbus.trainer.tuning.objectives import Objective, objective_of
from modelbus.trainer.tuning.tuning_hooks import TuningHooks
from tests.unit.tables import fit

TOLERANCE = 0.03
"""How much worse on held-out rows the choice may be than the default that happens to be the best there: that one is
picked with the hold-out in sight, and a hundred rows tell no smaller differences."""
QUICK = ["DummyClassifier", "LogisticRegression", "GaussianNB", "KNeighborsClassifier"]


def frame_of(values: Any, target: Any) -> pd.DataFrame:
    frame = pd.DataFrame(np.asarray(values, dtype=np.float64))
    return frame.rename(columns=str).assign(y=target)


def _cancer() -> pd.DataFrame:
    return frame_of(*load_breast_cancer(return_X_y=True))


def _wine() -> pd.DataFrame:
    return frame_of(*load_wine(return_X_y=True))


def _diabetes() -> pd.DataFrame:
    return frame_of(*load_diabetes(return_X_y=True))


def _unequal() -> pd.DataFrame:
    made = make_classification(500, 10, n_informative=5, weights=[0.85], class_sep=0.8, random_state=1)
    return frame_of(*made)


def _friedman() -> pd.DataFrame:
    return frame_of(*make_friedman1(400, 8, noise=1.0, random_state=2))


TABLES = {
    "cancer": (_cancer, "classification"),
    "wine": (_wine, "classification"),
    "unequal": (_unequal, "classification"),
    "diabetes": (_diabetes, "regression"),
    "friedman": (_friedman, "regression"),
}


def plan_of(frame: pd.DataFrame, task: Task, estimator: str, **fields: Any) -> FitPlan:
    kind = "integer" if task == "classification" else "real"
    return FitPlan(
        target="y",
        features=[ColumnSchema(name=name, type="real", missing=0, distinct=9) for name in frame.columns if name != "y"],
        target_schema=ColumnSchema(name="y", type=kind, missing=0, distinct=9),
        estimator_name=estimator,
        task=task,
        seed=1,
        **fields,
    )


def choose(frame: pd.DataFrame, task: Task = "classification", **fields: Any) -> FitOutcome:
    auto = Auto.model_validate({"time_budget_s": 3600, **fields})
    return fit_model(frame, plan_of(frame, task, "auto", tuning=auto))


@pytest.mark.parametrize("name", TABLES)
def test_a_choice_is_not_worse_than_the_best_default_of_the_portfolio(name: str) -> None:
    make, task = TABLES[name]
    frame, metric = make(), PRIMARY_METRICS[task]  # type: ignore[index]
    defaults = {}
    for family in PORTFOLIO[task]:  # type: ignore[index]
        plan = plan_of(frame, task, family.estimator, hyperparameters=family.default)  # type: ignore[arg-type]
        defaults[family.estimator] = fit_model(frame, plan).metrics[metric]

    outcome = choose(frame, task, max_models=12, cross_validation={"folds": 3})  # type: ignore[arg-type]

    own, best = outcome.metrics[metric], max(value for value in defaults.values() if value is not None)
    assert own is not None
    assert own >= best - TOLERANCE, (outcome.choice and outcome.choice.summary(), own, defaults)


def test_with_time_to_spare_the_same_seed_gives_the_same_model_to_the_last_bit() -> None:
    frame = _wine()
    first, again = (choose(frame, max_models=8, include=QUICK, cross_validation={"folds": 3}) for _ in range(2))

    assert first.choice is not None
    assert again.choice is not None
    tables = [
        [(one.estimator, one.hyperparameters, one.scores, one.rank) for one in outcome.choice.board.records()]
        for outcome in (first, again)
        if outcome.choice
    ]
    assert tables[0] == tables[1]
    assert len(tables[0]) >= 8
    rows = frame.drop(columns="y")
    answers = [each.model.predict_frame(rows, True).probabilities for each in (first, again)]
    assert answers[0] is not None
    np.testing.assert_array_equal(answers[0], answers[1])


def test_less_time_tries_the_beginning_of_the_same_list() -> None:
    def tried(limit: int) -> list[Any]:
        outcome = choose(_wine(), max_models=limit, include=QUICK, has_ensemble=False)
        assert outcome.choice is not None
        trials = outcome.choice.board.trials
        return [(one.number, one.estimator, dict(one.hyperparameters)) for one in trials]

    assert tried(6) == tried(9)[:7], "six and the baseline"


def test_the_time_over_at_once_leaves_the_first_of_the_portfolio() -> None:
    outcome = choose(_wine(), time_budget_s=1e-6)

    assert outcome.choice is not None
    assert (outcome.choice.estimator, outcome.choice.stopped_early) == ("DummyClassifier", "time_budget")


def test_a_classifier_that_is_chosen_gives_probabilities_support_vectors_too() -> None:
    frame = _wine()
    outcome = choose(frame, include=["DummyClassifier", "SVC"], max_models=3, cross_validation={"folds": 3})

    assert outcome.choice is not None
    assert outcome.choice.estimator == "CalibratedClassifierCV"
    assert outcome.choice.hyperparameters["estimator"]["estimator"] == "SVC"
    probabilities = outcome.model.predict_frame(frame.drop(columns="y"), True).probabilities
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1.0)  # type: ignore[arg-type]
    others = [one.hyperparameters["estimator"] for one in outcome.choice.board.trials[1:]]
    assert [one["hyperparameters"] for one in others][:2] == [{}, {"C": 10.0, "class_weight": "balanced"}]


def test_a_classifier_without_probabilities_fails_as_a_candidate_but_not_where_it_is_calibrated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelbus.trainer.auto.portfolio.with_probabilities", lambda family: family)
    frame = _wine()
    plain = choose(frame, include=["DummyClassifier", "SVC"], max_models=1)
    assert plain.choice is not None
    assert plain.choice.estimator == "DummyClassifier"
    failed = next(one for one in plain.choice.board.records() if one.estimator == "SVC")
    assert (failed.state, "gives no probabilities" in str(failed.error)) == ("failed", True)
    assert any("baseline" in one and "SVC" in one for one in plain.warnings)

    auto = Auto(include=["DummyClassifier", "SVC"], max_models=1, time_budget_s=3600)
    calibrated = fit_model(frame, plan_of(frame, "classification", "auto", tuning=auto, calibration=Calibration()))
    assert calibrated.choice is not None
    assert calibrated.choice.estimator == "SVC"
    assert calibrated.model.has_probabilities


def test_large_tables_begin_with_what_is_quick() -> None:
    plan = plan_of(_wine(), "classification", "auto", tuning=Auto())
    few, many = (
        {one.estimator: one for one in families_for(Auto(), plan, "classification", row_count)}
        for row_count in (1_000, 40_000)
    )
    assert few["RandomForestClassifier"].default == {}
    assert many["RandomForestClassifier"].default["n_estimators"] < 100
    assert {} in many["RandomForestClassifier"].others, "what is the default is tried too"
    assert "SVC" not in many
    assert "CalibratedClassifierCV" not in many


def test_only_one_model_is_one_beside_the_baseline() -> None:
    outcome = choose(_wine(), max_models=1)

    assert outcome.choice is not None
    tried = [one.estimator for one in outcome.choice.board.trials]
    assert (len(tried), tried[0]) == (2, "DummyClassifier")
    assert outcome.choice.estimator == tried[1]


def test_a_choice_that_is_cancelled_keeps_the_best_so_far() -> None:
    asked: list[int] = []
    hooks = TuningHooks(is_stop_asked=lambda: len(asked) > 0, offer_early_end=lambda: asked.append(1))
    auto = Auto(keep_best_on_cancel=True, include=QUICK)
    frame = _wine()

    outcome = fit_model(frame, plan_of(frame, "classification", "auto", tuning=auto), hooks=hooks)

    assert outcome.choice is not None
    assert (outcome.choice.estimator, outcome.choice.stopped_early) == ("DummyClassifier", "cancelled")


def test_what_is_clearly_worse_on_the_first_folds_is_not_measured_on_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelbus.trainer.auto.auto_time._CHEAP", 0.0)  # as if each fit were long
    included = ["DummyClassifier", "GaussianNB", "MLPClassifier"]
    outcome = choose(_wine(), max_models=3, include=included, cross_validation={"folds": 3})

    assert outcome.choice is not None
    states = {one.estimator: (one.state, len(one.scores)) for one in outcome.choice.board.records()}
    assert states["GaussianNB"] == ("measured", 3)
    assert states["MLPClassifier"][0] == "discarded"
    assert states["MLPClassifier"][1] < 3


def test_what_is_included_and_excluded_is_of_the_portfolio() -> None:
    with pytest.raises(InvalidCommand) as caught:
        require_families(Auto(include=["Ridge"], exclude=["GaussianNB", "SVG"]), "classification")
    assert [one["where"] for one in caught.value.details] == ["auto.include.0", "auto.exclude.1"]
    with pytest.raises(InvalidCommand, match="no estimator of the portfolio is left"):
        require_families(Auto(include=["SVC"], exclude=["SVC"]), "classification")


def test_real_tables_and_weights_are_no_obstacle() -> None:
    outcome = fit(
        "auto",
        hyperparameters={},
        task="classification",
        class_weight="balanced",
        tuning=Auto(max_models=5, include=[*QUICK, "RandomForestClassifier"], time_budget_s=3600),
    )

    assert outcome.choice is not None
    assert all("class_weight" not in one.hyperparameters for one in outcome.choice.board.trials)
    failed = {one.estimator: one.error for one in outcome.choice.board.trials if one.error}
    assert list(failed) == ["KNeighborsClassifier"]
    assert "accepts neither class weights nor sample weights" in str(failed["KNeighborsClassifier"])


@pytest.mark.parametrize(
    ("kind", "distinct", "task"),
    [
        ("text", 900, "classification"),
        ("boolean", 2, "classification"),
        ("integer", 20, "classification"),
        ("integer", 21, "regression"),
        ("real", 2, "regression"),
    ],
)
def test_the_target_says_what_is_learnt(kind: str, distinct: int, task: str) -> None:
    assert auto_task({"type": kind, "distinct": distinct}) == task


# --- ensembles ---


def library(noise: list[float], seed: int = 0) -> Library:
    """Answers of candidates for a number, each with its own noise, on five folds."""
    random = np.random.default_rng(seed)
    truth = [random.normal(size=80) for _ in range(5)]
    answers = [[fold + random.normal(0, one, 80) for fold in truth] for one in noise]
    return Library(objective_of("r2", "regression"), truth, answers)


def is_better(ensemble: Sequence[float | None], single: Sequence[float | None], objective: Objective) -> bool:
    """Whether it is better by more than one standard error."""
    found = gain_and_error(ensemble, single, objective)
    return found is not None and found[0] > found[1]


def test_independent_errors_are_joined_and_a_useless_candidate_is_not() -> None:
    made = library([0.5, 0.5, 0.5, 50.0])

    counts = select(made, range(5))

    assert counts[3] == 0
    assert all(count > 0 for count in counts[:3])
    singles = [made.score([1, 0, 0, 0], fold) for fold in range(5)]
    assert is_better(crossed_scores(made), singles, made.objective)


def test_an_ensemble_that_gains_by_chance_only_is_none() -> None:
    random = np.random.default_rng(0)
    truth = [random.normal(size=80) for _ in range(5)]
    best = [fold + random.normal(0, 0.3, 80) for fold in truth]
    alike = [fold + random.normal(0, 1e-9, 80) for fold in best]
    made = Library(objective_of("r2", "regression"), truth, [best, alike])

    singles = [made.score([1, 0], fold) for fold in range(5)]

    assert not is_better(crossed_scores(made), singles, made.objective) or np.allclose(
        [one or 0 for one in crossed_scores(made)], [one or 0 for one in singles]
    )
    assert not is_better([0.5], [0.4], made.objective), "one fold tells no chance from gain"


def test_the_members_of_an_ensemble_answer_as_their_kept_answers_said() -> None:
    frame = _friedman()
    outcome = choose(
        frame,
        "regression",
        max_models=6,
        include=["DummyRegressor", "Ridge", "KNeighborsRegressor", "SVR"],
    )

    assert outcome.choice is not None
    assert outcome.choice.estimator == "VotingRegressor"
    records = outcome.choice.board.records()
    joined = [one for one in records if one.estimator == "VotingRegressor"]
    assert joined, [one.mean for one in records]
    again = fit_model(frame, plan_of(frame, "regression", "VotingRegressor", hyperparameters=joined[0].hyperparameters))
    rows = frame.drop(columns="y")
    assert again.model.predict_frame(rows, False).labels == outcome.model.predict_frame(rows, False).labels


def test_votes_on_classes_are_those_of_the_members_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelbus.trainer.auto.joining.gain_and_error", lambda *_: (1.0, 0.0))
    frame = _wine()

    outcome = choose(frame, max_models=4, include=QUICK, scoring="log_loss", cross_validation={"folds": 3})

    assert outcome.choice is not None
    joined = [one for one in outcome.choice.board.trials if one.estimator == "VotingClassifier"]
    assert len(joined) == 1
    voting = fit_model(
        frame, plan_of(frame, "classification", "VotingClassifier", hyperparameters=joined[0].hyperparameters)
    )
    members = [
        fit_model(frame, plan_of(frame, "classification", one["estimator"], hyperparameters=one["hyperparameters"]))
        for one in joined[0].hyperparameters["estimators"]
    ]
    rows = frame.drop(columns="y")
    answers = [one.model.predict_frame(rows, True).probabilities for one in members]
    mean = np.average(answers, axis=0, weights=joined[0].hyperparameters["weights"])  # type: ignore[arg-type]
    np.testing.assert_allclose(voting.model.predict_frame(rows, True).probabilities, mean)  # type: ignore[arg-type]


def test_an_ensemble_on_few_parts_is_selected_on_some_rows_and_measured_on_others() -> None:
    made = library([0.5, 0.5, 0.5])
    one_part = Library(made.objective, made.truth[:1], [answers[:1] for answers in made.answers])
    groups = one_part.regrouped()

    assert [len(one) for one in groups.truth] == [16] * 5
    np.testing.assert_array_equal(np.sort(np.concatenate(groups.truth)), np.sort(one_part.truth[0]))
    singles = [groups.score([1, 0, 0], fold) for fold in range(5)]
    assert is_better(crossed_scores(groups), singles, made.objective)
