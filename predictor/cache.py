"""Loaded models, kept while they are used: least recently used goes first when they take more memory than the limit."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from cachetools import LRUCache

from modelbus.predictor.model_size import size_in_memory
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.contracts.documents.model_documents import VersionDocument
from modelbus.shared.models.stored_models import fetch_model
from modelbus.shared.observing.metrics import MODEL_CACHE_BYTES, MODEL_LOADS
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.records.catalog_queries import version_number
from modelbus.shared.store.records.library import Library
from modelbus.shared.tabular.predicting.model import FittedModel

log = structlog.get_logger()


@dataclass(frozen=True)
class LoadedModel:
    """A model version, ready to predict."""

    name: str
    version: int
    model: FittedModel
    size_bytes: int
    """What it takes in memory, as estimated when it was loaded."""
    version_id: str
    """The correlation id of the job that made it."""


_Key = tuple[str, int, datetime]


class _LoadedModels(LRUCache[_Key, LoadedModel]):
    """Models by name, number and their model's birth; the newest stays, however large."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes, getsizeof=lambda loaded: min(loaded.size_bytes, limit_bytes))

    def make_room(self, size_bytes: int) -> None:
        """Let models go until another one has its place, or none is left."""
        while self and self.currsize + size_bytes > self.maxsize:
            self.popitem()

    def popitem(self) -> tuple[_Key, LoadedModel]:
        key, dropped = super().popitem()
        log.info("model.evicted", model=dropped.name, version=dropped.version)
        return key, dropped


class Watch(Protocol):
    """Is told when a model is loaded: it may take long, and the memory that is taken changes by it."""

    def loading(self) -> None:
        """A model is going to be loaded."""

    def loaded(self, size_bytes: int) -> None:
        """It was loaded.

        Args:
            size_bytes: What all models together take in memory now, as estimated.
        """


class ModelCache:
    """Resolves references and keeps models loaded; to be used by one thread.

    A reference is resolved at every call, by one query, since aliases move and versions are deleted; what it leads to
    is immutable and may be kept. The key has the model's birth, so that a version of a model that was deleted and made
    again is another one.

    What is going to be loaded has its place before it comes: the others go first, by what its file unpacks to.
    """

    def __init__(
        self,
        library: Library,
        blobs: BlobStore,
        *,
        limit_bytes: int,
        artifact_limit_bytes: int,
        watch: Watch | None = None,
    ) -> None:
        """Args:
        library: Where references are resolved.
        blobs: Where the artifacts are.
        limit_bytes: What the models may take in memory; one that takes more is kept alone.
        artifact_limit_bytes: The most that an artifact may unpack to.
        watch: Is told of each model that is loaded.
        """
        self._library = library
        self._blobs = blobs
        self._artifact_limit_bytes = artifact_limit_bytes
        self._loaded = _LoadedModels(limit_bytes)
        self._watch = watch

    def get(self, reference: str) -> LoadedModel:
        """The model version that a reference means now, loaded.

        Raises:
            UnknownModel: There is no such model, alias or version.
            ArtifactRefused: It cannot be loaded; says what to do.
            StoreUnavailable: MongoDB does not answer.
        """
        name, selector = split_reference(reference)
        model = self._library.model(name)
        number = version_number(model, selector)
        key = (name, number, model["created_at"])
        if key in self._loaded:
            return self._loaded[key]
        version = self._library.version_of(model, number)
        if self._watch is not None:
            self._watch.loading()
        loaded = self._load(version)
        self._loaded[key] = loaded
        size_bytes = sum(one.size_bytes for one in self._loaded.values())
        MODEL_CACHE_BYTES.set(size_bytes)
        if self._watch is not None:
            self._watch.loaded(size_bytes)
        return loaded

    def _load(self, version: VersionDocument) -> LoadedModel:
        started = time.perf_counter()
        model = fetch_model(self._blobs, version, self._artifact_limit_bytes, make_room=self._loaded.make_room)
        size_bytes = size_in_memory(model)
        MODEL_LOADS.inc()
        log.info(
            "model.loaded",
            model=version["model"],
            version=version["version"],
            size_bytes=size_bytes,
            seconds=round(time.perf_counter() - started, 3),
        )
        return LoadedModel(version["model"], version["version"], model, size_bytes, version["correlation_id"])
