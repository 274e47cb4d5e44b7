# Made from ../asynchronous/table_downloads.py by tools/twin.py: change it there, then run `make twin`.
"""Tables to download: to a file, or into a frame."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from modelbus.client.calls import Call, path_of, record_of
from modelbus.client.frames import frame_of_parquet
from modelbus.client.synchronous.blocking import in_thread
from modelbus.client.synchronous.http_transport import Transport
from modelbus.client.typed_answers import PredictionReport
from modelbus.client.upload_sources import format_of
from modelbus.shared.contracts import JobRecord

if TYPE_CHECKING:
    import os

    import pandas as pd

TableFormat = Literal["csv", "parquet", "jsonl"]


class PredictedTable:
    """The predictions for a dataset: one row per row of the dataset, in the same order."""

    def __init__(self, transport: Transport, told: PredictionReport) -> None:
        self._transport = transport
        self.told = told
        """Model, dataset, number of rows, and incidents by column."""

    def __repr__(self) -> str:
        told = self.told
        return f"<{told.row_count} predictions of {told.model}@{told.version} for {told.dataset}>"

    def download(self, path: "str | os.PathLike[str]", format: TableFormat | None = None) -> Path:
        """Save the table.

        Args:
            path: The file to write; it is complete or absent.
            format: ``csv``, ``parquet`` or ``jsonl``. Default: that of the file's name, else ``csv``.

        Returns:
            The path.
        """
        target = Path(path)
        self._transport.save(self._call(format or format_of(target) or "csv"), target)
        return target

    def to_frame(self) -> "pd.DataFrame":
        """The table as a frame: ``row``, ``prediction``, and probabilities or scores if requested."""
        content = io.BytesIO()
        self._transport.send(self._call("parquet", content))
        return in_thread(frame_of_parquet, content.getvalue())

    def _call(self, format: str, sink: io.BytesIO | None = None) -> Call:
        return Call("GET", path_of("predictions", self.told.correlation_id, "content"), {"format": format}, sink=sink)


def read_table(transport: Transport, record: JobRecord) -> PredictedTable:
    """The predictions for a dataset, from their job."""
    told = record_of(PredictionReport, {**(record.result or {}), "correlation_id": record.correlation_id})
    return PredictedTable(transport, told)
