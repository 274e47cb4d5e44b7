"""Plots: the points that are kept, and how they are drawn: the same bytes, no script, text escaped."""

import re
import subprocess
import sys
import warnings
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from sklearn import metrics as library
from sklearn.calibration import calibration_curve

from modelbus.evaluator.measuring.curves import CURVE_LIMIT, MATRIX_LIMIT, label_plots, number_plots, thin
from modelbus.evaluator.measuring.threshold_tables import ThresholdTable
from modelbus.shared.contracts.records.plot_points import POINT_LIMIT, Layer, Matrix, Plot
from modelbus.shared.drawing import draw
from modelbus.shared.tabular.metrics.by_task import confusion_of
from modelbus.shared.tabular.metrics.classification import Labelled, ranking_of

RANDOM = np.random.default_rng(2)
NAMESPACE = "{http://www.w3.org/2000/svg}"
NASTY = ["<script>alert(1)</script>", "$x^2$ & \"q\" 'a'", "bell\x07 and\nline", "名前", "", "x" * 500]


def plots_of(rows: Labelled) -> dict[str, Plot]:
    weights = np.ones(len(rows.true))
    ranking = ranking_of(rows)
    table = None if ranking is None else ThresholdTable(ranking.cumulate(weights))
    return {plot.name: plot for plot in label_plots(rows, weights, confusion_of(rows), table)}


def two_classes(count: int = 5000) -> Labelled:
    true = RANDOM.integers(0, 2, count)
    share = np.clip(true * 0.3 + RANDOM.random(count) * 0.7, 0, 1)
    return Labelled(["no", "yes"], 2, true, (share > 0.5).astype(int), np.column_stack([1 - share, share]))


def many_classes(count: int) -> Labelled:
    true = np.append(np.arange(count), RANDOM.integers(0, count, 30 * count))
    shares = RANDOM.dirichlet(np.ones(count), len(true))
    return Labelled([f"c{number}" for number in range(count)], count, true, shares.argmax(axis=1), shares)


def numbers_of_layers(plot: Plot) -> list[int]:
    return [len(layer.x) for layer in plot.layers]


EXAMPLES = {
    **{f"two {name}": plot for name, plot in plots_of(two_classes()).items()},
    **{f"many {name}": plot for name, plot in plots_of(many_classes(4)).items()},
    **{plot.name: plot for plot in number_plots(RANDOM.normal(size=3000), RANDOM.normal(size=3000))},
    "bars": Plot(
        name="importance",
        title="Importance",
        x_label="loss of accuracy",
        y_label="",
        layers=[Layer(kind="bars", y=[0.3, 0.1], y_low=[0.2, 0.05], y_high=[0.4, 0.15], names=["age", "town"])],
    ),
    "bars side by side": Plot(
        name="towns",
        title="Towns",
        x_label="share",
        y_label="town",
        layers=[
            Layer(kind="bars", label=label, y=[0.3, 0.1, 0.6], names=["Brno", "Malmö", "Zürich"])
            for label in ("then", "now", "soon")
        ],
    ),
    "days": Plot(
        name="days",
        title="Days",
        x_label="sent on",
        y_label="price",
        has_dates=True,
        layers=[Layer(kind="line", x=[19723.25, 19800.5, 20100.0], y=[1, 2, 3])],
    ),
    "band": Plot(
        name="learning",
        title="Learning",
        x_label="rows",
        y_label="accuracy",
        layers=[
            Layer(kind="band", x=[1, 2, 3], y=[0.1, 0.2, 0.3], y_high=[0.2, 0.3, 0.4]),
            Layer(kind="line", label="mean", x=[1, 2, 3], y=[0.15, 0.25, 0.35]),
        ],
    ),
    "one point": Plot(name="point", title="", x_label="", y_label="", layers=[Layer(kind="points", x=[1], y=[1])]),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_plot_is_drawn_to_the_same_bytes_without_script_or_reference(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = draw(EXAMPLES[name])
    assert drawn == draw(EXAMPLES[name])
    text = drawn.decode()
    assert "<!DOCTYPE" not in text
    assert "<script" not in text
    assert "<image" not in text
    assert "date" not in text.lower()
    references = re.findall(r"""(?:href|src)\s*=\s*["']([^"']*)["']|url\(([^)]*)\)""", text)
    assert all((one or other).startswith("#") for one, other in references)
    assert ET.fromstring(text).get("role") == "img"


def test_another_process_draws_the_same_bytes() -> None:
    plot = EXAMPLES["band"]
    code = (
        "import sys; from modelbus.shared.drawing import draw; "
        "from modelbus.shared.contracts.records.plot_points import Plot; "
        "sys.stdout.buffer.write(draw(Plot.model_validate_json(sys.argv[1])))"
    )
    other = subprocess.run([sys.executable, "-c", code, plot.model_dump_json()], check=True, capture_output=True)
    assert other.stdout == draw(plot)


@pytest.mark.parametrize("name", NASTY)
def test_names_of_classes_are_shown_as_text_whatever_they_hold(name: str) -> None:
    matrix = Matrix(labels=[name, "other"], values=[[1, 2], [3, 4]], fractions=[[0.3, 0.7], [0.4, 0.6]])
    plots = [
        Plot(name="confusion", title="t", x_label="x", y_label="y", matrix=matrix),
        Plot(name="roc", title=name, x_label=name, y_label="y", layers=[Layer(kind="line", label=name, x=[0], y=[1])]),
    ]
    for plot in plots:
        root = ET.fromstring(draw(plot))
        assert {element.tag for element in root.iter()} <= {
            f"{NAMESPACE}{tag}" for tag in ("svg", "g", "defs", "style", "path", "use", "text", "clipPath", "rect")
        } | {f"{NAMESPACE}tspan"}
        shown = " ".join("".join(element.itertext()) for element in root.iter(f"{NAMESPACE}text"))
        assert name[:8].split("\x07")[0].strip() in shown


def texts_of(plot: Plot) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(draw(plot)).iter(f"{NAMESPACE}text")]


def test_days_are_shown_as_dates() -> None:
    texts = texts_of(EXAMPLES["days"])
    assert "sent on" in texts
    assert {"Mar", "May"} & set(texts)
    assert "2024" in " ".join(texts)


@pytest.mark.parametrize("days", [[-1157390.0, 0.0], [19723.0, 10237747.0], [1e9, 2e9], [-719162.0, -719162.0]])
def test_days_that_no_calendar_has_are_shown_as_numbers(days: list[float]) -> None:
    layers = [Layer(kind="line", x=days, y=[1, 2])]
    texts = texts_of(EXAMPLES["days"].model_copy(update={"layers": layers}))
    assert "sent on, days since 1970-01-01" in texts


@pytest.mark.parametrize("days", [[0.0], [20000.0, 20000.0], [20000.5, 20000.50001], [-354285.0, 2500000.0]])
def test_any_stretch_of_days_can_be_shown(days: list[float]) -> None:
    layers = [Layer(kind="line", x=days, y=days)]
    assert "sent on" in texts_of(EXAMPLES["days"].model_copy(update={"layers": layers}))


def test_bars_of_several_layers_do_not_cover_each_other() -> None:
    plot = EXAMPLES["bars side by side"]
    root = ET.fromstring(draw(plot))
    colours = {"#0072b2", "#d55e00", "#009e73"}
    paths = [path for path in root.iter(f"{NAMESPACE}path") if colours & set(re.split("[ ;:]+", path.get("style", "")))]
    heights = [
        sorted({float(number) for number in re.findall(r"[ML] [-\d.]+ ([-\d.]+)", path.get("d", ""))})
        for path in paths
        if path.get("clip-path")
    ]
    assert len(heights) == 9
    spans = sorted((low, high) for low, high in heights)
    assert all(after[0] >= before[1] - 0.01 for before, after in pairwise(spans))


def test_a_label_that_begins_with_an_underscore_stands_in_the_legend() -> None:
    plot = Plot(
        name="p", title="t", x_label="x", y_label="y", layers=[Layer(kind="line", label="_a", x=[0, 1], y=[0, 1])]
    )
    assert "_a" in draw(plot).decode()


def test_curves_are_scikit_learns_where_they_are_not_thinned() -> None:
    rows = two_classes(300)
    assert rows.probabilities is not None
    plots, scores = plots_of(rows), rows.probabilities[:, 1]
    false, true, _ = library.roc_curve(rows.true, scores, drop_intermediate=False)
    assert plots["roc"].layers[1].x == pytest.approx(false.tolist())
    assert plots["roc"].layers[1].y == pytest.approx(true.tolist())
    precision, recall, _ = library.precision_recall_curve(rows.true, scores)
    assert plots["precision_recall"].layers[1].x == pytest.approx(recall[::-1].tolist())
    assert plots["precision_recall"].layers[1].y[1:] == pytest.approx(precision[::-1][1:].tolist())
    shares, means = calibration_curve(rows.true, scores, n_bins=10)
    assert plots["calibration"].layers[1].y == pytest.approx(shares.tolist())
    assert plots["calibration"].layers[1].x == pytest.approx(means.tolist())


def test_no_layer_has_more_points_than_the_limit_and_curves_keep_their_ends() -> None:
    for plot in EXAMPLES.values():
        assert all(count <= POINT_LIMIT + 1 for count in numbers_of_layers(plot)), plot.name
    roc = EXAMPLES["two roc"].layers[1]
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert len(roc.x) == len(roc.thresholds) == POINT_LIMIT


@pytest.mark.parametrize("count", [0, 1, 2, 999, 1000, 1001, 10**6])
def test_thinning_keeps_both_ends(count: int) -> None:
    kept = thin(count)
    assert len(kept) == min(count, POINT_LIMIT)
    if count:
        assert (kept[0], kept[-1]) == (0, count - 1)


def test_a_cloud_of_points_holds_the_largest_errors() -> None:
    true, predicted = RANDOM.normal(size=5000), RANDOM.normal(size=5000)
    residuals = true - predicted
    cloud = {plot.name: plot for plot in number_plots(true, predicted)}["residuals"].layers[1]
    assert (min(cloud.y), max(cloud.y)) == (residuals.min(), residuals.max())
    assert len(cloud.y) <= POINT_LIMIT


def test_of_very_many_classes_the_most_frequent_are_drawn() -> None:
    plots = plots_of(many_classes(40))
    assert len(plots["roc"].layers) == CURVE_LIMIT + 1
    assert plots["confusion"].matrix is not None
    assert len(plots["confusion"].matrix.labels) == MATRIX_LIMIT
    assert plots["confusion"].note == "the 30 most frequent of 40 labels"
    draw(plots["confusion"])


def test_what_cannot_be_ranked_has_a_confusion_matrix_alone() -> None:
    rows = Labelled(["a", "b"], 2, np.array([0, 0, 0]), np.array([0, 1, 0]), None)
    assert list(plots_of(rows)) == ["confusion"]
    assert number_plots(np.array([1.0]), np.array([np.nan])) == []
