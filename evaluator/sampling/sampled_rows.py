"""Loading a model, and samples of a stored dataset for it."""

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
"""Maximum cells, so that fewer rows of wide tables are read: they take up to about 100 MB if texts are short."""
_MINIMUM_ROWS: Final = 1000


def load_model(context: JobContext, version: VersionDocument) -> FittedModel:
    """Fetch and load a version, and report the progress.

    Raises:
        ArtifactRefused: The model cannot be loaded.
    """
    context.progress(0.05, f"loading {version['model']} version {version['version']}")
    return fetch_model(context.blobs, version, context.settings.artifact_limit_bytes)


def dataset_warnings(
    context: JobContext,
    model: FittedModel,
    dataset: DatasetDocument | None = None,
    report: EncodingReport | None = None,
) -> list[str]:
    """Warnings about the rows of an explanation or a drift report.

    Args:
        context: The job's context, for the settings.
        model: The model.
        dataset: The dataset of the rows, if any.
        report: The encoder's report on the rows.
    """
    columns = [] if dataset is None else dataset_columns(dataset).values()
    found = changed_types(columns, model.signature.columns)
    if report is not None and report.row_count:
        unseen = report.counts()["unseen"]
        found += unseen_warnings(unseen, report.row_count, context.settings.unseen_warning_fraction)
    return found


def affordable_rows(limit: int, column_count: int) -> int:
    """Maximum rows to hold in memory, at most ``limit``."""
    return min(limit, max(_MINIMUM_ROWS, CELL_LIMIT // max(column_count, 1)))


def read_model_rows(
    context: JobContext,
    dataset: DatasetDocument,
    model: FittedModel,
    limit: int,
    seed: int,
    *,
    has_target: bool = False,
) -> pd.DataFrame:
    """A sample of a dataset's rows, with the columns that the model needs.

    Args:
        context: The job's context, for the store.
        dataset: The dataset's document.
        model: The model.
        limit: Maximum rows.
        seed: The same seed gives the same rows.
        has_target: Whether to read the target too, if the dataset has it.

    Raises:
        SignatureMismatch: The dataset lacks columns, with one detail for each.
    """
    known = [column["name"] for column in dataset["columns"]]
    needed = [column.name for column in model.encoder.columns]
    target = model.signature.target
    wanted = [name for name in [*needed, *([target] if has_target and target else [])] if name in known]
    if not set(needed) <= set(known):
        # Raises an error that names the missing columns, unless the model does not need them.
        model.encoder.transform(pd.DataFrame(columns=known))
    with open_table(context.blobs, dataset) as table:
        return sample_rows(table, wanted or known[:1], limit, seed, model.readings)
