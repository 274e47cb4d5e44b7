"""Handlers that tests run in real child processes; what they do is in the command's hyperparameters.

Not a test. ``tests.integration.job_handlers:act`` is where the workers of tests find it.
"""

import ctypes
import os
import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from modelbus.shared.contracts import RetrainModel, TrainModel
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome, FilesOutcome
from modelbus.shared.errors import EstimatorRejected, StoreUnavailable
from modelbus.shared.store.connection import Document
from modelbus.shared.worker.child import JobContext

ACT = "tests.integration.job_handlers:act"


def act(command: TrainModel, context: JobContext) -> FilesOutcome:
    """Do what ``hyperparameters.do`` says; whoever comes through has succeeded."""
    wishes = command.hyperparameters
    context.progress(0.5, f"pid {os.getpid()}")
    if record := wishes.get("record"):
        with Path(record).open("a") as file:
            file.write(f"{context.correlation_id} {context.fence}\n")
    report = _ACTS[wishes.get("do", "nothing")](wishes, context)
    return FilesOutcome(
        kind="predictions",
        blobs={},
        report={"pid": os.getpid(), **(report or {})},
        survives_cancel=wishes.get("survives_cancel", False),
    )


def sleep(_wishes: Document, _context: JobContext) -> None:
    """Work for ever."""
    threading.Event().wait()


def sleep_deaf(_wishes: Document, _context: JobContext) -> None:
    """Work for ever, and take no notice of SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Event().wait()


def backtrack(_wishes: Document, _context: JobContext) -> None:
    """Match a regular expression that takes longer than the universe has, holding the interpreter's lock."""
    re.match(r"(a+)+$", "a" * 60 + "b")


def wait_for_file(wishes: Document, _context: JobContext) -> None:
    """Work until a file is there."""
    while not Path(wishes["file"]).exists():
        time.sleep(0.02)


def report_until_file(wishes: Document, context: JobContext) -> None:
    """Tell of progress all the time, until a file is there."""
    while not Path(wishes["file"]).exists():
        context.progress(0.5, f"pid {os.getpid()}")
        time.sleep(0.02)


def end_when_asked(wishes: Document, context: JobContext) -> Document:
    """Offer to end early, work until asked to, and then for as long as a file is missing, if one is named."""
    context.offer_early_end()
    while not context.is_stop_asked():
        time.sleep(0.02)
    while "file" in wishes and not Path(wishes["file"]).exists():
        time.sleep(0.02)
    return {"stopped_early": "cancelled"}


def reject(_wishes: Document, _context: JobContext) -> None:
    """Fail as a handler does on purpose."""
    raise EstimatorRejected("LogisticRegression rejected the data", details=[{"where": "penalty", "problem": "l3"}])


def miss_store(wishes: Document, context: JobContext) -> None:
    """Fail as a handler does when MongoDB is away, on the first attempts; afterwards come through."""
    if context.fence <= wishes.get("attempts", 1000):
        raise StoreUnavailable


def divide(_wishes: Document, _context: JobContext) -> None:
    """Fail as no handler should."""
    _ = 1 / 0


def leave(wishes: Document, _context: JobContext) -> None:
    """Exit in the middle of the work."""
    os._exit(wishes["status"])


def kill_itself(_wishes: Document, _context: JobContext) -> None:
    """Die as a process does that the kernel ends for want of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def segfault(_wishes: Document, _context: JobContext) -> None:
    """Read where no memory is."""
    ctypes.string_at(0)


def allocate(_wishes: Document, _context: JobContext) -> None:
    """Ask for more memory than any limit of a test allows."""
    hoard = [bytearray(64 * 2**20)]
    while True:
        hoard.append(bytearray(64 * 2**20))


def say(wishes: Document, _context: JobContext) -> None:
    """Print by Python and by C, to both streams."""
    print(wishes["text"])  # noqa: T201 - what libraries do
    print("to stderr", file=sys.stderr)  # noqa: T201
    os.write(1, b"by write(2)\n")


def log_from_thread(_wishes: Document, _context: JobContext) -> None:
    """Log and warn from a thread that knows nothing of the job."""

    def speak() -> None:
        structlog.get_logger().info("handler.spoke")
        warnings.warn("from a thread", RuntimeWarning, stacklevel=1)

    thread = threading.Thread(target=speak)
    thread.start()
    thread.join()


def answer_oddly(wishes: Document, _context: JobContext) -> Document:
    """Succeed with the given report."""
    return dict(wishes["report"])


def answer_number(wishes: Document, _context: JobContext) -> Document:
    """Succeed with an integer that a command could not have brought."""
    return {"number": int(wishes["text"])}


def nothing(_wishes: Document, _context: JobContext) -> None:
    """Succeed at once."""


def unknown_outcome(_command: RetrainModel, _context: JobContext) -> AnswerOutcome:
    """Answer an outcome that nobody can apply."""
    return AnswerOutcome.model_construct(kind="unheard of", result={})


_ACTS: dict[str, Callable[[Any, JobContext], Document | None]] = {
    act.__name__: act
    for act in (
        sleep,
        sleep_deaf,
        backtrack,
        wait_for_file,
        report_until_file,
        end_when_asked,
        reject,
        miss_store,
        divide,
        leave,
        kill_itself,
        segfault,
        log_from_thread,
        allocate,
        say,
        answer_oddly,
        answer_number,
        nothing,
    )
}
