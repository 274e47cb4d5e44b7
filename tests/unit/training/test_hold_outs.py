"""How rows are held out and parted: by class as far as can be, by time, by whole groups; and what is said of it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from modelbus.shared.contracts import ColumnSchema, CrossValidation, HoldOut, TrainModel
from modelbus.shared.contracts.checks.command_checks import training_features
from modelbus.shared.contracts.commands.tuning import Calibration, SearchValidation, Threshold
from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.models.artifacts import dump_model
from modelbus.trainer.fitting.calibrating import calibration_folds
from modelbus.trainer.fitting.cross_validation import cross_validate, fold_indices, fold_notes
from modelbus.trainer.fitting.fold_fitting import FoldFitter
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.rows.splitting import Split, split_rows
from modelbus.trainer.training.learning_curve import measure_learning_curve
from modelbus.trainer.training.preparing import prepare
from modelbus.trainer.tuning.search import TuningRows
from tests.unit.tables import TYPES, fit, schema, table

PLANS = {"hold_out": HoldOut(time_column="seen"), "time_schema": schema("seen")}
COUNTS = st.lists(st.integers(1, 30), min_size=2, max_size=12).filter(lambda counts: sum(counts) >= 8)


def codes_of(counts: list[int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))


def grouped(frame: pd.DataFrame | None = None, count: int = 30) -> pd.DataFrame:
    """The table with a column of groups of many sizes, whose rows lie scattered."""
    frame = table() if frame is None else frame
    random = np.random.default_rng(5)
    return frame.assign(customer=random.choice(count, len(frame), p=random.dirichlet(np.ones(count))))


# --- by class ---


@settings(deadline=None)
@given(counts=COUNTS, fraction=st.floats(0.05, 0.6), seed=st.integers(0, 5))
def test_classes_keep_their_shares_as_far_as_whole_rows_allow(counts: list[int], fraction: float, seed: int) -> None:
    codes = codes_of(counts)
    wanted = int(np.ceil(fraction * len(codes)))
    if len(codes) - wanted < 2:
        return
    found = split_rows(codes, HoldOut(fraction=fraction), is_classification=True, seed=seed)
    assert sorted([*found.train, *found.hold_out]) == list(range(len(codes)))
    assert len(found.hold_out) == wanted
    if found.method == "random":
        assert len(codes) - wanted < len(counts)
        return
    held_out = np.bincount(codes[found.hold_out], minlength=len(counts))
    assert (held_out < np.array(counts)).all(), "each class is trained on"
    if found.method == "partly_stratified":
        quotas = wanted * np.array(counts) / len(codes)
        # what classes of one row cannot give, the others give: one row each and each time
        lost = np.maximum(np.ceil(quotas) - (np.array(counts) - 1), 0).sum()
        assert (held_out >= np.minimum(np.floor(quotas), np.array(counts) - 1)).all()
        assert (held_out - quotas).max() <= 1 + lost
    again = split_rows(codes, HoldOut(fraction=fraction), is_classification=True, seed=seed)
    assert again.hold_out.tolist() == found.hold_out.tolist()


@given(counts=st.lists(st.integers(5, 30), min_size=2, max_size=4), seed=st.integers(0, 5))
def test_where_all_classes_can_be_parted_the_split_is_scikit_learns(counts: list[int], seed: int) -> None:
    codes = codes_of(counts)
    found = split_rows(codes, HoldOut(), is_classification=True, seed=seed)
    theirs = train_test_split(
        np.arange(len(codes)), test_size=int(np.ceil(0.2 * len(codes))), random_state=seed, stratify=codes
    )
    if len(found.hold_out) >= len(counts):
        assert found.method == "stratified"
        assert [found.train.tolist(), found.hold_out.tolist()] == [one.tolist() for one in theirs]


def test_a_class_of_one_row_leaves_the_others_stratified_and_is_told() -> None:
    labels = ["a"] * 80 + ["b"] * 19 + ["c"]
    outcome = fit(
        "GaussianNB",
        "y",
        frame=pd.DataFrame({"x": range(100), "y": labels}),
        features=[_column("x", "real")],
        target_schema=_column("y", "text"),
    )
    held_out = outcome.hold_out["y"].value_counts().to_dict()
    assert held_out == {"a": 16, "b": 4}
    assert outcome.model.signature.classes == ["a", "b", "c"]
    how = outcome.held_out
    assert (how.method, how.row_count, how.unmeasured_classes, how.unmeasured_class_count) == (
        "partly_stratified",
        20,
        ["c"],
        1,
    )
    assert any("the class 'c' (1 row) has too few" in warning for warning in outcome.warnings), outcome.warnings


def _column(name: str, kind: Any) -> ColumnSchema:
    return ColumnSchema(name=name, type=kind, missing=0, distinct=1)


@pytest.mark.parametrize(
    ("estimator", "target", "plan", "method"),
    [
        ("GaussianNB", "label", {}, "stratified"),
        ("GaussianNB", "label", {"hold_out": HoldOut(is_stratified=False)}, "random"),
        ("Ridge", "price", {}, "random"),
        ("KMeans", None, {}, "random"),
        ("Ridge", "price", PLANS, "by_time"),
    ],
)
def test_the_outcome_says_how_rows_were_held_out(estimator: str, target: Any, plan: Any, method: str) -> None:
    how = fit(estimator, target, **plan).held_out
    assert (how.method, how.row_count, how.unmeasured_classes, how.group_count) == (method, 48, [], None)


def test_a_class_that_only_earlier_rows_have_is_told_to_be_unmeasured() -> None:
    frame = table().sort_values("seen", ignore_index=True)
    frame["label"] = frame["label"].where(frame.index >= 60, "early")
    outcome = fit("GaussianNB", frame=frame, **PLANS)
    assert outcome.held_out.unmeasured_classes == ["early"]
    assert "the class 'early' (60 rows) has no held-out row" in " ".join(outcome.warnings)


# --- by group ---


@given(
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=15).filter(lambda sizes: sum(sizes) >= 6),
    fraction=st.floats(0.1, 0.5),
    seed=st.integers(0, 5),
)
def test_groups_are_held_out_whole(sizes: list[int], fraction: float, seed: int) -> None:
    groups = codes_of(sizes, seed)
    try:
        found = split_rows(
            np.zeros(len(groups)),
            HoldOut(fraction=fraction, group_column="g"),
            is_classification=False,
            seed=seed,
            groups=groups,
        )
    except EstimatorRejected:
        assert min(sizes) == 1
        return
    assert not set(groups[found.train]) & set(groups[found.hold_out])
    assert sorted([*found.train, *found.hold_out]) == list(range(len(groups)))
    assert abs(len(found.hold_out) - np.ceil(fraction * len(groups))) <= max(sizes)


def test_a_fit_by_groups_keeps_them_whole_throughout() -> None:
    frame = grouped()
    plan = {"frame": frame, "hold_out": HoldOut(group_column="customer"), "group_column": "customer"}
    outcome = fit("LogisticRegression", threshold=Threshold(), cross_validation=CrossValidation(folds=3), **plan)
    trained, held_out = (
        set(frame["customer"].iloc[rows]) for rows in (outcome.train_indices, outcome.hold_out_indices)
    )
    assert not trained & held_out
    assert (outcome.held_out.method, outcome.held_out.group_count) == ("by_group", len(held_out))
    assert outcome.cross_validation is not None
    assert "customer" not in [column.name for column in outcome.model.signature.columns]


@pytest.mark.parametrize("validation", [SearchValidation(folds=3), SearchValidation(fraction=0.3)])
def test_candidates_are_measured_on_whole_groups(validation: SearchValidation) -> None:
    frame = grouped()
    plan = FitPlan(
        target="label",
        features=[schema(name) for name in TYPES],
        target_schema=schema("label"),
        estimator_name="LogisticRegression",
        hold_out=HoldOut(group_column="customer"),
        group_column="customer",
        seed=3,
    )
    prepared = prepare(frame, plan)
    work = FoldFitter(frame, plan, prepared, lambda _share, _message: None)
    rows = TuningRows(frame, plan, prepared, work, prepared.split)
    customers = frame["customer"].to_numpy()[prepared.known.rows]
    for fold in rows.splits_of(validation):
        assert len(fold.train)
        assert len(fold.hold_out)
        assert not set(customers[fold.train]) & set(customers[fold.hold_out])


def test_a_group_that_is_larger_than_a_fold_ends_no_training() -> None:
    random = np.random.default_rng(2)
    frame = table().assign(customer=np.where(random.random(240) < 0.8, 0, random.integers(0, 9, 240)))
    outcome = fit(
        "LogisticRegression",
        frame=frame,
        hold_out=HoldOut(group_column="customer", fraction=0.1),
        group_column="customer",
        threshold=Threshold(),
        calibration=Calibration(),
        cross_validation=CrossValidation(folds=5),
    )
    assert outcome.threshold is not None
    assert outcome.cross_validation is not None
    assert len(outcome.cross_validation["metrics"]["accuracy"]["values"]) == 5


def test_rows_without_a_group_stay_together() -> None:
    frame = grouped()
    frame["customer"] = frame["customer"].astype("Int64").mask(frame["customer"] < 8)
    outcome = fit("GaussianNB", frame=frame, hold_out=HoldOut(group_column="customer"), group_column="customer")
    held_out = frame["customer"].iloc[outcome.hold_out_indices].isna()
    assert held_out.sum() in (0, frame["customer"].isna().sum())


def test_one_group_cannot_be_held_out() -> None:
    with pytest.raises(EstimatorRejected, match="the column 'customer' has a single group"):
        fit(
            "GaussianNB",
            frame=table().assign(customer="one"),
            hold_out=HoldOut(group_column="customer"),
            group_column="customer",
        )


def test_what_rows_are_grouped_by_is_no_feature_unless_it_is_named() -> None:
    given = {"model": "m", "dataset": "d", "target": "y", "estimator": "GaussianNB", "hold_out": {"group_column": "g"}}
    assert training_features(TrainModel.model_validate(given), ["x", "g", "y"]) == ["x"]
    named = TrainModel.model_validate({**given, "features": ["x", "g"]})
    assert training_features(named, ["x", "g", "y"]) == ["x", "g"]
    for changes, words in (
        ({"hold_out": {"group_column": "y"}}, "must not be the target"),
        ({"hold_out": {"group_column": "g", "time_column": "t"}}, "give only one of time_column and group_column"),
        ({"hold_out": {"group_column": "g", "is_stratified": True}}, "is_stratified requires a random hold-out"),
    ):
        with pytest.raises(ValueError, match=words):
            TrainModel.model_validate({**given, **changes})


# --- folds of the training rows ---


@pytest.mark.parametrize("way", ["random", "time", "group"])
def test_the_rows_of_a_threshold_are_parted_as_the_hold_out_is(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    from modelbus.trainer.training import learning

    def watched(*given: Any, **named: Any) -> Any:
        for fold in fold_indices(*given, **named):
            seen.append(fold)
            yield fold

    monkeypatch.setattr(learning, "fold_indices", watched)
    frame = grouped()
    plan: dict[str, Any] = {"frame": frame, "threshold": Threshold()}
    if way == "time":
        plan |= PLANS
    if way == "group":
        plan |= {"hold_out": HoldOut(group_column="customer"), "group_column": "customer"}
    outcome = fit("LogisticRegression", **plan)
    rows = frame.iloc[outcome.train_indices]
    assert len(seen) == 5
    for fitted, apart in seen:
        early, late = rows.iloc[fitted], rows.iloc[apart]
        assert (early["seen"].max() <= late["seen"].min()) == (way == "time")
        assert (not set(early["customer"]) & set(late["customer"])) == (way == "group")


def test_probabilities_are_calibrated_on_the_latest_rows_by_a_fit_of_the_earlier_ones() -> None:
    outcome = fit("GaussianNB", calibration=Calibration(), **PLANS)
    assert len(outcome.model.estimator.calibrated_classifiers_) == 1
    codes = np.array([0, 1] * 50)
    [(early, late)], notes = calibration_folds(codes, Calibration(), is_ordered=True, groups=None, seed=0) or []
    assert (early.tolist(), late.tolist(), notes) == (list(range(80)), list(range(80, 100)), [])
    encoded = outcome.model.encoder.transform(table().iloc[outcome.train_indices])[0]
    inner = outcome.model.estimator.calibrated_classifiers_[0].estimator
    count = len(encoded) - len(encoded) // 5
    np.testing.assert_allclose(inner.theta_[0].shape, encoded[:count][0].shape)
    assert inner.class_count_.sum() == count


def test_no_rows_are_kept_in_a_calibrated_artifact() -> None:
    frame = grouped()
    by_group = {"frame": frame, "hold_out": HoldOut(group_column="customer"), "group_column": "customer"}
    for plan in (PLANS, by_group):
        model = fit("GaussianNB", calibration=Calibration(), **plan).model
        assert model.estimator.cv == 5
        assert dump_model(model)


def test_groups_are_calibrated_whole() -> None:
    groups = codes_of([7] * 12)
    codes = np.random.default_rng(0).integers(0, 2, len(groups))
    found, notes = calibration_folds(codes, Calibration(), is_ordered=False, groups=groups, seed=0)
    assert found is not None
    assert notes == []
    assert all(not set(groups[one]) & set(groups[other]) for one, other in found)


@pytest.mark.parametrize("late", [True, False])
def test_rows_in_time_of_which_a_part_lacks_a_class_are_not_calibrated(late: bool) -> None:
    codes = np.array([0] * 80 + [1] * 20) if late else np.array([0, 1] * 30 + [0] * 40)
    with pytest.raises(EstimatorRejected, match="80 earlier" if late else "20 latest"):
        calibration_folds(codes, Calibration(), is_ordered=True, groups=None, seed=0)


def test_a_learning_curve_keeps_the_order_of_time() -> None:
    from modelbus.trainer.fitting.plan import FitPlan
    from tests.unit.tables import TYPES

    plan = FitPlan(
        target="label",
        features=[schema(name) for name in TYPES],
        target_schema=schema("label"),
        estimator_name="GaussianNB",
        calibration=Calibration(),
        **PLANS,
    )
    [point] = measure_learning_curve(table(), plan, [1.0])
    assert point.metrics == fit("GaussianNB", calibration=Calibration(), seed=0, **PLANS).metrics


# --- folds that could not be measured ---


def test_a_class_with_fewer_rows_than_folds_leaves_the_others_stratified() -> None:
    codes = codes_of([40, 20, 2])
    shares = [
        np.bincount(codes[apart], minlength=3)[:2].tolist()
        for _, apart in fold_indices(codes, 5, True, is_ordered=False, seed=0)
    ]
    assert all(one == [8, 4] for one in shares)


def test_a_fold_that_fails_is_left_out_and_told() -> None:
    def measure(_part: Split, fold: int) -> dict[str, float | None]:
        if fold == 1:
            raise EstimatorRejected("no feature varies")
        return {"accuracy": float(fold), "roc_auc": None if fold == 3 else 0.5}

    split = Split(np.arange(50), np.empty(0, dtype=np.int64))
    found = cross_validate(split, codes_of([25, 25]), measure, folds=5, classes=["a", "b"], is_ordered=False, seed=0)
    accuracy, area = (found["metrics"][name] for name in ("accuracy", "roc_auc"))
    assert (accuracy["mean"], accuracy["count"], accuracy["values"]) == (2.25, 4, [0.0, None, 2.0, 3.0, 4.0])
    assert (area["mean"], area["count"]) == (0.5, 3)
    undefined = "some metrics are not defined for its rows"
    assert found["unmeasured"] == [
        {"fold": 2, "reason": "no feature varies", "metrics": None},
        {"fold": 4, "reason": undefined, "metrics": ["roc_auc"]},
    ]
    assert fold_notes(found) == [
        "cross-validation: fold 2 of 5 could not be measured: no feature varies; the means are over 4 folds",
        f"cross-validation: in fold 4 of 5, {undefined}; not measured there: roc_auc (mean over 3 folds)",
    ]


def test_where_all_folds_fail_the_reason_is_told() -> None:
    def measure(_part: Split, _fold: int) -> dict[str, float | None]:
        raise EstimatorRejected("no feature varies")

    with pytest.raises(EstimatorRejected, match=r"none of the 4 folds could be measured: no feature varies"):
        cross_validate(
            Split(np.arange(50), np.empty(0, dtype=np.int64)),
            np.zeros(50),
            measure,
            folds=4,
            classes=None,
            is_ordered=False,
            seed=0,
        )


def test_a_class_that_a_fold_lacks_is_told_with_the_metrics_that_are_lacking() -> None:
    frame = table().sort_values("seen", ignore_index=True)
    frame["label"] = frame["label"].where(frame.index < len(frame) * 0.6, "late")
    outcome = fit("GaussianNB", frame=frame, cross_validation=CrossValidation(folds=4), **PLANS)
    assert outcome.cross_validation is not None
    told = outcome.cross_validation["unmeasured"]
    assert told[0]["fold"] == 1
    assert "there is no row to fit on of the class 'late'" in told[0]["reason"]
    assert "roc_auc" in told[0]["metrics"]
    values = outcome.cross_validation["metrics"]["roc_auc"]
    assert values["count"] == sum(value is not None for value in values["values"]) < 4
    assert any(warning.startswith("cross-validation: in fold 1 of 4, ") for warning in outcome.warnings)
