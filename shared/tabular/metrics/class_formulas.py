"""The formulas of the classification metrics. Sources: docs/evaluation.md."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts.metric_names import AVERAGES
from modelbus.shared.tabular.metrics.classification import OF_TWO_CLASSES, WeighedLabels
from modelbus.shared.tabular.metrics.label_sums import (
    BETAS,
    Fractions,
    LabelSums,
    accuracy,
    averaged,
    balanced_accuracy,
    cohen_kappa,
    f_scores,
    matthews_correlation,
    precisions,
    quotients,
    recalls,
    specificity,
)
from modelbus.shared.tabular.metrics.measured import NOT_FINITE, Formula, Measured, NotDefined, ratio
from modelbus.shared.tabular.metrics.ranking import Cumulated

Floats = npt.NDArray[np.float64]
Labels = Formula[WeighedLabels]
OfEachLabel = Callable[[LabelSums], Fractions]

NEVER_PREDICTED: Final = "the class was never predicted"
NEVER_TRUE: Final = "no row has the class"
OF_EACH_LABEL: Final[Mapping[str, tuple[OfEachLabel, str]]] = {
    "precision": (precisions, NEVER_PREDICTED),
    "recall": (recalls, NEVER_TRUE),
    **{name: (f_scores(beta), f"{NEVER_TRUE}, and {NEVER_PREDICTED}") for name, beta in BETAS.items()},
}
"""Metrics of a single label, each with the reason why it is not defined."""
_ONE_CLASS: Final = "all true labels have the same class"


def _of_label(fractions: OfEachLabel, reason: str) -> Formula[LabelSums]:
    return Formula(lambda label: quotients(fractions(label)), reason)


def measure_label(sums: LabelSums, label: int, counts: Cumulated | None) -> Measured:
    """Precision, recall, F scores, error and areas of one label against all others.

    Args:
        sums: The sums of all labels.
        label: The label's code.
        counts: The cumulative counts by the label's score; None if it has none.
    """
    found, one = Measured(), sums.label(label)
    for name, (fractions, reason) in OF_EACH_LABEL.items():
        found.add(name, _of_label(fractions, reason), one)
    found.add("error", Formula(lambda label: 1 - quotients(recalls(label)), NEVER_TRUE), one)
    if counts is None:
        found.leave_out(("roc_auc", "average_precision"), "there are no scores for the class")
    else:
        reason = "no row has the class, or every row has it"
        found.add("roc_auc", Formula(Cumulated.roc_auc, reason), counts)
        found.add("average_precision", Formula(Cumulated.average_precision, reason), counts)
    return found


def hit_ratio(rows: WeighedLabels, count: int) -> float:
    """The fraction of the rows whose class is among the ``count`` likeliest classes."""
    return float(rows.weights[rows.prepared.likelier_classes < count].sum() / rows.weights.sum())


def _of_sums(formula: Callable[[LabelSums], Any], reason: str = NOT_FINITE) -> Labels:
    return Formula(lambda rows: formula(rows.sums), reason)


def _of_average(fractions: OfEachLabel, average: str) -> Labels:
    return Formula(lambda rows: averaged(rows.sums, fractions, average))


def _of_positive(fractions: OfEachLabel, reason: str) -> Labels:
    return Formula(lambda rows: quotients(fractions(rows.sums.label(rows.positive))), reason)


def _of_two(formula: Callable[[Cumulated], float]) -> Labels:
    """A metric of two classes that are ranked by a score."""

    def of(rows: WeighedLabels) -> float:
        if not rows.rows.is_binary:
            raise NotDefined(OF_TWO_CLASSES)
        return formula(rows.cumulated)

    return Formula(of, _ONE_CLASS)


def _of_more(formula: Callable[[WeighedLabels], float]) -> Labels:
    """A metric of more than two classes."""

    def of(rows: WeighedLabels) -> float:
        if rows.rows.is_binary:
            raise NotDefined("it is defined for more than two classes only")
        return formula(rows)

    return Formula(of, "a class has no true rows, or all of them")


def _of_either(two: Labels, more: Labels) -> Labels:
    return Formula(lambda rows: (two if rows.rows.is_binary else more).measure(rows))


def _brier_score(rows: WeighedLabels) -> float:
    return rows.squared_loss / 2 if rows.rows.class_count < 3 else rows.squared_loss


def _d2_log_loss(rows: WeighedLabels) -> float:
    loss, fractions = rows.log_loss, rows.class_fractions
    return 1 - ratio(loss, -float(fractions @ np.log(fractions)))


def _d2_brier_score(rows: WeighedLabels) -> float:
    loss, fractions = rows.squared_loss, rows.class_fractions
    return 1 - ratio(loss, 1 - float(fractions @ fractions))


def _top_accuracy(count: int) -> Labels:
    def of(rows: WeighedLabels) -> float:
        # faulty probabilities are reported before the number of classes
        if rows.prepared.probabilities.shape[1] <= count:
            raise NotDefined(f"it needs more than {count} classes")
        return hit_ratio(rows, count)

    return Formula(of)


def _weighted_mean(values: Sequence[float] | Floats, weights: Sequence[float] | Floats) -> float:
    return ratio(float(np.dot(values, weights)), float(np.sum(weights)))


CLASS_FORMULAS: Final[Mapping[str, Labels]] = {
    "accuracy": _of_sums(accuracy),
    "balanced_accuracy": _of_sums(balanced_accuracy),
    "mean_per_class_error": _of_sums(lambda sums: 1 - balanced_accuracy(sums)),
    **{
        f"{name}_{average}": _of_average(fractions, average)
        for name, (fractions, _) in OF_EACH_LABEL.items()
        for average in AVERAGES
    },
    **{name: _of_positive(fractions, reason) for name, (fractions, reason) in OF_EACH_LABEL.items()},
    "specificity": Formula(lambda rows: specificity(rows.sums, rows.positive), "every row has the positive class"),
    "matthews_correlation": _of_sums(matthews_correlation),
    "cohen_kappa": _of_sums(cohen_kappa, "all true and predicted labels are the same"),
    "log_loss": Formula(lambda rows: rows.log_loss),
    "brier_score": Formula(_brier_score),
    "d2_log_loss": Formula(_d2_log_loss),
    "d2_brier_score": Formula(_d2_brier_score),
    "roc_auc": _of_either(_of_two(Cumulated.roc_auc), _of_more(lambda rows: float(rows.class_ranks.roc_aucs.mean()))),
    "roc_auc_ovr_weighted": _of_more(
        lambda rows: _weighted_mean(rows.class_ranks.roc_aucs, rows.class_ranks.positives)
    ),
    "roc_auc_ovo": _of_more(lambda rows: float(np.mean(rows.class_pairs[0]))),
    "roc_auc_ovo_weighted": _of_more(lambda rows: _weighted_mean(*rows.class_pairs)),
    "average_precision": _of_either(
        _of_two(Cumulated.average_precision), _of_more(lambda rows: float(rows.class_ranks.average_precisions.mean()))
    ),
    "gini": _of_two(lambda counts: 2 * counts.roc_auc() - 1),
    "ks_statistic": _of_two(Cumulated.ks_statistic),
    **{f"top_{count}_accuracy": _top_accuracy(count) for count in (2, 3, 5)},
}
AGREEMENT_FORMULAS: Final[Mapping[str, Labels]] = {"agreement": _of_sums(accuracy)}
"""Compares predictions with earlier predictions instead of a truth."""
