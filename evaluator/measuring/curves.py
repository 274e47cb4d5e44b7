"""The plots of an evaluation, as points. Pure maths; ``shared/drawing.py`` draws them."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.evaluator.measuring.threshold_tables import ThresholdTable
from modelbus.shared.contracts.records.plot_points import POINT_LIMIT, Layer, Matrix, Plot
from modelbus.shared.tabular.metrics.classification import Labelled, ranking_of
from modelbus.shared.tabular.metrics.ranking import Cumulated, Ranking

Floats = npt.NDArray[np.float64]

CURVE_LIMIT: Final = 10
"""Maximum curves for more than two classes: the most frequent ones."""
MATRIX_LIMIT: Final = 30
"""Maximum labels of a drawn confusion matrix: the most frequent ones."""
BIN_COUNT: Final = 10
_UNIT: Final = (0.0, 1.0)
_DIAGONAL: Final = Layer(kind="reference", label="chance", x=[0, 1], y=[0, 1])


def label_plots(rows: Labelled, weights: Floats, confusion: dict[str, Any], table: ThresholdTable | None) -> list[Plot]:
    """ROC, precision-recall, calibration, threshold, gain, lift and confusion matrix, as far as they are defined.

    Args:
        rows: At least one row.
        weights: The weight of each row.
        confusion: The result of ``confusion_of``.
        table: The threshold table, if there are two classes with scores.
    """
    plots = []
    ranked = _ranked_classes(rows, weights)
    if ranked:
        plots += [_roc(ranked), _precision_recall(ranked)]
    if rows.probabilities is not None and np.isfinite(rows.probabilities).all():
        plots.append(_calibration(rows, weights, [code for code, _, _ in ranked]))
    if table is not None:
        plots += [_threshold(table), *_gain_and_lift(ranked[0][2])]
    return [plot for plot in [*plots, _confusion(confusion)] if plot.layers or plot.matrix]


def number_plots(true: Floats, predicted: Floats) -> list[Plot]:
    """Predicted against actual, and residuals, of up to 1,000 rows: a fixed sample that includes the largest errors."""
    if not np.isfinite(predicted).all():
        return []
    residuals = true - predicted
    shown = _sample(residuals)
    low, high = (float(edge(np.append(true, predicted))) for edge in (np.min, np.max))
    note = "" if len(shown) == len(true) else f"{len(shown):,} of {len(true):,} rows"
    actual = Plot(
        name="predicted_actual",
        title="Predicted against actual",
        x_label="actual",
        y_label="predicted",
        note=note,
        layers=[
            Layer(kind="reference", label="perfect", x=[low, high], y=[low, high]),
            Layer(kind="points", x=true[shown].tolist(), y=predicted[shown].tolist()),
        ],
    )
    ends = [float(predicted.min()), float(predicted.max())]
    residual = Plot(
        name="residuals",
        title="Residuals",
        x_label="predicted",
        y_label="actual minus predicted",
        note=note,
        layers=[
            Layer(kind="reference", label="perfect", x=ends, y=[0, 0]),
            Layer(kind="points", x=predicted[shown].tolist(), y=residuals[shown].tolist()),
        ],
    )
    return [actual, residual]


def thin(count: int, limit: int = POINT_LIMIT) -> npt.NDArray[np.int64]:
    """Which of ``count`` points of a curve to keep: at most ``limit``, equally spaced, including both ends."""
    return np.arange(count) if count <= limit else np.unique(np.linspace(0, count - 1, limit).round().astype(np.int64))


def _ranked_classes(rows: Labelled, weights: Floats) -> list[tuple[int, str, Cumulated]]:
    """Code, name and counts of each class with a curve: the positive class, or the most frequent of more than two."""
    if rows.is_binary:
        ranking = ranking_of(rows)
        counts = None if ranking is None else ranking.cumulate(weights)
        if counts is None or not counts.has_both:
            return []
        return [(rows.positive, str(rows.labels[rows.positive]), counts)]
    if rows.probabilities is None or rows.has_unknown or not np.isfinite(rows.probabilities).all():
        return []
    support = np.bincount(rows.true, weights, rows.class_count)
    frequent = np.sort(np.argsort(-support, kind="stable")[:CURVE_LIMIT])
    found = [
        (code, str(rows.labels[code]), Ranking(rows.true == code, rows.probabilities[:, code]).cumulate(weights))
        for code in frequent.tolist()
    ]
    return [each for each in found if each[2].has_both]


def _roc(ranked: list[tuple[int, str, Cumulated]]) -> Plot:
    layers = [_DIAGONAL]
    for _, name, counts in ranked:
        false, true = counts.curve
        kept = thin(len(false))
        thresholds = np.append(np.nextafter(counts.thresholds[0], np.inf), counts.thresholds)
        layers.append(
            Layer(
                kind="line",
                label=f"{name} (area {counts.roc_auc():.3f})",
                x=false[kept].tolist(),
                y=true[kept].tolist(),
                thresholds=thresholds[kept].tolist(),
            )
        )
    return Plot(
        name="roc",
        title="ROC",
        x_label="false positive rate",
        y_label="true positive rate",
        x_range=_UNIT,
        y_range=_UNIT,
        layers=layers,
    )


def _precision_recall(ranked: list[tuple[int, str, Cumulated]]) -> Plot:
    layers = []
    for _, name, counts in ranked:
        there = np.flatnonzero(counts.true_positives + counts.false_positives > 0)
        true_positives = counts.true_positives[there]
        precision = true_positives / (true_positives + counts.false_positives[there])
        recall = true_positives / counts.positives
        kept = thin(len(there))
        layers.append(
            Layer(
                kind="steps",
                label=f"{name} (average precision {counts.average_precision():.3f})",
                x=[0.0, *recall[kept].tolist()],
                y=[float(precision[0]), *precision[kept].tolist()],
                thresholds=[float(counts.thresholds[there[0]]), *counts.thresholds[there[kept]].tolist()],
            )
        )
    if len(ranked) == 1:
        rate = ranked[0][2].positives / (ranked[0][2].positives + ranked[0][2].negatives)
        layers.insert(0, Layer(kind="reference", label="chance", x=[0, 1], y=[rate, rate]))
    return Plot(
        name="precision_recall",
        title="Precision and recall",
        x_label="recall",
        y_label="precision",
        x_range=_UNIT,
        y_range=_UNIT,
        layers=layers,
    )


def _calibration(rows: Labelled, weights: Floats, codes: list[int]) -> Plot:
    assert rows.probabilities is not None  # checked by the caller
    layers = [Layer(kind="reference", label="perfect", x=[0, 1], y=[0, 1])]
    layers += [
        _calibrated(str(rows.labels[code]), rows.true == code, rows.probabilities[:, code], weights) for code in codes
    ]
    return Plot(
        name="calibration",
        title="Calibration",
        x_label="mean predicted probability",
        y_label="fraction of the class",
        x_range=_UNIT,
        y_range=_UNIT,
        layers=layers if codes else [],
    )


def _calibrated(name: str, is_class: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> Layer:
    """Ten bins of equal width, as in scikit-learn's ``calibration_curve``; an empty bin has no point."""
    indices = np.searchsorted(np.linspace(0, 1, BIN_COUNT + 1)[1:-1], scores)
    counts, sums, positives = (
        np.bincount(indices, given, BIN_COUNT) for given in (weights, weights * scores, weights * is_class)
    )
    there = counts > 0
    return Layer(
        kind="line",
        label=name,
        x=(sums[there] / counts[there]).tolist(),
        y=(positives[there] / counts[there]).tolist(),
        sizes=counts[there].tolist(),
    )


def _threshold(table: ThresholdTable) -> Plot:
    thresholds = table.column("threshold")
    # the first threshold is above all scores, where precision is not defined
    kept = thin(len(thresholds) - 1) + 1
    layers = []
    for name in ("precision", "recall", "f1", "matthews_correlation"):
        values = table.column(name)[kept]
        there = np.isfinite(values)
        label = name.replace("_", " ")
        layers.append(Layer(kind="line", label=label, x=thresholds[kept][there].tolist(), y=values[there].tolist()))
    return Plot(name="threshold", title="Metrics by threshold", x_label="threshold", y_label="metric", layers=layers)


def _gain_and_lift(counts: Cumulated) -> list[Plot]:
    reached = counts.true_positives + counts.false_positives
    there = np.flatnonzero(reached > 0)
    depth, caught = reached[there] / reached[-1], counts.true_positives[there] / counts.positives
    kept = thin(len(there))
    x, thresholds = depth[kept].tolist(), counts.thresholds[there[kept]].tolist()
    gain = Layer(
        kind="line",
        label="by score",
        x=[0.0, *x],
        y=[0.0, *caught[kept].tolist()],
        thresholds=[thresholds[0], *thresholds],
    )
    lift = Layer(kind="line", label="by score", x=x, y=(caught[kept] / depth[kept]).tolist(), thresholds=thresholds)
    common: dict[str, Any] = {"x_label": "fraction of rows, highest scores first", "x_range": _UNIT}
    return [
        Plot(
            name="gain",
            title="Cumulative gain",
            y_label="fraction of the positive class among them",
            y_range=_UNIT,
            layers=[_DIAGONAL, gain],
            **common,
        ),
        Plot(
            name="lift",
            title="Cumulative lift",
            y_label="lift: rate of the positive class compared with chance",
            layers=[Layer(kind="reference", label="chance", x=[0, 1], y=[1, 1]), lift],
            **common,
        ),
    ]


def _confusion(confusion: dict[str, Any]) -> Plot:
    counts = np.array(confusion["counts"], dtype=np.float64)
    frequent = np.sort(np.argsort(-(counts.sum(axis=0) + counts.sum(axis=1)), kind="stable")[:MATRIX_LIMIT])
    square = np.ix_(frequent, frequent)
    return Plot(
        name="confusion",
        title="Confusion matrix",
        x_label="predicted",
        y_label="true",
        note="" if len(frequent) == len(counts) else f"the {len(frequent)} most frequent of {len(counts):,} labels",
        matrix=Matrix(
            labels=[str(confusion["labels"][index]) for index in frequent.tolist()],
            values=counts[square].tolist(),
            fractions=np.array(confusion["fractions"])[square].tolist(),
        ),
    )


def _sample(residuals: Floats) -> npt.NDArray[np.int64]:
    count = len(residuals)
    if count <= POINT_LIMIT:
        return np.arange(count)
    extremes = [int(np.argmin(residuals)), int(np.argmax(residuals))]
    drawn = np.random.default_rng(0).choice(count, POINT_LIMIT - len(extremes), replace=False)
    return np.unique(np.append(drawn, extremes))
