"""What a job is bound to: the datasets that it reads, by their content when it is accepted (docs/adr/0022).

A name may be given to another table while a job waits. The rule stands here once, for both ways to MongoDB: it asks for
documents, and is handed them.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.database import Database

from modelbus.shared.contracts import parse_command
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.contracts.checks.dataset_use import DatasetUse, dataset_use
from modelbus.shared.errors import InvalidCommand, UnknownModel
from modelbus.shared.store.connection import CURRENT, Document, store_errors
from modelbus.shared.store.records.library import version_number


@dataclass(frozen=True)
class _Lookup:
    """A question to MongoDB."""

    collection: str
    keys: Sequence[str]
    fields: Sequence[str]

    @property
    def query(self) -> tuple[Document, Document]:
        """Its filter and its projection."""
        return {"_id": {"$in": list(self.keys)}}, dict.fromkeys(self.fields, 1)


_Steps = Generator[_Lookup, list[Document], list[Document]]


def bind(database: Database[Document], use: DatasetUse) -> list[Document]:
    """What a command reads, as it is now, for workers.

    Returns:
        ``name`` and ``sha256`` of each dataset; ``sha256`` is None where there is none of that name.

    Raises:
        StoreUnavailable: MongoDB does not answer.
    """
    current, steps, found = database.with_options(read_concern=CURRENT), _steps(use), None
    while True:
        try:
            lookup = next(steps) if found is None else steps.send(found)
        except StopIteration as end:
            return list(end.value)
        with store_errors():
            found = list(current[lookup.collection].find(*lookup.query))


async def bind_async(database: AsyncDatabase[Document], use: DatasetUse) -> list[Document]:
    """What a command reads, as it is now, for the gateway; see ``bind``."""
    current, steps, found = database.with_options(read_concern=CURRENT), _steps(use), None
    while True:
        try:
            lookup = next(steps) if found is None else steps.send(found)
        except StopIteration as end:
            return list(end.value)
        with store_errors():
            found = await current[lookup.collection].find(*lookup.query).to_list()


def use_of_job(job: Document) -> DatasetUse:
    """What a job reads that is to be replayed, by its draft if it has one."""
    spec: Any = (job.get("draft") or job)["spec"]
    try:
        return dataset_use(parse_command(spec))
    except InvalidCommand:  # it will fail as it did
        return DatasetUse()


def digests(job: Document) -> dict[str, str]:
    """The SHA-256 of each dataset that a job is bound to, by name.

    One that was not there at acceptance has none; nor have those of jobs that an earlier release accepted.
    """
    return {bound["name"]: bound["sha256"] for bound in job.get("datasets", []) if bound["sha256"] is not None}


def _steps(use: DatasetUse) -> _Steps:
    version = yield from _version(use)
    names = use.names_with(version)
    if not names:
        return []
    found = yield _Lookup("datasets", names, ["sha256"])
    known = {dataset["_id"]: dataset.get("sha256") for dataset in found}
    return [{"name": name, "sha256": known.get(name)} for name in names]


def _version(use: DatasetUse) -> Generator[_Lookup, list[Document], Document | None]:
    """The version whose datasets are read; None where none is, or where it is not there."""
    if use.model is None or not use.roles:
        return None
    name, selector = split_reference(use.model)
    models = yield _Lookup("models", [name], ["versions", "aliases"])
    try:
        number = version_number(models[0], selector) if models else None
    except UnknownModel:
        number = None
    if number is None:
        return None
    versions = yield _Lookup("versions", [f"{name}@{number}"], ["dataset", "hold_out"])
    return versions[0] if versions else None
