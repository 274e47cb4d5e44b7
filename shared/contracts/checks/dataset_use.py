"""Which datasets a command reads: the ones it names, and those behind the version it names.

A new command gets a line in ``_USES``; tests/unit/contracts/test_dataset_use.py fails until it is there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from modelbus.shared.contracts.checks.explanation_checks import default_dataset
from modelbus.shared.contracts.commands.datasets import ExportDataset, PreviewDataset, ProfileDataset, ReadRows
from modelbus.shared.contracts.commands.drift import ReportDrift
from modelbus.shared.contracts.commands.evaluation import EvaluateModel, EvaluatePredictions
from modelbus.shared.contracts.commands.explanation import ExplainModel, ExplainPrediction, MeasureLearningCurve
from modelbus.shared.contracts.commands.prediction import Predict, PredictDataset
from modelbus.shared.contracts.commands.registry import Command
from modelbus.shared.contracts.commands.training import CheckTraining, RetrainModel, Training, TrainModel
from modelbus.shared.contracts.documents.model_documents import UsedVersion

DatasetRole = Literal["training", "hold_out", "explained"]
"""The role of a dataset for a version: its training data, its hold-out data, or its default for explanations."""


@dataclass(frozen=True)
class DatasetUse:
    """The datasets that a command reads, as far as the command itself shows."""

    names: tuple[str, ...] = ()
    """The datasets that the command names."""
    model: str | None = None
    """The reference of a version whose own datasets are also read."""
    roles: tuple[DatasetRole, ...] = ()
    """Which datasets of that version."""

    def names_with(self, version: UsedVersion | None) -> list[str]:
        """The sorted names of all datasets that are read, without duplicates.

        Args:
            version: The record of the version behind ``model``; None without one.
        """
        implied = [_ROLES[role](version) for role in self.roles] if version is not None else []
        return sorted({name for name in (*self.names, *implied) if name is not None})


def dataset_use(command: Command) -> DatasetUse:
    """The datasets that a command reads."""
    return _USES[type(command)](command)


_ROLES: Final[dict[DatasetRole, Callable[[UsedVersion], str | None]]] = {
    "training": lambda version: str(version["dataset"]),
    "hold_out": lambda version: version["hold_out"].get("dataset"),
    "explained": default_dataset,
}


def _named(*names: str | None) -> tuple[str, ...]:
    return tuple(name for name in names if name is not None)


def _nothing(_command: Any) -> DatasetUse:
    return DatasetUse()


_OfOneDataset = PredictDataset | EvaluateModel | EvaluatePredictions | ReadRows | ExportDataset


def _its_dataset(command: _OfOneDataset) -> DatasetUse:
    return DatasetUse(_named(command.dataset))


def _training(command: Training) -> DatasetUse:
    return DatasetUse(_named(command.dataset, command.hold_out.dataset))


def _retraining(command: RetrainModel) -> DatasetUse:
    if command.dataset is not None:
        return DatasetUse(_named(command.dataset), command.model, ("hold_out",))
    return DatasetUse((), command.model, ("training", "hold_out"))


def _explanation(command: ExplainModel) -> DatasetUse:
    if command.dataset is not None:
        return DatasetUse(_named(command.dataset))
    return DatasetUse((), command.model, ("explained",))


def _explained_prediction(command: ExplainPrediction) -> DatasetUse:
    if command.dataset is not None:
        return DatasetUse(_named(command.dataset))
    return DatasetUse((), command.model, ("training",))


def _learning(command: MeasureLearningCurve) -> DatasetUse:
    return DatasetUse((), command.model, ("training", "hold_out"))


def _drift(command: ReportDrift) -> DatasetUse:
    return DatasetUse(_named(command.dataset), command.model, ("training",))


_USES: Final[dict[type[Any], Callable[[Any], DatasetUse]]] = {
    ProfileDataset: _nothing,  # makes the dataset that it names
    PreviewDataset: _nothing,
    Predict: _nothing,
    ReadRows: _its_dataset,
    ExportDataset: _its_dataset,
    PredictDataset: _its_dataset,
    EvaluateModel: _its_dataset,
    EvaluatePredictions: _its_dataset,
    TrainModel: _training,
    CheckTraining: _training,
    RetrainModel: _retraining,
    ExplainModel: _explanation,
    ExplainPrediction: _explained_prediction,
    MeasureLearningCurve: _learning,
    ReportDrift: _drift,
}
