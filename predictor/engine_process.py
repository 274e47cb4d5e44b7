"""The engine's process, which caches models and predicts. If it dies or hangs, the service goes on.

``serve`` is its entry point, found by name: the predictor itself imports neither this module nor scikit-learn.
"""

import os
from multiprocessing.connection import Connection

import structlog

from modelbus.predictor.cache import LoadedModel, ModelCache
from modelbus.predictor.engine_messages import (
    Answered,
    Loaded,
    Loading,
    Question,
    Ready,
    Refused,
    Reply,
    Said,
    read_question,
    told_error,
    write_said,
)
from modelbus.predictor.group_prediction import Asking, predict_group, told
from modelbus.shared.errors import ModelbusError
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import open_store
from modelbus.shared.store.records.library import Library
from modelbus.shared.tabular.predicting.threads import stay_with_one_blas_thread
from modelbus.shared.worker.child_start import begin, limit_memory

log = structlog.get_logger()


def serve(
    service: str, settings: Settings, said: Connection, printed: Connection, logged: Connection, asked: Connection
) -> None:
    """Answer questions until the service ends.

    Args:
        service: The service name in log lines.
        settings: The settings, for the store and the limits.
        said: Receives answers.
        printed: Receives everything that is printed.
        logged: Receives log lines.
        asked: Provides questions.
    """
    begin(service, settings.log_level, printed, logged)
    limit_memory(settings.model_cache_bytes + settings.job_memory_limit_bytes)
    stay_with_one_blas_thread()
    engine = _Engine(settings, said)
    said.send_bytes(write_said(Ready()))
    while True:
        try:
            text = asked.recv_bytes()
        except EOFError:
            os._exit(0)
        engine.answer(read_question(text))


class _Engine:
    """Answers questions in sequence."""

    def __init__(self, settings: Settings, said: Connection) -> None:
        self._said = said
        self._unseen_fraction = settings.unseen_warning_fraction
        database = open_store(settings)
        self._cache = ModelCache(
            Library(database),
            BlobStore(database),
            limit_bytes=settings.model_cache_bytes,
            artifact_limit_bytes=settings.artifact_limit_bytes,
            watch=self,
        )

    def loading(self) -> None:
        """Report that a model is about to be loaded, which extends the deadline."""
        self._say(Loading())

    def loaded(self, size_bytes: int) -> None:
        """Report the memory of the loaded models."""
        self._say(Loaded(size_bytes))

    def answer(self, question: Question) -> None:
        """Answer a question; a fault of the model is the answer to its own requests."""
        try:
            text = write_said(self._predicted(self._cache.get(question.reference), question))
        except ModelbusError as error:
            text = write_said(Refused(told_error(error)))
        except Exception as error:
            # A damaged record or file, or predictions of an odd type: log the traceback, and return only the message.
            log.exception("prediction.raised", reference=question.reference)
            text = write_said(Refused(told_error(told(error))))
        self._said.send_bytes(text)

    def _predicted(self, loaded: LoadedModel, question: Question) -> Answered:
        asking = Asking(
            loaded.model,
            loaded.name,
            loaded.version,
            question.has_probabilities,
            question.has_scores,
            self._unseen_fraction,
        )
        answers = predict_group(asking, question.requests)
        replies = [Reply(one.result, None if one.error is None else told_error(one.error)) for one in answers]
        return Answered(loaded.name, loaded.version, loaded.version_id, replies)

    def _say(self, said: Said) -> None:
        self._said.send_bytes(write_said(said))
