# Made from ../asynchronous/datasets.py by tools/twin.py: change it there, then run `make twin`.
"""Datasets: upload, preview, read, download, delete."""

import builtins
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from modelbus.client.arguments.checking import Checked
from modelbus.client.arguments.options import ReadingOptions
from modelbus.client.calls import Call, Reply, path_of, record_of
from modelbus.client.client_errors import WrongArgument
from modelbus.client.frames import frame_of_parquet
from modelbus.client.job_results import read_dataset
from modelbus.client.progress import upload_display
from modelbus.client.shown.records import Dataset, DatasetEntry, Preview
from modelbus.client.synchronous.blocking import in_thread
from modelbus.client.synchronous.existing import (
    IF_EXISTS,
    IfExists,
    KeptJob,
    existing_dataset,
    malformed,
    warn_if_other,
)
from modelbus.client.synchronous.http_transport import Transport
from modelbus.client.synchronous.job import Job
from modelbus.client.synchronous.table_downloads import TableFormat
from modelbus.client.tables.forms import Source
from modelbus.client.typed_answers import RowPage
from modelbus.client.upload_sources import Upload, format_of, name_of, opened, placed
from modelbus.shared.contracts import new_correlation_id

if TYPE_CHECKING:
    import pandas as pd

    from modelbus.shared.contracts import ParseOptions

UPLOAD_WAIT_S = 30.0

FileFormat = Literal["csv", "tsv", "jsonl", "parquet"]
DatasetList = list[DatasetEntry]


class Datasets(Checked):
    """Tables to train on, predict for and evaluate on."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(
        self,
        source: Source,
        name: str | None = None,
        *,
        format: FileFormat | str | None = None,
        target: str | None = None,
        options: "ParseOptions | Mapping[str, Any] | None" = None,
        if_exists: IfExists = "error",
        force: bool = False,
        timeout_s: float | None = None,
        progress: bool | None = None,
        **reading: Unpack[ReadingOptions],
    ) -> Dataset:
        """Upload a table and wait until it is a dataset; the file may be compressed.

        Tables in memory are sent as Parquet, so that their types stay. After a lost connection the request is repeated
        and remains the same upload; only a stream that cannot be rewound is sent once.

        Args:
            source: A path, a file that is open for reading bytes, bytes, a DataFrame (pandas, polars, pyarrow), a list
                of mappings from column to value, or a mapping from column to a list of values.
            name: The dataset's name. Default: the file's.
            format: ``csv``, ``tsv``, ``jsonl``, ``parquet``, ``arrow``, ``orc``, ``xlsx``, ``ods``; default: detected.
            target: The column to be predicted later; the alerts take it into account.
            options: How to read the file, as a mapping of the same options as ``reading``.
            if_exists: What to do if a dataset of that name exists. ``error`` raises ``DatasetExists``. ``skip`` keeps
                and returns it, with a ``TableWarning`` if its content is known to differ. ``replace`` deletes it once
                the beginning of the new file has been read without errors.
            force: With ``replace``: delete it even if model versions were trained on it, or jobs use it, which are
                cancelled.
            timeout_s: Seconds to wait for the dataset after the file is sent; None waits without limit.
            progress: Whether to show a progress bar. Default: in terminals and notebooks only.
            reading: How to read the file, where detection needs help: ``delimiter``, ``encoding``, ``decimal_mark``,
                ``missing_marks``, ``has_header``, ``on_bad_rows``, ``columns``, ``thousands_mark``, ``percent``,
                ``units``, ``skip_lines``, ``comment``, ``sheet`` of a workbook, … (docs/datasets.md).

        Returns:
            The dataset: schema, profile, warnings, alerts.

        Raises:
            MalformedTable: The file is not a table; ``details`` names the lines at fault.
            DatasetExists: A dataset of that name exists, and ``if_exists`` is ``error``.
            StillInUse: The dataset to replace is in use, and ``force`` is False.
            UnfitTable: The table in memory cannot be sent; the message names the column.
            WaitTimedOut: The dataset is not ready in time; its job continues.
        """
        job = self.start_upload(
            source,
            name,
            format=format,
            target=target,
            options=options,
            if_exists=if_exists,
            force=force,
            progress=progress,
            **reading,
        )
        return job.result(timeout_s, progress=progress)

    def start_upload(
        self,
        source: Source,
        name: str | None = None,
        *,
        format: FileFormat | str | None = None,
        target: str | None = None,
        options: "ParseOptions | Mapping[str, Any] | None" = None,
        if_exists: IfExists = "error",
        force: bool = False,
        progress: bool | None = None,
        **reading: Unpack[ReadingOptions],
    ) -> Job[Dataset]:
        """Upload a table without waiting for the dataset. Arguments and errors are those of ``upload``.

        Returns:
            The job that makes the dataset; with ``skip`` and an existing dataset, the job that made it.
        """
        _check_choice(if_exists, force=force)
        name = name or name_of(source)
        fields = {"format": format, "options": _reading(options, reading)}
        with opened(source) as upload:
            if if_exists != "error" and (dataset := existing_dataset(self._transport, name)) is not None:
                if if_exists == "skip":
                    warn_if_other(self._transport, dataset, source, upload)
                    return KeptJob(self._transport, dataset)
                self._make_room(dataset, upload, fields, force=force)
            with upload_display(progress, name, upload.size_bytes) as upload.on_sent:
                reply = self._send("/datasets", upload, {"name": name, "target": target, **fields}, wait_s=0)
        return Job(self._transport, reply.correlation_id, read_dataset)

    def preview(
        self,
        source: Source,
        *,
        format: FileFormat | str | None = None,
        options: "ParseOptions | Mapping[str, Any] | None" = None,
        row_limit: int = 20,
        **reading: Unpack[ReadingOptions],
    ) -> Preview:
        """Show how a file would be read, from its beginning; nothing is stored.

        Args:
            source: What ``upload`` accepts.
            format: ``csv``, ``tsv``, ``jsonl``, ``parquet``, ``arrow``, ``orc``, ``xlsx``, ``ods``; default: detected.
            options: How to read the file, as a mapping.
            row_limit: The number of rows to show, 1 to 100.
            reading: How to read the file, as for ``upload``.

        Raises:
            MalformedTable: The file is not a table; ``details`` names the lines at fault.
        """
        fields = {"format": format, "options": _reading(options, reading), "row_limit": row_limit}
        with opened(source) as upload:
            return self._preview(upload, fields)

    def list(self) -> DatasetList:
        """All datasets, without their columns."""
        pages = self._transport.pages("/datasets", "datasets")
        return [record_of(DatasetEntry, one) for page in pages for one in page]

    def get(self, name: str) -> Dataset:
        """One dataset: schema, profile, warnings, alerts.

        Raises:
            UnknownDataset: No dataset has that name.
        """
        return record_of(Dataset, self._transport.document("GET", path_of("datasets", name)))

    def rows(
        self, name: str, *, offset: int = 0, limit: int = 50, columns: builtins.list[str] | None = None
    ) -> RowPage:
        """Read rows of a dataset, as in JSON.

        Args:
            name: The dataset.
            offset: The number of rows to skip.
            limit: The maximum number of rows, 1 to 1000.
            columns: The columns, in this order. Default: all.

        Raises:
            UnknownDataset, InvalidCommand: The dataset or a column does not exist.
        """
        query = {"offset": offset, "limit": limit, "columns": columns, "wait": UPLOAD_WAIT_S}
        call = Call("GET", path_of("datasets", name, "rows"), query, wait_s=UPLOAD_WAIT_S)
        return record_of(RowPage, self._outcome(self._transport.send(call)))

    def download(
        self,
        name: str,
        path: "str | os.PathLike[str]",
        format: TableFormat | str | None = None,
        *,
        formulas: str = "escaped",
        progress: bool | None = None,
    ) -> Path:
        """Save a dataset as a file.

        Args:
            name: The dataset.
            path: The file to write; it is complete or absent.
            format: ``csv``, ``parquet`` or ``jsonl``. Default: that of the file's name, else ``parquet``.
            formulas: In CSV, text that a spreadsheet would run is ``escaped`` by an apostrophe, or ``kept``.
            progress: Whether to show a progress bar while the file is made. Default: in terminals and notebooks only.

        Returns:
            The path.

        Raises:
            UnknownDataset: No dataset has that name.
            OSError: The file cannot be written.
        """
        target = Path(path)
        chosen = format or format_of(target) or "parquet"
        query = {"format": chosen, "formulas": formulas if chosen == "csv" else None, "wait": UPLOAD_WAIT_S}
        call = Call("GET", path_of("datasets", name, "content"), query, wait_s=UPLOAD_WAIT_S)
        while (reply := self._transport.save(call, target)).is_pending:
            Job(self._transport, reply.correlation_id, lambda one: one).result(progress=progress)
        return target

    def to_frame(self, name: str) -> "pd.DataFrame":
        """Read a dataset as a frame, with its types.

        Raises:
            UnknownDataset: No dataset has that name.
            MissingExtra: pandas or pyarrow is not installed.
        """
        content = io.BytesIO()
        self._transport.send(Call("GET", path_of("datasets", name, "content"), sink=content))
        return in_thread(frame_of_parquet, content.getvalue())

    def delete(self, name: str, *, force: bool = False) -> None:
        """Delete a dataset.

        Args:
            name: The dataset.
            force: Delete it even if a model version was trained on it, which continues to work, or if queued or running
                jobs use it, which are cancelled.

        Raises:
            UnknownDataset: No dataset has that name.
            StillInUse: A model version was trained on it, or jobs use it; ``details`` has their ids.
        """
        self._transport.document("DELETE", path_of("datasets", name), force="true" if force else None)

    def _make_room(self, dataset: Dataset, upload: Upload, fields: Mapping[str, Any], *, force: bool) -> None:
        """Delete a dataset for the upload of another one, provided that its beginning can be read."""
        if upload.size_bytes is not None:
            preview = self._preview(upload, fields)
            # a preview reports such rows, and an upload refuses them unless they are to be skipped
            if preview.skipped_rows and (fields["options"] or {}).get("on_bad_rows") != "skip":
                raise malformed(preview)
        self.delete(dataset.name, force=force)

    def _preview(self, upload: Upload, fields: Mapping[str, Any]) -> Preview:
        reply = self._send("/datasets/preview", upload, fields, wait_s=UPLOAD_WAIT_S)
        return record_of(Preview, self._outcome(reply))

    def _send(self, path: str, upload: Upload, fields: Mapping[str, Any], *, wait_s: float) -> Reply:
        query = {**placed(upload, fields), "wait": wait_s}
        correlation_id = new_correlation_id()
        call = Call("POST", path, query, upload=upload, correlation_id=correlation_id, wait_s=wait_s)
        return self._transport.send(call)

    def _outcome(self, reply: Reply) -> Any:
        """The answer's document, or the result of its job."""
        if not reply.is_pending:
            return reply.document
        return Job(self._transport, reply.correlation_id, lambda one: one.result).result(progress=False)


def _reading(options: "ParseOptions | Mapping[str, Any] | None", reading: ReadingOptions) -> Mapping[str, Any] | None:
    """How to read a file, from both arguments."""
    if options is None or isinstance(options, Mapping):
        return {**(options or {}), **reading} or None
    return {**options.model_dump(exclude_unset=True), **reading} or None


def _check_choice(if_exists: str, *, force: bool) -> None:
    if if_exists not in IF_EXISTS:
        raise WrongArgument(f"if_exists must be one of {', '.join(IF_EXISTS)}, not {if_exists!r}")
    if force and if_exists != "replace":
        raise WrongArgument(f"force is for if_exists='replace', not {if_exists!r}")
