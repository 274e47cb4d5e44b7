"""The child's side of a job: calls the handler and sends the answer to the parent, as JSON over a pipe.

Only JSON is sent: the code, message and details of an error, never a traceback or a pickled object.
"""

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol, TypeVar

import orjson
import structlog

from modelbus.shared.contracts import Command, Progress, parse_command
from modelbus.shared.contracts.base import CommandBase
from modelbus.shared.contracts.records.candidate_records import TuningProgress
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome, Outcome, StoredFile
from modelbus.shared.errors import JobOutOfMemory, ModelbusError
from modelbus.shared.observing.logs import job_log_context
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.large_results import within_limit
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document, open_store
from modelbus.shared.store.records.library import Library
from modelbus.shared.store.records.usage import UsageCounter
from modelbus.shared.worker.child_messages import (
    ChildMessage,
    EarlyEndOffered,
    ErrorRaised,
    OutcomeReached,
    ProgressMade,
    write_message,
)
from modelbus.shared.worker.child_start import begin, found, limit_memory
from modelbus.shared.worker.limits import Limit, memory_limit

log = structlog.get_logger()


@dataclass(frozen=True)
class Attempt:
    """The task of a child process."""

    service: str
    handler: str
    """The handler, as ``module:function``."""
    correlation_id: str
    fence: int
    spec: bytes
    """The command as JSON."""
    work_directory: str
    settings: Settings
    digests: Mapping[str, str]
    """The SHA-256 of each dataset that the job is bound to, by name."""


@dataclass(frozen=True)
class JobContext:
    """Everything that a handler gets besides its command."""

    correlation_id: str
    fence: int
    settings: Settings
    memory_limit_bytes: int
    """Memory that the process may use in addition to what it starts with."""
    library: Library
    blobs: BlobStore
    work_directory: Path
    """A temporary directory of the attempt, which is always removed afterwards."""
    report: Callable[[Progress], None]
    """Reports progress; may be called by any thread."""
    offer_early_end: Callable[[], None] = lambda: None
    """Announces that the job can end with its current result: a cancellation then asks for it instead of killing it."""
    is_stop_asked: Callable[[], bool] = lambda: False
    """Whether the job was asked to end early."""
    usage: UsageCounter | None = None
    """Counts predictions by version; written when the handler has succeeded."""

    def progress(self, fraction: float | None, message: str, tuning: TuningProgress | None = None) -> None:
        """Report the progress of the job.

        Args:
            fraction: The fraction that is done, 0 to 1; None if unknown.
            message: The current activity.
            tuning: The progress of a search, if there is one.
        """
        self.report(Progress(fraction=fraction, message=message, tuning=tuning))

    def answer(self, result: Document, upload_id: str | None = None, files: Sequence[StoredFile] = ()) -> AnswerOutcome:
        """The outcome of a job that has only a result; a large result is stored separately.

        Args:
            result: The result; JSON.
            upload_id: An upload that was only read, and is removed when the job ends.
            files: Stored files that are kept as long as the job.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        kept = within_limit(result, self.correlation_id, self.blobs, self.settings.result_inline_bytes)
        return AnswerOutcome(result=kept, upload_id=upload_id, files=list(files))


_Commanded = TypeVar("_Commanded", bound=CommandBase, contravariant=True)


class Handler(Protocol[_Commanded]):
    """The handler of a command; a plain function, found by its name in a service's ``LANES``."""

    def __call__(self, command: _Commanded, context: JobContext, /) -> Outcome:
        """Run a job.

        Raises:
            ModelbusError: It failed; exceptions of libraries are reported with their own message.
        """


def run_attempt(
    attempt: Attempt, answers: Connection, printed: Connection, logged: Connection, requests: Connection
) -> None:
    """Run an attempt of a job; the entry point of the child process.

    Args:
        attempt: The task.
        answers: Receives progress, the outcome or the error, one JSON object per message.
        printed: Receives everything that is printed.
        logged: Receives log lines, which the service writes with its own.
        requests: Any message on it asks for an early end.
    """
    begin(attempt.service, attempt.settings.log_level, printed, logged)
    spec = orjson.loads(attempt.spec)
    limit = memory_limit(spec, attempt.settings)
    limit_memory(int(limit.value))
    with job_log_context(attempt.correlation_id):
        answers.send_bytes(write_message(_answer(attempt, spec, limit, answers, requests)))
    sys.stdout.flush()
    sys.stderr.flush()
    # Skip interpreter shutdown: a library's exit hook must not delay a job whose answer has been sent.
    os._exit(0)


def _answer(
    attempt: Attempt, spec: Document, limit: Limit, answers: Connection, requests: Connection
) -> OutcomeReached | ErrorRaised:
    try:
        return OutcomeReached(outcome=_do(attempt, spec, int(limit.value), answers, requests))
    except ModelbusError as error:
        return ErrorRaised(code=error.code, message=error.message, details=error.details)
    except MemoryError:
        sentence = (
            f"the job needs more than {int(limit.value) // 2**20} MiB of memory ({limit.source}): "
            "use fewer rows or columns, or a smaller model"
        )
        return ErrorRaised(code=JobOutOfMemory.code, message=sentence)
    except Exception as error:
        # An exception of a library fails the job with its own message; the traceback stays in the log.
        log.exception("job.raised", error=type(error).__name__)
        return ErrorRaised(code=ModelbusError.code, message=f"{type(error).__name__}: {error}")


def _do(attempt: Attempt, spec: Document, limit_bytes: int, answers: Connection, requests: Connection) -> Outcome:
    handler: Handler[Command] = found(attempt.handler)
    database = open_store(attempt.settings)
    reporting = threading.Lock()

    def say(message: ChildMessage) -> None:
        with reporting:  # a handler may report from a thread of its own
            answers.send_bytes(write_message(message))

    context = JobContext(
        correlation_id=attempt.correlation_id,
        fence=attempt.fence,
        settings=attempt.settings,
        memory_limit_bytes=limit_bytes,
        library=Library(database, attempt.digests),
        blobs=BlobStore(database),
        work_directory=Path(attempt.work_directory),
        report=lambda progress: say(ProgressMade(progress=progress)),
        offer_early_end=lambda: say(EarlyEndOffered()),
        is_stop_asked=requests.poll,
        usage=(usage := UsageCounter(database)),
    )
    outcome = handler(parse_command(spec), context)
    usage.flush(is_last=True)
    return outcome
