"""Learning curves: ever more of the training rows, always the same rows to measure on."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelbus.shared.contracts import HoldOut
from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.tabular.scoring import score
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.training import learning_curve
from modelbus.trainer.training.learning_curve import measure_learning_curve
from tests.unit.tables import TYPES, fit, schema, table


def plan(**changes: object) -> FitPlan:
    given = {
        "target": "price",
        "features": [schema(name) for name in TYPES],
        "target_schema": schema("price"),
        "estimator_name": "Ridge",
        "seed": 3,
        **changes,
    }
    return FitPlan(**given)  # type: ignore[arg-type]


def test_all_training_rows_give_the_version_itself() -> None:
    version = fit("Ridge", "price")

    points = measure_learning_curve(table(), plan(), [0.25, 1.0])

    assert [point.row_count for point in points] == [48, 192]
    for name, value in version.metrics.items():
        assert points[-1].metrics[name] == pytest.approx(value, abs=1e-9)
    trained = score(version.model, table().iloc[version.train_indices]).metrics
    assert points[-1].training_metrics["r2"] == pytest.approx(trained["r2"], abs=1e-9)


def test_few_rows_are_learnt_by_heart() -> None:
    learner = plan(target="label", target_schema=schema("label"), estimator_name="DecisionTreeClassifier")

    few, many = measure_learning_curve(table(), learner, [0.1, 1.0])

    assert few.training_metrics["accuracy"] == 1
    assert few.metrics["accuracy"] is not None
    assert many.metrics["accuracy"] is not None
    assert few.metrics["accuracy"] < many.metrics["accuracy"]


def test_of_rows_in_time_the_latest_are_fitted_on() -> None:
    frame = table().copy()
    # what held in the first half of the time does not hold in the second
    order = frame["seen"].rank().to_numpy()
    frame["price"] = np.where(order < 120, -1.0, 1.0) * frame["visits"].astype(float).fillna(0).to_numpy() * 10
    timed = plan(hold_out=HoldOut(time_column="seen"), time_schema=schema("seen"))

    half, whole = measure_learning_curve(frame, timed, [0.3, 1.0])

    assert half.metrics["r2"] is not None
    assert whole.metrics["r2"] is not None
    assert half.metrics["r2"] > 0.9 > whole.metrics["r2"]


@pytest.mark.parametrize("seed", range(5))
def test_whole_groups_are_fitted_on_where_whole_groups_are_held_out(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    frame = table().copy()
    frame["household"] = np.arange(len(frame)) // 7
    parts: list[set[int]] = []
    fit_model = learning_curve.fit_model

    def noting(part: pd.DataFrame, *arguments: Any, **options: Any) -> Any:
        parts.append(set(part.index))
        return fit_model(part, *arguments, **options)

    monkeypatch.setattr(learning_curve, "fit_model", noting)
    grouped = plan(hold_out=HoldOut(group_column="household"), group_column="household", seed=seed)
    points = measure_learning_curve(frame, grouped, [0.1, 0.5, 1.0])
    for part in parts:
        touched = set(frame.loc[sorted(part), "household"])
        assert part == set(frame.index[frame["household"].isin(touched)]), "no group is cut"
    assert parts[0] < parts[1] < parts[2]
    wanted = [0.1 * points[-1].row_count, 0.5 * points[-1].row_count]
    assert [point.row_count for point in points[:2]] == pytest.approx(wanted, abs=4)


def test_another_dataset_is_measured_on_where_the_plan_names_one() -> None:
    apart = plan(hold_out=HoldOut(dataset="apart"))

    (point,) = measure_learning_curve(table(), apart, [1.0], hold_out_frame=table(60, 9))

    expected = fit("Ridge", "price", hold_out=HoldOut(dataset="apart"), hold_out_frame=table(60, 9))
    assert point.row_count == 240
    assert point.metrics["r2"] == pytest.approx(expected.metrics["r2"], abs=1e-9)


def test_too_few_rows_are_refused_in_the_estimators_words_and_progress_is_told() -> None:
    told: list[tuple[float, str]] = []
    neighbours = plan(estimator_name="KNeighborsRegressor", hyperparameters={"n_neighbors": 50})

    with pytest.raises(EstimatorRejected, match=r"with 19 of 192 rows: .*n_neighbors"):
        measure_learning_curve(table(), neighbours, [0.1], report=lambda *what: told.append(what))

    assert told == [(0.0, "fitting on 19 of 192 rows")]
