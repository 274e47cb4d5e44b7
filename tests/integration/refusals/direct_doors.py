"""Both doors without a consumer: a gateway that runs alone, and the services' handlers, called in this process.

A command by the queue is refused by its contract or by its handler; one by HTTP by the gateway, else by the same
handler. So what these two refuse, and in which words, is what either door answers.
"""

import importlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pymongo.database import Database

from modelbus.evaluator import __main__ as evaluator
from modelbus.predictor import __main__ as predictor
from modelbus.shared.contracts import parse_command
from modelbus.shared.errors import ModelbusError
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.outcomes import Outcomes
from modelbus.shared.store.records.library import Library
from modelbus.shared.worker.child import Handler, JobContext
from modelbus.trainer import __main__ as trainer
from tests.e2e.api import Api, fresh
from tests.e2e.doors import HttpDoor, Outcome

HANDLERS = {
    **trainer.TRAIN,
    **trainer.CHECK,
    **evaluator.PROFILE,
    **evaluator.EVALUATE,
    **evaluator.READ,
    **evaluator.EXPORT,
    **predictor.BULK,
}
"""By command, as ``module:function``; interactive predictions have none."""

FILES_LEFT_OPEN = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
"""A worker's child ends with its job, so that a handler need not close what it reads; this process goes on."""


@dataclass(frozen=True)
class DirectDoors:
    """What becomes of a command at either door."""

    api: Api
    database: Database[Document]
    settings: Settings

    def refusal(self, command: Mapping[str, Any], *, is_told_alike: bool = True) -> Outcome:
        """Send a command that both doors must refuse alike; tells how.

        Args:
            command: The command.
            is_told_alike: Whether both use the same words.
        """
        refused = self.by_handler(command)
        assert refused.status == "failed", f"done: {refused}"
        answer = HttpDoor(self.api).ask(command, str(uuid4()))
        if answer.status >= 400:
            assert (answer.code, tuple(answer.places)) == (refused.code, refused.places), answer
            assert answer.detail == refused.message or not is_told_alike
        return refused

    def result(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Do a command that must succeed; gives its result."""
        outcome = self.by_handler(command)
        assert outcome.result is not None, outcome
        return outcome.result

    def by_handler(self, command: Mapping[str, Any]) -> Outcome:
        """Do a command as a worker would, and make what it describes."""
        correlation_id = str(uuid4())
        try:
            parsed = parse_command({**command, "correlation_id": correlation_id})
            with tempfile.TemporaryDirectory() as folder:
                done = _handler(parsed.command)(parsed, self._context(correlation_id, folder))
            job = {"_id": correlation_id, "owner": "local", "outcome": done}
            return Outcome("succeeded", Outcomes(self.database).apply(job))
        except ModelbusError as error:
            places = tuple(detail["where"] for detail in error.details)
            return Outcome("failed", None, error.code, error.message, places)

    def dataset(self, text: str, prefix: str = "table") -> str:
        """A dataset of a CSV, under a new name, which is returned."""
        name = fresh(prefix)
        self.result({"command": "ProfileDataset", "dataset": name, "source": {"kind": "inline", "text": text}})
        return name

    def model(self, dataset: str, **fields: Any) -> str:
        """A model under a new name, which is returned."""
        name = fresh("model")
        self.result({"command": "TrainModel", "model": name, "dataset": dataset, **fields})
        return name

    def _context(self, correlation_id: str, folder: str) -> JobContext:
        return JobContext(
            correlation_id=correlation_id,
            fence=1,
            settings=self.settings,
            memory_limit_bytes=self.settings.job_memory_limit_bytes,
            library=Library(self.database),
            blobs=BlobStore(self.database),
            work_directory=Path(folder),
            report=lambda progress: None,
        )


def _handler(command: str) -> Handler:
    module, _, function = HANDLERS[command].partition(":")
    handler: Handler = getattr(importlib.import_module(module), function)
    return handler
