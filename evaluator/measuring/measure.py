"""Measures rows and makes the fields of an evaluation's record. Pure maths, no bus and no store."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.evaluator.measuring.bootstrap import intervals_of
from modelbus.evaluator.measuring.curves import label_plots, number_plots
from modelbus.evaluator.measuring.measured_rows import CollectedRows, Groups, Numbers, Outliers
from modelbus.evaluator.measuring.slicing import SliceColumn
from modelbus.evaluator.measuring.threshold_tables import ThresholdTable, gains
from modelbus.shared.contracts.commands.evaluation import Evaluation
from modelbus.shared.contracts.records.plot_points import Plot
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.metrics.by_task import confusion_of
from modelbus.shared.tabular.metrics.class_formulas import hit_ratio, measure_label
from modelbus.shared.tabular.metrics.classification import Labelled, PreparedLabels, WeighedLabels, ranking_of
from modelbus.shared.tabular.metrics.grouping import ClusteredRows, GroupedRows
from modelbus.shared.tabular.metrics.measured import Measured, Metrics, NotDefined
from modelbus.shared.tabular.metrics.ranking import Ranking
from modelbus.shared.tabular.metrics.registry import measure_all
from modelbus.shared.tabular.metrics.regression import NumberPairs, summarize_residuals
from modelbus.shared.tabular.targets.labels import spelling

Floats = npt.NDArray[np.float64]
RowIndices = npt.NDArray[np.int64]
Step = Callable[[float, str], None]

CLASS_LIMIT: Final = 200
"""Maximum classes with their own metrics: the most frequent ones."""
_HIT_RATIOS: Final = 10


@dataclass(frozen=True)
class Measurement:
    """The result of an evaluation."""

    fields: dict[str, Any]
    """Fields of the record, in JSON form."""
    plots: list[Plot]


def measure(collected: CollectedRows, command: Evaluation, on_step: Step = lambda *_: None) -> Measurement:
    """Measure everything that the command requests.

    Args:
        collected: The rows.
        command: The command.
        on_step: Takes the fraction done and the current activity.

    Raises:
        InvalidCommand: The positive class is not one of two classes.
    """
    if isinstance(collected.rows, Outliers) and collected.rows.known is not None:
        measuring = _measure_labels(collected, collected.rows.known, command, on_step)
        outliers = measure_all("outlier_detection", collected.rows.labels)
        measuring.fields["metrics"] = outliers.values | measuring.fields["metrics"]
    elif isinstance(collected.rows, Labelled):
        rows = _with_positive(collected.rows, command.positive_class)
        measuring = _measure_labels(collected, rows, command, on_step)
    elif isinstance(collected.rows, Numbers):
        measuring = _measure_numbers(collected, collected.rows, command, on_step)
    else:
        measuring = _measure_without_target(collected, command)
    return replace(measuring, fields={**_counts(collected), **measuring.fields})


def _counts(collected: CollectedRows) -> dict[str, Any]:
    weights = collected.weights
    return {
        "row_count": collected.row_count,
        "dropped_row_count": sum(collected.dropped.values()),
        "dropped": collected.dropped,
        "weight_sum": None if weights is None else float(weights.sum()),
        "report": collected.report,
        "warnings": collected.warnings,
    }


def _measure_labels(collected: CollectedRows, rows: Labelled, command: Evaluation, on_step: Step) -> Measurement:
    weights = np.ones(len(rows.true)) if collected.weights is None else collected.weights
    weighed = PreparedLabels(rows).weighed(weights)
    found = measure_all("classification", weighed)
    if collected.weights is not None:
        # scikit-learn does not support weights for pairs of classes either
        found.leave_out(("roc_auc_ovo", "roc_auc_ovo_weighted"), "it is not defined with weights")
    fields: dict[str, Any] = {
        "classes": list(rows.labels[: rows.class_count])[:CLASS_LIMIT],
        "per_class": _per_class(weighed),
        "confusion": confusion_of(rows, collected.weights),
        "hit_ratios": _hit_ratios(weighed),
    }
    table = None
    if rows.is_binary:
        fields["positive_class"] = rows.labels[rows.positive]
        table = _add_thresholds(fields, found, rows, weights, command)
    if command.intervals is not None:
        repeated = PreparedLabels(rows, is_repeated=True)

        def measure_drawn(drawn: RowIndices) -> Metrics:
            drawn_weights = weights * np.bincount(drawn, minlength=len(weights))
            return measure_all("classification", repeated.weighed(drawn_weights)).values

        fields["intervals"] = _intervals(measure_drawn, collected, command, on_step)
    on_step(0.6, "measuring slices")

    def measure_part(part: RowIndices) -> Measured:
        return measure_all("classification", PreparedLabels(rows.part(part)).weighed(weights[part]))

    fields["slices"] = _slices(collected, measure_part, found)
    plots = label_plots(rows, weights, fields["confusion"], table) if command.has_plots else []
    return Measurement({**fields, "metrics": found.values, "undefined": found.undefined}, plots)


def _add_thresholds(
    fields: dict[str, Any], found: Measured, rows: Labelled, weights: Floats, command: Evaluation
) -> ThresholdTable | None:
    """Add the tables that need two classes with scores; returns the threshold table."""
    ranking, scores = ranking_of(rows), rows.positive_scores
    counts = None if ranking is None else ranking.cumulate(weights)
    wanted = command.best_threshold
    if counts is None or scores is None or not counts.has_both:
        reason = found.undefined.get("roc_auc", "the rows have no scores to rank them by")
        names = ("thresholds", "maximum_metrics", "gains", *(("best_threshold",) if wanted else ()))
        found.undefined |= dict.fromkeys(names, reason)
        return None
    table = ThresholdTable(counts, None if wanted is None else wanted.costs)
    fields["thresholds"], fields["maximum_metrics"] = table.rows(), table.maximum_metrics()
    fields["best_threshold"] = None if wanted is None else table.best(wanted)
    fields["gains"] = gains(counts, scores, weights)
    return table


def _measure_numbers(collected: CollectedRows, rows: Numbers, command: Evaluation, on_step: Step) -> Measurement:
    weights = collected.weights

    def measure_part(part: RowIndices) -> Measured:
        pairs = NumberPairs(rows.true[part], rows.predicted[part], None if weights is None else weights[part])
        return measure_all("regression", pairs)

    found = measure_all("regression", NumberPairs(rows.true, rows.predicted, weights))
    fields: dict[str, Any] = {"residuals": summarize_residuals(rows.true - rows.predicted)}
    if command.intervals is not None:
        fields["intervals"] = _intervals(lambda drawn: measure_part(drawn).values, collected, command, on_step)
    on_step(0.6, "measuring slices")
    fields["slices"] = _slices(collected, measure_part, found)
    plots = number_plots(rows.true, rows.predicted) if command.has_plots else []
    return Measurement({**fields, "metrics": found.values, "undefined": found.undefined}, plots)


def _measure_without_target(collected: CollectedRows, command: Evaluation) -> Measurement:
    rows = collected.rows
    if isinstance(rows, Outliers):
        labels = np.array(rows.labels, dtype=object)
        found = measure_all("outlier_detection", rows.labels)

        def part_of(part: RowIndices) -> Measured:
            return measure_all("outlier_detection", labels[part].tolist())
    else:
        assert isinstance(rows, Groups)  # the only other kind
        found = _measure_groups(rows)

        def part_of(part: RowIndices) -> Measured:
            return _measure_groups(_part(rows, part))

    return Measurement(
        {
            "metrics": found.values,
            "undefined": found.undefined,
            "slices": _slices(collected, part_of, found) if command.slices else [],
        },
        [],
    )


def _part(rows: Groups, part: RowIndices) -> Groups:
    true = None if rows.true is None else rows.true[part]
    return Groups(rows.clusters[part], true, None if rows.matrix is None else rows.matrix[part])


def _measure_groups(rows: Groups) -> Measured:
    found = measure_all("clustering", ClusteredRows(rows.matrix, rows.clusters))
    if rows.true is not None:
        found.update(measure_all("grouping", GroupedRows(rows.true, rows.clusters)))
    return found


def _with_positive(rows: Labelled, wanted: Any) -> Labelled:
    """Set the positive class.

    Raises:
        InvalidCommand: It is not one of two classes.
    """
    if wanted is None:
        return rows
    classes = list(rows.labels[: rows.class_count])
    named = {spelling(label): code for code, label in enumerate(classes)}
    if not rows.is_binary or spelling(wanted) not in named:
        problem = f"must be one of two classes; the classes are {', '.join(list(named)[:20])}"
        detail = {"where": "positive_class", "problem": problem, "expected": classes[:20], "given": wanted}
        raise InvalidCommand(f"positive_class {problem}", details=[detail])
    positive = named[spelling(wanted)]
    # decision scores are high for the second class
    scores = rows.scores if rows.scores is None or positive == rows.positive else -rows.scores
    return replace(rows, positive=positive, scores=scores)


def _per_class(rows: WeighedLabels) -> list[dict[str, Any]]:
    sums = rows.sums
    frequent = np.sort(np.argsort(-(sums.true + sums.predicted), kind="stable")[:CLASS_LIMIT])
    return [_of_class(rows, label) for label in frequent.tolist()]


def _of_class(rows: WeighedLabels, label: int) -> dict[str, Any]:
    ranking = _class_ranking(rows.rows, label)
    found = measure_label(rows.sums, label, None if ranking is None else ranking.cumulate(rows.weights))
    return {
        "label": rows.rows.labels[label],
        "support": float(rows.sums.true[label]),
        "predicted": float(rows.sums.predicted[label]),
        **found.values,
        "undefined": found.undefined,
    }


def _class_ranking(rows: Labelled, label: int) -> Ranking | None:
    """The rows ranked by a class's probability, or by the decision score of two classes."""
    if label >= rows.class_count:
        return None
    if rows.probabilities is None:
        other = None if rows.scores is None else -rows.scores
        scores = rows.scores if label == rows.positive else other
    else:
        scores = rows.probabilities[:, label]
    if scores is None or not np.isfinite(scores).all():
        return None
    return Ranking(rows.true == label, scores)


def _hit_ratios(rows: WeighedLabels) -> list[dict[str, Any]] | None:
    """How often the true class is among the k likeliest, for each k."""
    class_count = rows.rows.class_count
    if class_count < 3:
        return None
    counts = range(1, min(class_count, _HIT_RATIOS) + 1)
    try:
        return [{"k": count, "hit_ratio": hit_ratio(rows, count)} for count in counts]
    except NotDefined:
        return None


def _intervals(
    measure_drawn: Callable[[RowIndices], Metrics], collected: CollectedRows, command: Evaluation, on_step: Step
) -> dict[str, dict[str, Any]]:
    options = command.intervals
    assert options is not None

    def on_round(done: int) -> None:
        on_step(0.6 * done / options.rounds, f"bootstrapping, round {done:,} of {options.rounds:,}")

    return intervals_of(measure_drawn, collected.row_count, options, on_round)


def _slices(
    collected: CollectedRows, measure_part: Callable[[RowIndices], Measured], whole: Measured
) -> list[dict[str, Any]]:
    return [_sliced(name, column, collected, measure_part, whole) for name, column in collected.slices.items()]


def _sliced(
    name: str,
    column: SliceColumn,
    collected: CollectedRows,
    measure_part: Callable[[RowIndices], Measured],
    whole: Measured,
) -> dict[str, Any]:
    """A column's slices; a reason that applies to all rows is not repeated for each slice."""
    slices: list[dict[str, Any]] = []
    for each in column.slices():
        found = measure_part(each.rows)
        undefined = {metric: why for metric, why in found.undefined.items() if metric not in whole.undefined}
        slices.append({**each.facts, "row_count": len(each.rows), "metrics": found.values, "undefined": undefined})
    counted = sum(one["row_count"] for one in slices)
    kind = "bins" if column.is_binned else "values"
    return {"column": name, "kind": kind, "slices": slices, "other_row_count": collected.row_count - counted}
