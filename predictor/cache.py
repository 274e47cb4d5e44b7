"""The cache of loaded models: above the memory limit, the least recently used model is evicted first."""

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
    """Its estimated memory when it was loaded."""
    version_id: str
    """The correlation id of the job that trained it."""


_Key = tuple[str, int, datetime]


class _LoadedModels(LRUCache[_Key, LoadedModel]):
    """Versions by model name, number and creation time of the model; the newest is kept even if it is too large."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes, getsizeof=lambda loaded: min(loaded.size_bytes, limit_bytes))

    def make_room(self, size_bytes: int) -> None:
        """Evict models until there is room for another one, or none is left."""
        while self and self.currsize + size_bytes > self.maxsize:
            self.popitem()

    def popitem(self) -> tuple[_Key, LoadedModel]:
        key, dropped = super().popitem()
        log.info("model.evicted", model=dropped.name, version=dropped.version)
        return key, dropped


class Watch(Protocol):
    """Callbacks for the loading of a model, which may take long and changes the memory in use."""

    def loading(self) -> None:
        """A model is about to be loaded."""

    def loaded(self, size_bytes: int) -> None:
        """A model was loaded.

        Args:
            size_bytes: The estimated memory of all loaded models.
        """


class ModelCache:
    """Resolves references and caches loaded models; for use by one thread.

    A reference is resolved in every call, with one query, because aliases move and versions are deleted; a version
    itself is immutable and can be cached. The key contains the model's creation time, so that a model that was deleted
    and created again is a different one.

    Before a model is loaded, others are evicted to make room, according to the unpacked size of its file.
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
        library: Resolves references.
        blobs: The store of the artifacts.
        limit_bytes: Maximum memory of the models; a larger model is cached alone.
        artifact_limit_bytes: Maximum unpacked size of an artifact.
        watch: Callbacks for each model that is loaded.
        """
        self._library = library
        self._blobs = blobs
        self._artifact_limit_bytes = artifact_limit_bytes
        self._loaded = _LoadedModels(limit_bytes)
        self._watch = watch

    def get(self, reference: str) -> LoadedModel:
        """Return the loaded model version to which a reference currently resolves.

        Raises:
            UnknownModel: The model, alias or version does not exist.
            ArtifactRefused: It cannot be loaded; the message says what to do.
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
