"""Uploading where a dataset of the same name may exist: refuse, skip, or replace.

Datasets are immutable, so replacing is deleting and uploading. The new content is uploaded under a name of its own
first: a file that cannot be read deletes nothing, and the digests of both tables say whether the content is the same
(docs/adr/0039).
"""

import contextlib
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import typer

from modelbus.client.shown.records import Dataset
from modelbus.client.synchronous.job import Job
from modelbus.commands.terminal.job_waiting import result_of
from modelbus.commands.terminal.session import Session
from modelbus.commands.terminal.times import time_text_with_zone
from modelbus.shared.contracts import DatasetRecord
from modelbus.shared.errors import DatasetExists, ModelbusError, StillInUse, UnknownDataset

_NAME_LIMIT: Final = 80
"""Characters of a dataset's name in the name of its trial."""


class IfExists(StrEnum):
    """What an upload does where a dataset has its name."""

    ERROR = "error"
    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True)
class Uploading:
    """One upload.

    Attributes:
        session: The gateway and the terminal.
        file: A path, or a file that is open for reading bytes; one that can be rewound, unless it is sent once.
        name: The dataset's name.
        format: The file's format; None where it is detected.
        target: The column to predict later.
        options: How to read the file.
        timeout_s: Seconds to wait for each of its jobs.
        say: Told in one sentence whether the dataset was skipped or replaced.
    """

    session: Session
    file: Any
    name: str
    format: str | None
    target: str | None
    options: dict[str, Any]
    timeout_s: float | None
    say: Callable[[str], None]

    def run(self, if_exists: IfExists, *, force: bool) -> Job[Dataset] | DatasetRecord:
        """Upload the file, or keep the dataset that exists.

        Args:
            if_exists: What to do where a dataset has this name.
            force: Whether a dataset is replaced even if a model depends on it or jobs use it.

        Returns:
            The job that makes the dataset, or the dataset that is kept.

        Raises:
            DatasetExists: A dataset has this name, and it is an error.
            StillInUse: It is to be replaced, and a model depends on it or jobs use it.
        """
        existing = None if if_exists is IfExists.ERROR else self._existing()
        if existing is None:
            with exists_explained():
                return self._start(self.name)
        trial = f"{self.name[:_NAME_LIMIT]}.trial-{uuid.uuid4().hex[:8]}"
        try:
            new = result_of(self.session, self._start(trial), self.timeout_s)
        except BaseException:
            self._remove(trial)
            raise
        is_same = _content(new) == _content(existing)
        if if_exists is IfExists.SKIP or is_same:
            self._remove(trial)
            same = "the same content" if is_same else "different content"
            what = "skipped" if if_exists is IfExists.SKIP else "not replaced"
            self.say(f"{what}: dataset {self.name} exists with {same}")
            return existing
        return self._replace(existing, new, trial, force=force)

    def _replace(self, old: DatasetRecord, new: DatasetRecord, trial: str, *, force: bool) -> Job[Dataset]:
        try:
            self.session.client.datasets.delete(self.name, force=force)
        except StillInUse as error:
            self._remove(trial)
            error.add_note(f"dataset {self.name} was not replaced; --force replaces it anyway and cancels the jobs")
            raise
        try:
            job = self._start(self.name)
        except ModelbusError as error:
            error.add_note(f"dataset {self.name} was deleted; its new content is kept as dataset {trial}")
            raise
        self._remove(trial)
        made = time_text_with_zone(old.created_at)
        self.say(f"replaced dataset {self.name}: {_rows(old.row_count)} of {made} by {_rows(new.row_count)}")
        return job

    def _existing(self) -> DatasetRecord | None:
        try:
            return self.session.client.datasets.get(self.name)
        except UnknownDataset:
            return None

    def _start(self, name: str) -> Job[Dataset]:
        if hasattr(self.file, "seekable") and self.file.seekable():
            self.file.seek(0)
        return self.session.client.datasets.start_upload(
            self.file,
            name,
            format=self.format,
            target=self.target,
            options=self.options,
            progress=False if self.session.printer.as_json else None,
        )

    def _remove(self, trial: str) -> None:
        with contextlib.suppress(ModelbusError):  # it was not made, or the gateway has just gone
            self.session.client.datasets.delete(trial, force=True)


@contextlib.contextmanager
def exists_explained() -> Iterator[None]:
    """Add to an error that says that a dataset exists which option handles it.

    Raises:
        DatasetExists: It was raised inside.
    """
    try:
        yield
    except DatasetExists as error:
        error.add_note("--if-exists replace replaces it; --if-exists skip keeps it")
        raise


@contextlib.contextmanager
def opened(source: str, *, is_repeated: bool = False) -> Iterator[Any]:
    """Open what a command line names as a table.

    Args:
        source: A path; ``-`` is standard input.
        is_repeated: Whether it is read twice; standard input is then kept in a temporary file.

    Raises:
        BadParameter: There is no such file.
    """
    if source != "-":
        if not Path(source).is_file():
            raise typer.BadParameter(f"there is no file {source}", param_hint="SOURCE")
        yield source
    elif is_repeated:
        with tempfile.TemporaryFile() as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
            file.seek(0)
            yield file
    else:
        yield sys.stdin.buffer


def _content(record: DatasetRecord) -> tuple[str, str | None]:
    return record.sha256, record.target


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"
