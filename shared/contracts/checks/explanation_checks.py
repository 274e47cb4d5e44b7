"""Checks of explanations against the record of the version, for the gateway and the worker."""

from modelbus.shared.contracts.checks.command_checks import missing_columns
from modelbus.shared.contracts.commands.explanation import IMPORTANCE_METRICS, ExplainModel
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.documents.model_documents import UsedVersion, VersionDocument
from modelbus.shared.errors import InvalidCommand, UnknownDataset


def check_explanation(command: ExplainModel, version: VersionDocument) -> None:
    """Check that the metric applies to the version's task and that the columns are features of the version.

    Raises:
        InvalidCommand: Names the faults and what would be right.
    """
    signature = version["signature"]
    known = [column["name"] for column in signature["columns"]]
    wanted = [(f"columns.{position}", name) for position, name in enumerate(command.columns or [])]
    details = missing_columns(wanted, known, lambda name: f"{version['model']} has no feature {name!r}")
    metrics = IMPORTANCE_METRICS[signature["task"]]
    if command.metric is not None and command.metric not in metrics:
        problem = f"{command.metric} is not a metric of {signature['task']}"
        details.append({"where": "metric", "problem": problem, "expected": list(metrics), "given": command.metric})
    if details:
        raise InvalidCommand("; ".join(f"{each['where']}: {each['problem']}" for each in details[:3]), details=details)


def explained_dataset(command: ExplainModel, version: VersionDocument) -> str:
    """The name of the dataset whose rows an explanation uses."""
    return command.dataset or default_dataset(version)


def default_dataset(version: UsedVersion) -> str:
    """The name of the dataset for explanations of a version: its hold-out dataset, else its training dataset."""
    return version["hold_out"].get("dataset") or str(version["dataset"])


def require_hold_out_table(version: VersionDocument, dataset: DatasetDocument) -> None:
    """Check that a dataset is still the table on which a version was measured, as far as its record shows.

    Raises:
        UnknownDataset: It is another.
    """
    if version.get("hold_out_sha256") not in (None, dataset["sha256"]):
        raise UnknownDataset(
            f"dataset {version['hold_out']['dataset']!r}, the hold-out of {version['model']} version "
            f"{version['version']}, has been replaced by another dataset with the same name"
        )


def require_training_table(version: VersionDocument, dataset: DatasetDocument) -> None:
    """Check that a dataset is still the table on which a version was trained, not a later one with the same name.

    Raises:
        UnknownDataset: It is another.
    """
    if dataset["sha256"] != version["dataset_sha256"]:
        raise UnknownDataset(
            f"dataset {version['dataset']!r}, the training data of {version['model']} version {version['version']}, "
            "has been replaced by another dataset with the same name"
        )
