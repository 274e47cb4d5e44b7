"""The contracts: commands, events and records, with one definition for HTTP, queues and documents.

To change one: add a field with a default; nothing else is needed. To rename, remove or tighten one: raise
``CONTRACT_VERSION``, describe the change in CHANGELOG.md, and let ``parse_command`` name the older version in its
error. To add a command: CONTRIBUTING.md, "How to add a command".
"""

from typing import TYPE_CHECKING, Final

from modelbus.shared.correlation_ids import new_correlation_id
from modelbus.shared.lazy_names import lazy_names

if TYPE_CHECKING:
    from modelbus.shared.contracts.base import (
        CONTRACT_VERSION,
        TASKS,
        UNSUPERVISED,
        Contract,
        CorrelationId,
        ModelReference,
        Name,
        Task,
    )
    from modelbus.shared.contracts.commands.datasets import (
        ColumnOptions,
        ExportDataset,
        InlineSource,
        ParseOptions,
        PreviewDataset,
        ProfileDataset,
        ReadRows,
        UploadSource,
    )
    from modelbus.shared.contracts.commands.drift import DriftThresholds, ReportDrift
    from modelbus.shared.contracts.commands.evaluation import EvaluateModel, EvaluatePredictions
    from modelbus.shared.contracts.commands.explanation import ExplainModel, ExplainPrediction, MeasureLearningCurve
    from modelbus.shared.contracts.commands.prediction import Predict, PredictDataset
    from modelbus.shared.contracts.commands.registry import (
        Command,
        command_queue,
        command_spec,
        parse_command,
        parse_command_of_queue,
        spec_hash,
    )
    from modelbus.shared.contracts.commands.training import (
        CheckTraining,
        CrossValidation,
        HoldOut,
        JobLimits,
        RetrainModel,
        TrainModel,
    )
    from modelbus.shared.contracts.number_forms import NumberForm
    from modelbus.shared.contracts.records.dataset_records import Alert, ColumnSchema, DatasetRecord
    from modelbus.shared.contracts.records.estimator_records import EstimatorRecord
    from modelbus.shared.contracts.records.evaluation_records import EvaluationRecord
    from modelbus.shared.contracts.records.event_records import DriftFound, Event, JobChanged
    from modelbus.shared.contracts.records.job_records import ErrorRecord, JobRecord, JobStatus, Progress
    from modelbus.shared.contracts.records.model_records import ModelRecord, Signature, SignatureColumn, VersionRecord

__all__ = [
    "CONTRACT_VERSION",
    "TASKS",
    "UNSUPERVISED",
    "Alert",
    "CheckTraining",
    "ColumnOptions",
    "ColumnSchema",
    "Command",
    "Contract",
    "CorrelationId",
    "CrossValidation",
    "DatasetRecord",
    "DriftFound",
    "DriftThresholds",
    "ErrorRecord",
    "EstimatorRecord",
    "EvaluateModel",
    "EvaluatePredictions",
    "EvaluationRecord",
    "Event",
    "ExplainModel",
    "ExplainPrediction",
    "ExportDataset",
    "HoldOut",
    "InlineSource",
    "JobChanged",
    "JobLimits",
    "JobRecord",
    "JobStatus",
    "MeasureLearningCurve",
    "ModelRecord",
    "ModelReference",
    "Name",
    "NumberForm",
    "ParseOptions",
    "Predict",
    "PredictDataset",
    "PreviewDataset",
    "ProfileDataset",
    "Progress",
    "ReadRows",
    "ReportDrift",
    "RetrainModel",
    "Signature",
    "SignatureColumn",
    "Task",
    "TrainModel",
    "UploadSource",
    "VersionRecord",
    "command_queue",
    "command_spec",
    "new_correlation_id",
    "parse_command",
    "parse_command_of_queue",
    "spec_hash",
]

_HOMES: Final = {
    "base": (
        "CONTRACT_VERSION",
        "TASKS",
        "UNSUPERVISED",
        "Contract",
        "CorrelationId",
        "ModelReference",
        "Name",
        "Task",
    ),
    "commands.datasets": (
        "ColumnOptions",
        "ExportDataset",
        "InlineSource",
        "ParseOptions",
        "PreviewDataset",
        "ProfileDataset",
        "ReadRows",
        "UploadSource",
    ),
    "commands.drift": (
        "DriftThresholds",
        "ReportDrift",
    ),
    "commands.evaluation": (
        "EvaluateModel",
        "EvaluatePredictions",
    ),
    "commands.explanation": (
        "ExplainModel",
        "ExplainPrediction",
        "MeasureLearningCurve",
    ),
    "commands.prediction": (
        "Predict",
        "PredictDataset",
    ),
    "commands.registry": (
        "Command",
        "command_queue",
        "command_spec",
        "parse_command",
        "parse_command_of_queue",
        "spec_hash",
    ),
    "commands.training": (
        "CheckTraining",
        "CrossValidation",
        "HoldOut",
        "JobLimits",
        "RetrainModel",
        "TrainModel",
    ),
    "number_forms": ("NumberForm",),
    "records.dataset_records": ("Alert", "ColumnSchema", "DatasetRecord"),
    "records.estimator_records": ("EstimatorRecord",),
    "records.evaluation_records": ("EvaluationRecord",),
    "records.job_records": ("ErrorRecord", "JobRecord", "JobStatus", "Progress"),
    "records.model_records": ("ModelRecord", "Signature", "SignatureColumn", "VersionRecord"),
    "records.event_records": (
        "DriftFound",
        "Event",
        "JobChanged",
    ),
}
"""The module of each name: a client imports only the records that it reads, not the commands that services validate."""

if not TYPE_CHECKING:  # else every misspelt name would have the type Any
    __getattr__ = lazy_names(
        __name__, {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}
    )
