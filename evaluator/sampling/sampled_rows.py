"""Rows of a stored dataset that a model can be asked for, and the model itself."""

from typing import Final

import pandas as pd

from modelbus.evaluator.sampling.row_sampling import sample_rows
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.documents.model_documents import VersionDocument
from modelbus.shared.models.stored_models import fetch_model
from modelbus.shared.tabular.cells.readings import changed_types
from modelbus.shared.tabular.encoding.encoding_report import EncodingReport
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.tables.stored_tables import dataset_columns, open_table
from modelbus.shared.tabular.targets.reading_warnings import unseen_warnings
from modelbus.shared.worker.child import JobContext

CELL_LIMIT: Final = 2_000_000
"""Of wide tables fewer rows are read: so many cells take some 100 MB at most, as long as texts are short."""
_LEAST_ROWS: Final = 1000


def load_model(context: JobContext, version: VersionDocument) -> FittedModel:
    """Fetch and load a version, and say so.

    Raises:
        ArtifactRefused: It cannot be loaded.
    """
    context.progress(0.05, f"loading {version['model']} version {version['version']}")
    return fetch_model(context.blobs, version, context.settings.artifact_limit_bytes)


def dataset_warnings(
    context: JobContext,
    model: FittedModel,
    dataset: DatasetDocument | None = None,
    report: EncodingReport | None = None,
) -> list[str]:
    """What makes an answer about rows doubtful.

    Args:
        context: Has the settings.
        model: The model.
        dataset: The dataset that the rows are of, if they are of one.
        report: What its encoder had to do to them.
    """
    columns = [] if dataset is None else dataset_columns(dataset).values()
    found = changed_types(columns, model.signature.columns)
    if report is not None and report.row_count:
        unseen = report.counts()["unseen"]
        found += unseen_warnings(unseen, report.row_count, context.settings.unseen_warning_fraction)
    return found


def affordable_rows(limit: int, column_count: int) -> int:
    """How many rows may be held at once, of those that a command allows."""
    return min(limit, max(_LEAST_ROWS, CELL_LIMIT // max(column_count, 1)))


def read_model_rows(
    context: JobContext,
    dataset: DatasetDocument,
    model: FittedModel,
    limit: int,
    seed: int,
    *,
    has_target: bool = False,
) -> pd.DataFrame:
    """Some rows of a dataset, with the columns that the model needs.

    Args:
        context: Where the dataset is.
        dataset: The dataset's document.
        model: The model.
        limit: Rows at most.
        seed: The same seed gives the same rows.
        has_target: Whether the target is wanted too, if the dataset has it.

    Raises:
        SignatureMismatch: The dataset lacks columns; names each.
    """
    known = [column["name"] for column in dataset["columns"]]
    needed = [column.name for column in model.encoder.columns]
    target = model.signature.target
    wanted = [name for name in [*needed, *([target] if has_target and target else [])] if name in known]
    if not set(needed) <= set(known):
        # Names what is missing, unless the model can do without it.
        model.encoder.transform(pd.DataFrame(columns=known))
    with open_table(context.blobs, dataset) as table:
        return sample_rows(table, wanted or known[:1], limit, seed, model.readings)
