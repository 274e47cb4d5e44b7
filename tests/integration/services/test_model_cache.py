"""The predictor's loaded models: resolved at every call, kept by what they take in memory."""

import pytest
import skops.io
from prometheus_client import REGISTRY
from pymongo.database import Database
from structlog.typing import EventDict

from modelbus.predictor.cache import ModelCache, Watch
from modelbus.shared.errors import ArtifactRefused, UnknownModel
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


def cache_of(database: Database[Document], limit_bytes: int, watch: Watch | None = None) -> ModelCache:
    return ModelCache(
        Library(database),
        BlobStore(database),
        limit_bytes=limit_bytes,
        artifact_limit_bytes=ARTIFACT_LIMIT_BYTES,
        watch=watch,
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
    assert events(logged) == [("model.loaded", "a"), ("model.evicted", "a"), ("model.loaded", "b")]
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


class Watched:
    """Notes what the models take whenever the cache tells of it."""

    def __init__(self) -> None:
        self.steps: list[int | str] = []

    def loading(self) -> None:
        self.steps.append("loading")

    def loaded(self, size_bytes: int) -> None:
        self.steps.append(size_bytes)


def test_a_model_has_its_place_before_it_is_unpacked(
    stored: Database[Document], logged: list[EventDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unpacked(*_arguments: object, **_options: object) -> None:
        logged.append({"event": "model.unpacked", "model": "any"})
        raise ValueError("it takes memory from here on")

    cache = cache_of(stored, int(1.2 * size_of_one(stored)))
    cache.get("a")
    logged.clear()
    monkeypatch.setattr(skops.io, "loads", unpacked)
    with pytest.raises(ArtifactRefused):
        cache.get("b")
    assert events(logged) == [("model.evicted", "a"), ("model.unpacked", "any")]


def test_whoever_watches_is_told_before_and_after_a_model_is_loaded(stored: Database[Document]) -> None:
    watched = Watched()
    cache = cache_of(stored, ARTIFACT_LIMIT_BYTES, watched)
    sizes = [cache.get(name).size_bytes for name in ("a", "b", "a")]
    assert watched.steps == ["loading", sizes[0], "loading", sizes[0] + sizes[1]]
