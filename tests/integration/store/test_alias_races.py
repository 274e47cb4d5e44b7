"""Aliases while versions are deleted: none ever points at a version that the model does not list."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from modelbus.shared.contracts.documents.model_documents import VersionDocument
from modelbus.shared.errors import UnknownModel
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document, open_async_store
from modelbus.shared.store.drivers.worker_store import WorkerStore
from modelbus.shared.store.records.catalog_queries import point_alias, unlist_version
from modelbus.shared.store.records.catalog_reader import CatalogReader

NAMES = ["champion", "candidate", "a-b", "a_b", "Z9"]
VERSIONS = st.integers(1, 4)


def store_model(database: Database[Document], versions: list[int], aliases: dict[str, int]) -> None:
    """Replace the model by one with these versions."""
    database["models"].replace_one(
        {"_id": "churn"}, {"versions": versions, "aliases": aliases, "owner": "local", "latest_version": 4}, upsert=True
    )
    database["versions"].delete_many({})
    if versions:
        database["versions"].insert_many(
            {"_id": f"churn@{number}", "model": "churn", "version": number, "correlation_id": str(number)}
            for number in versions
        )


def stored_model(database: Database[Document]) -> Document:
    """The model as it is."""
    model = database["models"].find_one({"_id": "churn"})
    assert model is not None
    return model


@pytest.fixture
async def catalog(settings: Settings, indexed: Database[Document]) -> AsyncIterator[CatalogReader]:
    """The gateway's catalogue, whose versions are deleted as soon as it has looked for them."""
    store = open_async_store(settings)
    yield Interrupted(store)
    await store.client.close()


class Interrupted(CatalogReader):
    """Between looking for a version and doing anything with it, that version is deleted."""

    async def version(self, reference: str) -> VersionDocument:
        found = await super().version(reference)
        await self.unlist_version(found["model"], found["version"])
        await self.remove_version(found)
        return found


async def test_an_alias_cannot_come_to_a_version_that_is_deleted_meanwhile(
    indexed: Database[Document], catalog: CatalogReader
) -> None:
    store_model(indexed, [1, 2], {"champion": 1})
    with pytest.raises(UnknownModel, match="'churn' has no version 2; its versions: 1"):
        await catalog.set_alias("churn", "candidate", 2)
    assert stored_model(indexed)["aliases"] == {"champion": 1}


Step = tuple[str, str, int]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["point", "delete"]), st.sampled_from(NAMES), VERSIONS), max_size=12))
def test_whatever_is_pointed_and_deleted_no_alias_is_left_without_its_version(
    indexed: Database[Document], steps: list[Step]
) -> None:
    store_model(indexed, [1, 2, 3, 4], {})
    store = WorkerStore(indexed)
    versions, aliases = {1, 2, 3, 4}, dict[str, int]()
    for what, alias, number in steps:
        if what == "point":
            assert store.update("models", point_alias("churn", alias, number)) == (number in versions)
            aliases |= {alias: number} if number in versions else {}
        else:
            store.update("models", unlist_version("churn", number))
            versions.discard(number)
            aliases = {name: one for name, one in aliases.items() if one != number}
    model = stored_model(indexed)
    assert (set(model["versions"]), model["aliases"]) == (versions, aliases)
