"""A fit that is prepared: all that is known of it before anything is fitted."""

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
    """All that is known of a fit before anything is fitted."""

    estimator: Any
    """Unfitted: of a search the first candidate; None where the estimator is yet to be chosen."""
    task: Task
    known: LearningTarget
    """The rows that have a target; all rows, where there is none to have."""
    split: Split
    """Which of them are trained on."""
    weights: Weights | None
    """How much each of them counts."""
    seed: int
    """Seeds what is made."""
    groups: Groups | None = None
    """Which of them belong together; None where nothing says so."""

    @property
    def classes(self) -> list[Label] | None:
        """The labels that the model will answer with; None where it answers numbers."""
        return list(OUTLIER_CLASSES) if self.task == "outlier_detection" else self.known.classes or None

    def make(self, name: str, hyperparameters: Mapping[str, Any]) -> Any:
        """Construct an estimator, unfitted, that knows the classes by their codes.

        Raises:
            UnknownEstimator, InvalidCommand: As ``make_estimator`` and ``set_class_labels`` raise them.
        """
        estimator = make_estimator(name, hyperparameters, self.seed)
        if self.task == "classification":
            set_class_labels(estimator, name, hyperparameters, self.known.classes)
        return estimator
