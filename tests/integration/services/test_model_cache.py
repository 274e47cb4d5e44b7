"""The predictor's loaded models: resolved at every call, kept by what they take in memory."""

import pytest
from prometheus_client import REGISTRY
from pymongo.database import Database
from structlog.typing import EventDict

from modelbus.predictor.cache import ModelCache
from modelbus.shared.errors import UnknownModel
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.store.records.library import Library
from tests.integration.stored_models import make_model

ARTIFACT_LIMIT_BYTES = 2**30


@pytest.fixture
def stored(indexed: Database[Document]) -> Database[Document]:
    """A database with three models."""
    for name in ("a", "b", "c"):
        make_model(indexed, name)
    return indexed


def cache_of(database: Database[Document], limit_bytes: int) -> ModelCache:
    return ModelCache(
        Library(database), BlobStore(database), limit_bytes=limit_bytes, artifact_limit_bytes=ARTIFACT_LIMIT_BYTES
    )


def size_of_one(database: Database[Document]) -> int:
    return cache_of(database, 1).get("a").size_bytes


def events(logged: list[EventDict]) -> list[tuple[str, str]]:
    return [(line["event"], line["model"]) for line in logged if line["event"].startswith("model.")]


def test_a_model_counts_with_what_it_takes_in_memory_and_not_with_its_file(stored: Database[Document]) -> None:
    version = stored["versions"].find_one({"model": "a"})
    assert version is not None
    assert size_of_one(stored) > 2 * version["artifact_size_bytes"], "a small model is mostly Python's objects"


def test_the_least_recently_used_model_goes_when_there_is_no_place(
    stored: Database[Document], logged: list[EventDict]
) -> None:
    cache = cache_of(stored, int(2.5 * size_of_one(stored)))
    logged.clear()
    for name in ("a", "b", "a", "c", "a", "b"):
        assert cache.get(name).name == name
    assert events(logged) == [
        ("model.loaded", "a"),
        ("model.loaded", "b"),
        ("model.loaded", "c"),
        ("model.evicted", "b"),
        ("model.loaded", "b"),
        ("model.evicted", "c"),
    ]


def test_a_model_that_is_larger_than_the_limit_stays_alone_while_it_is_used(
    stored: Database[Document], logged: list[EventDict]
) -> None:
    cache = cache_of(stored, 1)
    for name in ("a", "a", "b", "b"):
        assert cache.get(name).name == name
    assert events(logged) == [("model.loaded", "a"), ("model.loaded", "b"), ("model.evicted", "a")]
    assert REGISTRY.get_sample_value("modelbus_model_cache_bytes") == cache.get("b").size_bytes


def test_a_model_that_was_made_anew_is_another_one(stored: Database[Document]) -> None:
    cache = cache_of(stored, ARTIFACT_LIMIT_BYTES)
    before = cache.get("a")
    assert cache.get("a@1") is before
    for collection, key in (("models", "a"), ("versions", "a@1")):
        stored[collection].delete_one({"_id": key})
    with pytest.raises(UnknownModel):
        cache.get("a")
    make_model(stored, "a", "DecisionTreeClassifier")
    assert cache.get("a").version_id != before.version_id
