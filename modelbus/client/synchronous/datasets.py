# Made from ../asynchronous/datasets.py by tools/twin.py: change it there, then run `make twin`.
"""Datasets: upload, preview, read, download, delete."""

import builtins
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from modelbus.client.calls import Call, Reply, path_of, record_of
from modelbus.client.frames import frame_of_parquet
from modelbus.client.job_results import read_dataset
from modelbus.client.progress import upload_display
from modelbus.client.synchronous.blocking import in_thread
from modelbus.client.synchronous.http_transport import Transport
from modelbus.client.synchronous.job import Job
from modelbus.client.synchronous.table_downloads import TableFormat
from modelbus.client.typed_answers import RowPage
from modelbus.client.upload_sources import Upload, format_of, name_of, opened, placed
from modelbus.shared.contracts import DatasetRecord, new_correlation_id
from modelbus.shared.contracts.records.dataset_records import DatasetSummary
from modelbus.shared.contracts.records.results import PreviewResult

if TYPE_CHECKING:
    import pandas as pd

UPLOAD_WAIT_S = 30.0

Source = str | os.PathLike[str] | BinaryIO | bytes | Any
"""A path, a file that is open for reading bytes, bytes, or a DataFrame."""
DatasetList = list[DatasetSummary]


class Datasets:
    """The tables that models are trained on, predict for and are measured on."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(
        self,
        source: Source,
        name: str | None = None,
        *,
        format: str | None = None,
        target: str | None = None,
        options: Mapping[str, Any] | None = None,
        timeout_s: float | None = None,
        progress: bool | None = None,
    ) -> DatasetRecord:
        """Upload a table and wait until it is a dataset; the file may be compressed.

        A frame is sent as Parquet, so its types stay. Sent again after a lost connection it is the same upload; only a
        stream that cannot be rewound is sent once.

        Args:
            source: A path, a file that is open for reading bytes, bytes, or a DataFrame (pandas, polars, pyarrow).
            name: What the dataset is to be called; by default as its file.
            format: ``csv``, ``tsv``, ``jsonl``, ``parquet``, ``arrow``, ``orc``, ``xlsx`` or ``ods``; found by default.
            target: The column that is to be predicted later: alerts then tell of it.
            options: How the file is to be read: ``delimiter``, ``encoding``, ``decimal_mark``, ``missing_marks``,
                ``has_header``, ``on_bad_rows``, ``columns``; numbers as people write them: ``thousands_mark``,
                ``grouping``, ``percent``, ``units``, ``has_accounting_signs``; what is no part of the table:
                ``skip_lines``, ``comment``, ``skip_below_header``, ``repeated_header``, ``skip_initial_space``,
                ``strip_text``, ``has_quotes``; of workbooks the ``sheet``.
            timeout_s: Seconds to wait for the dataset, once the file is sent.
            progress: Whether to show a bar; by default where somebody looks: in a terminal or a notebook.

        Returns:
            The dataset's record: schema, profile, warnings, alerts.

        Raises:
            MalformedTable: The file is no table; ``details`` names the lines at fault.
            DatasetExists: There is one of that name.
            UnfitTable: The frame cannot be sent as it is.
            WaitTimedOut: It takes longer; its job goes on.
        """
        job = self.start_upload(source, name, format=format, target=target, options=options, progress=progress)
        return job.result(timeout_s, progress=progress)

    def start_upload(
        self,
        source: Source,
        name: str | None = None,
        *,
        format: str | None = None,
        target: str | None = None,
        options: Mapping[str, Any] | None = None,
        progress: bool | None = None,
    ) -> Job[DatasetRecord]:
        """Upload a table; the job that makes a dataset of it. Arguments and errors are those of ``upload``."""
        name = name or name_of(source)
        said = {"name": name, "format": format, "target": target, "options": options or None}
        with opened(source) as upload, upload_display(progress, name, upload.size_bytes) as upload.on_sent:
            reply = self._send("/datasets", upload, said, wait_s=0)
        return Job(self._transport, reply.correlation_id, read_dataset)

    def preview(
        self,
        source: Source,
        *,
        format: str | None = None,
        options: Mapping[str, Any] | None = None,
        row_limit: int = 20,
    ) -> PreviewResult:
        """Say how a file would be read, from its beginning; nothing is kept of it.

        Args:
            source: A path, a file that is open for reading bytes, bytes, or a DataFrame.
            format: ``csv``, ``tsv``, ``jsonl``, ``parquet``, ``arrow``, ``orc``, ``xlsx`` or ``ods``; found by default.
            options: How the file is to be read, as for ``upload``.
            row_limit: How many rows to show, 1 to 100.

        Raises:
            MalformedTable: The file is no table; ``details`` names the lines at fault.
        """
        said = {"format": format, "options": options or None, "row_limit": row_limit}
        with opened(source) as upload:
            reply = self._send("/datasets/preview", upload, said, wait_s=UPLOAD_WAIT_S)
        return record_of(PreviewResult, self._outcome(reply))

    def list(self) -> DatasetList:
        """All datasets, without their columns."""
        pages = self._transport.pages("/datasets", "datasets")
        return [record_of(DatasetSummary, one) for page in pages for one in page]

    def get(self, name: str) -> DatasetRecord:
        """One dataset: schema, profile, warnings, alerts.

        Raises:
            UnknownDataset: There is none of that name.
        """
        return record_of(DatasetRecord, self._transport.document("GET", path_of("datasets", name)))

    def rows(
        self, name: str, *, offset: int = 0, limit: int = 50, columns: builtins.list[str] | None = None
    ) -> RowPage:
        """Some rows of a dataset, as JSON has them.

        Args:
            name: The dataset.
            offset: How many rows to pass over.
            limit: How many rows at most, 1 to 1000.
            columns: Which columns, in this order; all by default.

        Raises:
            UnknownDataset, InvalidCommand: There is no such dataset or column.
        """
        query = {"offset": offset, "limit": limit, "columns": columns, "wait": UPLOAD_WAIT_S}
        call = Call("GET", path_of("datasets", name, "rows"), query, wait_s=UPLOAD_WAIT_S)
        return record_of(RowPage, self._outcome(self._transport.send(call)))

    def download(
        self,
        name: str,
        path: "str | os.PathLike[str]",
        format: TableFormat | None = None,
        *,
        formulas: str = "escaped",
        progress: bool | None = None,
    ) -> Path:
        """Save a dataset as a file.

        Args:
            name: The dataset.
            path: The file to write; it is there whole or not at all.
            format: ``csv``, ``parquet`` or ``jsonl``; by default what the file's name says, else ``parquet``.
            formulas: In CSV, text that a spreadsheet would run is ``escaped`` by an apostrophe, or ``kept``.
            progress: Whether to show a bar while the file is made; by default where somebody looks.

        Returns:
            The path.

        Raises:
            UnknownDataset: There is none of that name.
        """
        target = Path(path)
        chosen = format or format_of(target) or "parquet"
        query = {"format": chosen, "formulas": formulas if chosen == "csv" else None, "wait": UPLOAD_WAIT_S}
        call = Call("GET", path_of("datasets", name, "content"), query, wait_s=UPLOAD_WAIT_S)
        while (reply := self._transport.save(call, target)).is_pending:
            Job(self._transport, reply.correlation_id, lambda one: one).result(progress=progress)
        return target

    def to_frame(self, name: str) -> "pd.DataFrame":
        """A dataset as a frame, with its types.

        Raises:
            UnknownDataset: There is none of that name.
        """
        content = io.BytesIO()
        self._transport.send(Call("GET", path_of("datasets", name, "content"), sink=content))
        return in_thread(frame_of_parquet, content.getvalue())

    def delete(self, name: str, *, force: bool = False) -> None:
        """Delete a dataset.

        Args:
            name: The dataset.
            force: Also when a model version was trained on it, which keeps working, or when jobs use it, queued or
                running, which are cancelled and say why.

        Raises:
            UnknownDataset: There is none of that name.
            StillInUse: A model version was trained on it, or jobs use it; ``details`` has their ids.
        """
        self._transport.document("DELETE", path_of("datasets", name), force="true" if force else None)

    def _send(self, path: str, upload: Upload, said: Mapping[str, Any], *, wait_s: float) -> Reply:
        query = {**placed(upload, said), "wait": wait_s}
        correlation_id = new_correlation_id()
        call = Call("POST", path, query, upload=upload, correlation_id=correlation_id, wait_s=wait_s)
        return self._transport.send(call)

    def _outcome(self, reply: Reply) -> Any:
        """What the answer says, or its job when it has ended."""
        if not reply.is_pending:
            return reply.document
        return Job(self._transport, reply.correlation_id, lambda one: one.result).result(progress=False)
