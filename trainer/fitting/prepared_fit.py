"""A prepared fit: everything that is known before fitting."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from modelbus.shared.contracts import Task
from modelbus.shared.tabular.targets.labels import OUTLIER_CLASSES, Label
from modelbus.trainer.catalogue.making import make_estimator, set_class_labels
from modelbus.trainer.rows.learning_target import LearningTarget
from modelbus.trainer.rows.splitting import Groups, Split
from modelbus.trainer.rows.weighting import Weights

PROBABILITIES: Final = "predict_proba"


@dataclass(frozen=True, eq=False)
class PreparedFit:
    """Everything that is known before fitting."""

    estimator: Any
    """Unfitted; the first candidate of a search; None if the estimator has yet to be chosen."""
    task: Task
    known: LearningTarget
    """The rows that have a target; all rows, for tasks without a target."""
    split: Split
    """Which of them are trained on and which are held out."""
    weights: Weights | None
    """The weight of each of them."""
    seed: int
    """Seed of the estimators."""
    groups: Groups | None = None
    """The group of each of them; None without a group column."""

    @property
    def classes(self) -> list[Label] | None:
        """The labels that the model can predict; None if it predicts numbers."""
        return list(OUTLIER_CLASSES) if self.task == "outlier_detection" else self.known.classes or None

    def make(self, name: str, hyperparameters: Mapping[str, Any]) -> Any:
        """Construct an unfitted estimator whose hyperparameters refer to classes by code.

        Raises:
            UnknownEstimator, InvalidCommand: See ``make_estimator`` and ``set_class_labels``.
        """
        estimator = make_estimator(name, hyperparameters, self.seed)
        if self.task == "classification":
            set_class_labels(estimator, name, hyperparameters, self.known.classes)
        return estimator
