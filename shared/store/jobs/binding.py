"""The binding of a job to the datasets that it reads, by their content at acceptance (docs/adr/0022).

A name may be given to another table while a job waits. The rule is a generator that yields queries and gets documents,
so that both drivers share it.
"""

from collections.abc import Generator
from typing import Any, Final

from modelbus.shared.contracts import parse_command
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.contracts.checks.dataset_use import DatasetUse, dataset_use
from modelbus.shared.contracts.documents.dataset_documents import DigestedDataset
from modelbus.shared.contracts.documents.job_documents import BoundDatasetDocument, JobDocument, ServedJob
from modelbus.shared.contracts.documents.model_documents import UsedVersion
from modelbus.shared.errors import InvalidCommand, UnknownModel
from modelbus.shared.store.drivers.gateway_store import GatewayStore
from modelbus.shared.store.drivers.worker_store import WorkerStore
from modelbus.shared.store.indexes import DATASETS, VERSIONS
from modelbus.shared.store.queries import Query, by_id, shape
from modelbus.shared.store.records.catalog_queries import model_named, of_names, version_number

_DIGESTED: Final = shape(DigestedDataset)
_USED: Final = shape(UsedVersion)

_Steps = Generator[Query[Any], Any, list[BoundDatasetDocument]]
"""Questions to MongoDB, each sent its answer, a list; before the first one there is none."""


def bind(store: WorkerStore, use: DatasetUse) -> list[BoundDatasetDocument]:
    """What a command reads, as it is now, for workers.

    Returns:
        Each dataset; ``sha256`` is None where there is none of that name.

    Raises:
        StoreUnavailable: MongoDB does not answer.
    """
    steps, found = _steps(use), None
    while True:
        try:
            query = steps.send(found)
        except StopIteration as end:
            return list(end.value)
        found = store.all(query)


async def bind_async(store: GatewayStore, use: DatasetUse) -> list[BoundDatasetDocument]:
    """What a command reads, as it is now, for the gateway; see ``bind``."""
    steps, found = _steps(use), None
    while True:
        try:
            query = steps.send(found)
        except StopIteration as end:
            return list(end.value)
        found = await store.all(query)


def use_of_job(job: JobDocument) -> DatasetUse:
    """What a job reads that is to be replayed, by its draft if it has one."""
    spec: Any = (job.get("draft") or job)["spec"]
    try:
        return dataset_use(parse_command(spec))
    except InvalidCommand:  # it will fail as it did
        return DatasetUse()


def digests(job: JobDocument | ServedJob) -> dict[str, str]:
    """The SHA-256 of each dataset that a job is bound to, by name.

    One that was not there at acceptance has none; nor have those of jobs that an earlier release accepted.
    """
    bound = {each["name"]: each["sha256"] for each in job.get("datasets", [])}
    return {name: sha256 for name, sha256 in bound.items() if sha256 is not None}


def _steps(use: DatasetUse) -> _Steps:
    version = yield from _version(use)
    names = use.names_with(version)
    if not names:
        return []
    found: list[DigestedDataset] = yield of_names(DATASETS, names, _DIGESTED)
    known = {dataset["_id"]: dataset.get("sha256") for dataset in found}
    return [{"name": name, "sha256": known.get(name)} for name in names]


def _version(use: DatasetUse) -> Generator[Query[Any], Any, UsedVersion | None]:
    """The version whose datasets are read; None where none is, or where it is not there."""
    if use.model is None or not use.roles:
        return None
    name, selector = split_reference(use.model)
    models = yield model_named(name)
    try:
        number = version_number(models[0], selector) if models else None
    except UnknownModel:
        number = None
    if number is None:
        return None
    versions: list[UsedVersion] = yield by_id(VERSIONS, f"{name}@{number}", _USED)
    return versions[0] if versions else None
