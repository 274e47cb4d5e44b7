"""Evaluations, the maths: thresholds, gains, intervals, slices, and what is collected from a model or a dataset."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as library

from modelbus.evaluator.measuring.measure import Measurement, measure
from modelbus.evaluator.measuring.measured_rows import CollectedRows
from modelbus.evaluator.measuring.model_rows import collect
from modelbus.evaluator.measuring.prediction_rows import collect_predictions
from modelbus.evaluator.measuring.threshold_tables import TABLE_LIMIT, ThresholdTable, gains
from modelbus.shared.contracts import ColumnSchema, EvaluateModel, EvaluatePredictions
from modelbus.shared.contracts.commands.evaluation import BestThreshold, Costs, Intervals
from modelbus.shared.contracts.metric_names import THRESHOLD_METRICS
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.tabular.metrics.classification import Labelled, ranking_of
from modelbus.shared.tabular.scoring import score
from tests.unit.tables import fit, table

RANDOM = np.random.default_rng(6)
FUNCTIONS: dict[str, Any] = {
    "accuracy": library.accuracy_score,
    "balanced_accuracy": library.balanced_accuracy_score,
    "precision": library.precision_score,
    "recall": library.recall_score,
    "specificity": lambda true, predicted, **options: library.recall_score(1 - true, 1 - predicted, **options),
    "f1": library.f1_score,
    "f0point5": lambda *pair, **options: library.fbeta_score(*pair, beta=0.5, **options),
    "f2": lambda *pair, **options: library.fbeta_score(*pair, beta=2, **options),
    "matthews_correlation": library.matthews_corrcoef,
}


def columns(**types: Any) -> dict[str, ColumnSchema]:
    return {
        name: ColumnSchema(name=name, type=kind, missing=0, distinct=distinct)
        for name, (kind, distinct) in types.items()
    }


def binary(count: int = 400, *, decimals: int | None = None) -> Labelled:
    true = RANDOM.integers(0, 2, count)
    share = np.clip(true * 0.3 + RANDOM.random(count) * 0.7, 0, 1)
    share = share if decimals is None else share.round(decimals)
    return Labelled(["no", "yes"], 2, true, (share > 0.5).astype(int), np.column_stack([1 - share, share]))


def collected(rows: Labelled, weights: Any = None) -> CollectedRows:
    return CollectedRows("classification", rows, len(rows.true), weights, {})


def counts_of(rows: Labelled, weights: Any = None) -> Any:
    ranking = ranking_of(rows)
    assert ranking is not None
    return ranking.cumulate(np.ones(len(rows.true)) if weights is None else weights)


def predictions(frame: pd.DataFrame, **changes: Any) -> tuple[CollectedRows, EvaluatePredictions]:
    kinds = {"i": "integer", "f": "real", "b": "boolean", "M": "datetime"}
    schema = columns(
        **{
            name: (kinds.get(getattr(frame[name].dtype, "kind", "O"), "text"), frame[name].nunique())
            for name in frame.columns
        }
    )
    given = {"dataset": "d", "task": "classification", "truth": "truth", "prediction": "guess", **changes}
    command = EvaluatePredictions.model_validate(given)
    middle = len(frame) // 2
    parts = [frame.iloc[:middle].reset_index(drop=True), frame.iloc[middle:].reset_index(drop=True)]
    return collect_predictions(command, schema, parts), command


def measured(frame: pd.DataFrame, **changes: Any) -> Measurement:
    return measure(*predictions(frame, **changes))


@pytest.mark.parametrize("is_weighted", [False, True], ids=["plain", "weighted"])
def test_every_row_of_the_threshold_table_is_scikit_learns(is_weighted: bool) -> None:
    rows = binary(60, decimals=1)
    weights = RANDOM.gamma(2, size=60) if is_weighted else np.ones(60)
    for row in ThresholdTable(counts_of(rows, weights)).rows():
        assert rows.probabilities is not None
        predicted = (rows.probabilities[:, 1] >= row["threshold"]).astype(int)
        matrix = library.confusion_matrix(rows.true, predicted, sample_weight=weights)
        found = [row[name] for name in ("true_negatives", "false_positives", "false_negatives", "true_positives")]
        assert found == pytest.approx(matrix.ravel().tolist())
        for name in THRESHOLD_METRICS:
            if row[name] is None:
                assert (name, predicted.sum()) == ("precision", 0)
            else:
                assert row[name] == pytest.approx(FUNCTIONS[name](rows.true, predicted, sample_weight=weights)), name


def test_the_threshold_table_of_many_scores_is_thinned_and_keeps_both_ends() -> None:
    counts = counts_of(binary(5000))
    rows = ThresholdTable(counts).rows()
    assert TABLE_LIMIT / 2 < len(rows) <= TABLE_LIMIT
    assert (rows[0]["true_positives"], rows[0]["false_positives"]) == (0, 0)
    assert (rows[-1]["true_negatives"], rows[-1]["false_negatives"]) == (0, 0)
    best = ThresholdTable(counts).maximum_metrics()
    assert {one["threshold"] for one in best.values()} <= {row["threshold"] for row in rows}
    assert [row["threshold"] for row in rows] == sorted((row["threshold"] for row in rows), reverse=True)  # type: ignore[type-var]


def test_maximum_metrics_are_the_best_of_all_thresholds() -> None:
    rows = binary(300)
    assert rows.probabilities is not None
    found = ThresholdTable(counts_of(rows)).maximum_metrics()
    assert tuple(found) == THRESHOLD_METRICS
    for name in ("f1", "f2", "matthews_correlation", "accuracy"):
        best = max(
            FUNCTIONS[name](rows.true, (rows.probabilities[:, 1] >= threshold).astype(int))
            for threshold in rows.probabilities[:, 1]
        )
        assert found[name]["value"] == pytest.approx(best)


@pytest.mark.parametrize(
    ("costs", "extreme"),
    [((1, 0), "false_positives"), ((0, 1), "false_negatives")],
    ids=["alarms cost", "misses cost"],
)
def test_the_best_threshold_by_costs_makes_no_error_that_costs_where_the_other_is_free(
    costs: tuple[float, float], extreme: str
) -> None:
    wanted = BestThreshold(costs=Costs(false_positive=costs[0], false_negative=costs[1]))
    best = ThresholdTable(counts_of(binary(decimals=1)), wanted.costs).best(wanted)
    assert (best["cost"], best[extreme]) == (0, 0)


def test_the_best_threshold_by_costs_is_the_cheapest_of_all() -> None:
    rows, costs = binary(), Costs(false_positive=1, false_negative=3)
    assert rows.probabilities is not None
    best = ThresholdTable(counts_of(rows), costs).best(BestThreshold(costs=costs))
    scores = rows.probabilities[:, 1]
    cheapest = min(
        int(((scores >= threshold) & (rows.true == 0)).sum()) + 3 * int(((scores < threshold) & (rows.true == 1)).sum())
        for threshold in [*scores, 2.0]
    )
    assert best["cost"] == cheapest
    assert best["costs"] == {"false_positive": 1, "false_negative": 3}


@pytest.mark.parametrize("decimals", [None, 1], ids=["all different", "tied"])
def test_gains_add_up_to_all_positive_rows(decimals: int | None) -> None:
    rows = binary(1000, decimals=decimals)
    assert rows.probabilities is not None
    counts, scores = counts_of(rows), rows.probabilities[:, 1]
    found = gains(counts, scores, np.ones(1000))
    assert len(found) == (20 if decimals is None else len(found)) <= 20
    assert sum(row["capture_rate"] for row in found) == pytest.approx(1)
    last = found[-1]
    assert (last["cumulative_data_fraction"], last["cumulative_lift"], last["kolmogorov_smirnov"]) == (1, 1, 0)
    assert last["cumulative_score"] == pytest.approx(scores.mean())
    first = scores >= found[0]["lower_threshold"]
    assert found[0]["response_rate"] == pytest.approx(rows.true[first].mean())
    assert found[0]["lift"] == pytest.approx(rows.true[first].mean() / rows.true.mean())
    assert found[0]["score"] == pytest.approx(scores[first].mean())


def test_intervals_are_the_same_by_the_same_seed_and_hold_the_metric() -> None:
    rows, command = binary(), EvaluateModel(dataset="d", model="m", intervals=Intervals(rounds=60, seed=3))
    first, same = (measure(collected(rows), command).fields for _ in range(2))
    other = measure(collected(rows), command.model_copy(update={"intervals": Intervals(rounds=60, seed=4)})).fields
    assert first["intervals"] == same["intervals"] != other["intervals"]
    for name, interval in first["intervals"].items():
        if interval["rounds"]:
            assert interval["low"] <= first["metrics"][name] <= interval["high"] or name.startswith("ks"), name
    assert first["intervals"]["roc_auc_ovo"] == {"low": None, "high": None, "rounds": 0}


def test_a_round_of_the_bootstrap_is_the_metric_of_the_rows_that_were_drawn() -> None:
    frame = pd.DataFrame({"truth": RANDOM.normal(size=50), "guess": RANDOM.normal(size=50)})
    found = measured(frame, task="regression", intervals={"rounds": 20, "seed": 8}).fields["intervals"]["r2"]
    random = np.random.default_rng(8)
    drawn = [random.integers(0, 50, 50) for _ in range(20)]
    values = [library.r2_score(frame["truth"].to_numpy()[rows], frame["guess"].to_numpy()[rows]) for rows in drawn]
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))


def test_slices_add_up_and_each_is_what_its_rows_alone_give() -> None:
    count = 300
    frame = pd.DataFrame(
        {
            "truth": RANDOM.choice(["a", "b"], count),
            "guess": RANDOM.choice(["a", "b"], count),
            "town": [f"t{number % 40}" for number in range(count)],
            "size": np.where(np.arange(count) % 10 == 0, np.nan, RANDOM.normal(size=count)),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(count), unit="D"),
            "few": RANDOM.integers(0, 3, count),
        }
    )
    fields = measured(frame, slices=["town", "size", "day", "few"]).fields
    by_column = {one["column"]: one for one in fields["slices"]}
    assert {name: one["kind"] for name, one in by_column.items()} == {
        "town": "values", "size": "bins", "day": "bins", "few": "values",
    }  # fmt: skip
    for one in by_column.values():
        assert sum(part["row_count"] for part in one["slices"]) + one["other_row_count"] == count
        assert len(one["slices"]) <= 20
    assert by_column["town"]["other_row_count"] > 0
    assert by_column["size"]["slices"][-1]["value"] is None
    assert by_column["size"]["slices"][-1]["row_count"] == 30
    assert by_column["day"]["slices"][0]["low"] == "2024-01-01T00:00:00Z"
    part = by_column["few"]["slices"][1]
    alone = frame[frame["few"] == part["value"]]
    assert part["metrics"]["accuracy"] == library.accuracy_score(alone["truth"], alone["guess"])


def test_rows_that_lack_something_are_left_out_and_counted_by_what() -> None:
    frame = pd.DataFrame(
        {
            "truth": ["a", None, "b", "a", "b", "a"],
            "guess": ["a", "a", None, "b", "b", "a"],
            "counts": [1.0, 1.0, 1.0, 0.0, np.nan, 2.0],
        }
    )
    fields = measured(frame, weight="counts").fields
    assert (fields["row_count"], fields["dropped_row_count"], fields["weight_sum"]) == (2, 4, 3)
    assert fields["dropped"] == {"truth": 1, "prediction": 1, "weight": 2}
    assert fields["warnings"] == ["1 row without a prediction in 'guess' was excluded"]


def test_a_negative_weight_is_refused_by_its_row() -> None:
    frame = pd.DataFrame({"truth": list("abab"), "guess": list("abab"), "counts": [1.0, 1.0, 1.0, -1.0]})
    with pytest.raises(InvalidCommand, match="the weight in column 'counts', row 3, must be 0 or more, not -1"):
        measured(frame, weight="counts")


def test_a_dataset_without_a_pair_of_truth_and_prediction_is_refused() -> None:
    with pytest.raises(EstimatorRejected, match="a value in both 'truth' and 'guess'"):
        measured(pd.DataFrame({"truth": ["a", None], "guess": [None, "b"]}))


def test_predicted_labels_are_measured_with_probabilities_by_class() -> None:
    frame = pd.DataFrame({"truth": RANDOM.integers(1, 4, 90), "guess": RANDOM.integers(1, 4, 90)})
    shares = RANDOM.dirichlet(np.ones(3), 90)
    for code in range(3):
        frame[f"p{code + 1}"] = shares[:, code]
    fields = measured(frame, probabilities={"3": "p3", "1": "p1", "2": "p2"}).fields
    assert fields["classes"] == [1, 2, 3]
    assert fields["metrics"]["log_loss"] == pytest.approx(library.log_loss(frame["truth"], shares))
    assert [one["k"] for one in fields["hit_ratios"]] == [1, 2, 3]
    assert fields["hit_ratios"][-1]["hit_ratio"] == 1


@pytest.mark.parametrize(("named", "positive"), [("yes", "yes"), ("no", "no")])
def test_one_column_of_probabilities_is_enough_for_two_classes(named: str, positive: str) -> None:
    frame = pd.DataFrame({"truth": RANDOM.choice(["no", "yes"], 80), "p": RANDOM.random(80)})
    frame["guess"] = np.where(frame["p"] > 0.5, named, "no" if named == "yes" else "yes")
    fields = measured(frame, probabilities={named: "p"}).fields
    assert fields["positive_class"] == positive
    assert fields["metrics"]["roc_auc"] == pytest.approx(library.roc_auc_score(frame["truth"] == named, frame["p"]))
    assert fields["metrics"]["f1"] == pytest.approx(library.f1_score(frame["truth"], frame["guess"], pos_label=named))


def test_one_column_of_probabilities_is_refused_for_three_classes() -> None:
    frame = pd.DataFrame({"truth": list("abc"), "guess": list("abc"), "p": [0.1, 0.2, 0.3]})
    with pytest.raises(InvalidCommand, match="needs exactly two classes"):
        measured(frame, probabilities={"a": "p"})


def test_two_names_of_one_class_are_refused() -> None:
    frame = pd.DataFrame({"truth": [True, False], "guess": [True, True], "p": [0.1, 0.2]})
    with pytest.raises(InvalidCommand, match="two names refer to the same class of 'truth': yes, true"):
        measured(frame, probabilities={"yes": "p", "true": "p"})


def test_the_positive_class_can_be_chosen() -> None:
    rows = binary()
    assert rows.probabilities is not None
    command = EvaluateModel(dataset="d", model="m", positive_class="no")
    fields = measure(collected(rows), command).fields
    expected = library.average_precision_score(rows.true == 0, rows.probabilities[:, 0])
    assert (fields["positive_class"], fields["metrics"]["average_precision"]) == ("no", pytest.approx(expected))
    with pytest.raises(InvalidCommand, match="the classes are no, yes"):
        measure(collected(rows), command.model_copy(update={"positive_class": "maybe"}))


def test_clusters_of_a_dataset_are_measured_beside_true_groups() -> None:
    frame = pd.DataFrame({"truth": list("aabbcc") * 5, "guess": [1, 1, 2, 2, 2, 3] * 5})
    measurement = measured(frame, task="clustering")
    expected = library.adjusted_rand_score(frame["truth"], frame["guess"])
    assert measurement.fields["metrics"]["adjusted_rand"] == pytest.approx(expected)
    assert measurement.fields["metrics"]["cluster_count"] == 3
    assert "silhouette" in measurement.fields["undefined"]


@pytest.mark.parametrize(("estimator", "target"), [("GaussianNB", "label"), ("LinearSVC", "flag"), ("Ridge", "price")])
def test_a_model_measured_group_by_group_has_the_metrics_of_all_rows_at_once(estimator: str, target: str) -> None:
    model, frame = fit(estimator, target).model, table()
    command = EvaluateModel(dataset="d", model="m", slices=["plan"])
    schema = columns(**dict.fromkeys(frame.columns, ("text", 3)))
    parts = [frame.iloc[start : start + 70].reset_index(drop=True) for start in range(0, len(frame), 70)]
    found = measure(collect(model, command, schema, parts), command).fields
    whole = score(model, frame)
    assert found["metrics"] == pytest.approx(whole.metrics, nan_ok=True)
    assert found["report"] == whole.report.counts()
    json.dumps(found, allow_nan=False)


def test_a_row_group_without_any_truth_is_passed_over() -> None:
    for estimator, target in (("LinearSVC", "flag"), ("Ridge", "price"), ("GaussianNB", "label")):
        model, frame = fit(estimator, target).model, table()
        without = frame.assign(**{target: pd.Series([None] * len(frame), dtype="object")})
        command = EvaluateModel(dataset="d", model="m")
        schema = columns(**dict.fromkeys(frame.columns, ("text", 3)))
        found = collect(model, command, schema, [without, frame, without])
        assert (found.row_count, found.dropped) == (len(frame), {"truth": 2 * len(frame)})
        with pytest.raises(EstimatorRejected, match=f"no row of the dataset has a value in '{target}'"):
            collect(model, command, schema, [without])


def test_the_truth_may_stand_in_another_column() -> None:
    model, frame = fit("GaussianNB").model, table().rename(columns={"label": "checked"})
    schema = columns(**dict.fromkeys(frame.columns, ("text", 3)))
    command = EvaluateModel(dataset="d", model="m", truth="checked")
    assert measure(collect(model, command, schema, [frame]), command).fields["row_count"] == len(frame)
    with pytest.raises(InvalidCommand, match=r"no column 'label'.*set `truth`"):
        collect(model, EvaluateModel(dataset="d", model="m"), schema, [frame])


@pytest.mark.parametrize(
    ("kind", "inlier", "outlier", "positive"),
    [
        ("text", "inlier", "outlier", None),
        ("boolean", False, True, None),
        ("integer", 0, 1, None),
        ("integer", 1, -1, None),
        ("text", "fine", "broken", "broken"),
        ("integer", 7, 0, 0),
    ],
)
def test_outliers_are_measured_beside_known_ones(kind: Any, inlier: Any, outlier: Any, positive: Any) -> None:
    model, frame = fit("IsolationForest", None).model, table()
    is_outlier = np.arange(len(frame)) % 7 == 0
    frame = frame.assign(known=[outlier if each else inlier for each in is_outlier])
    least = min(inlier, outlier) if kind == "integer" else None
    schema = columns(**dict.fromkeys(frame.columns, ("text", 3)))
    schema["known"] = ColumnSchema(name="known", type=kind, missing=0, distinct=2, minimum=least)
    command = EvaluateModel(dataset="d", model="m", truth="known", positive_class=positive)
    fields = measure(collect(model, command, schema, [frame]), command).fields
    scores = -model.estimator.decision_function(model.encoder.transform(frame)[0])
    assert fields["metrics"]["roc_auc"] == pytest.approx(library.roc_auc_score(is_outlier, scores))
    assert fields["metrics"]["outlier_share"] is not None
    assert fields["positive_class"] == "outlier"


def test_known_outliers_that_nobody_can_tell_are_refused() -> None:
    model, frame = fit("IsolationForest", None).model, table().assign(known="fine")
    schema = columns(**dict.fromkeys(frame.columns, ("text", 3)))
    command = EvaluateModel(dataset="d", model="m", truth="known")
    with pytest.raises(InvalidCommand, match="'fine' in column 'known' is neither inlier nor outlier"):
        collect(model, command, schema, [frame])


def test_clusters_are_measured_with_and_without_true_groups() -> None:
    model, frame = fit("KMeans", None).model, table()
    schema = columns(**dict.fromkeys(frame.columns, ("text", 3)))
    plain, beside = (
        measure(collect(model, command, schema, [frame]), command).fields["metrics"]
        for command in (
            EvaluateModel(dataset="d", model="m", slices=["plan"]),
            EvaluateModel(dataset="d", model="m", truth="plan"),
        )
    )
    there = frame[frame["plan"].notna()]
    clusters = model.predict_frame(there, False).labels
    assert beside["homogeneity"] == pytest.approx(library.homogeneity_score(there["plan"].tolist(), clusters))
    assert "homogeneity" not in plain
    assert plain["silhouette"] is not None


def test_one_class_only_has_no_tables_and_says_why() -> None:
    frame = pd.DataFrame({"truth": ["a"] * 9, "guess": list("aab") * 3, "p": RANDOM.random(9)})
    fields = measured(frame, probabilities={"a": "p"}, best_threshold={"metric": "f1"}).fields
    assert {"thresholds", "gains", "best_threshold", "roc_auc"} <= fields["undefined"].keys()
    assert fields.get("thresholds") is None
    json.dumps(fields, allow_nan=False)


@pytest.mark.parametrize(
    ("truth", "guess", "named"),
    [
        (["1", "0", "1"], ["True", "False", "True"], "'False' (1), 'True' (2)"),
        (["01", "02", "10"], ["1", "2", "10"], "'1' (1), '2' (1)"),
        (["yes ", "no "], ["yes", "no"], "'yes' looks like 'yes '"),
    ],
)
def test_predicted_labels_that_no_row_has_as_its_truth_are_named(
    truth: list[str], guess: list[str], named: str
) -> None:
    frame = pd.DataFrame({"t": truth, "p": guess}, dtype="str")
    columns = {name: ColumnSchema(name=name, type="text", missing=0, distinct=2) for name in ("t", "p")}
    command = EvaluatePredictions(dataset="d", truth="t", prediction="p", task="classification")
    [warning] = collect_predictions(command, columns, [frame]).warnings
    assert named in warning
    assert "absent from the truth" in warning
