"""Reading parts of a blob: the right bytes, few of its chunks, by several at once."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pymongo import MongoClient, monitoring
from pymongo.database import Database

from modelbus.shared.contracts import SignatureColumn, new_correlation_id
from modelbus.shared.errors import UnknownUpload
from modelbus.shared.store.blobs.blob_writer import CHUNK_BYTES
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.tabular.tables.stored_tables import fetch_table, open_table, read_frame
from modelbus.stack import LocalStack
from tests.unit.written_tables import delimited, upload


@pytest.fixture
def content() -> bytes:
    """Some chunks and a bit, none alike."""
    return bytes(np.random.default_rng(1).integers(0, 256, 3 * CHUNK_BYTES + 17, dtype=np.uint8))


class Fetched(monitoring.CommandListener):
    """Counts the bytes that queries for chunks brought."""

    def __init__(self) -> None:
        self.size_bytes = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Nothing to count yet."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Count what a batch brought."""
        cursor: Any = event.reply.get("cursor", {})
        for document in [*cursor.get("firstBatch", []), *cursor.get("nextBatch", [])]:
            self.size_bytes += len(document.get("data", b""))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing came."""


@pytest.fixture
def fetched() -> Fetched:
    """What was fetched so far."""
    return Fetched()


@pytest.fixture
def watched(servers: LocalStack, database: Database[Document], fetched: Fetched) -> Iterator[BlobStore]:
    """The test's blobs, by a client whose traffic is counted."""
    with MongoClient[Document](servers.mongo_url, event_listeners=[fetched]) as client:
        yield BlobStore(client[database.name])


def test_a_blob_reads_like_a_file(blobs: BlobStore, content: bytes) -> None:
    blob_id = blobs.save(content, "dataset", new_correlation_id(), 1)
    places = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 5, len(content) - 1, len(content), len(content) + 9]
    with blobs.open(blob_id) as reader:
        assert (reader.size_bytes, reader.seek(0, io.SEEK_END)) == (len(content), len(content))
        for place in places:
            for count in (0, 1, 100, CHUNK_BYTES, 2 * CHUNK_BYTES + 1):
                assert reader.seek(place) == place
                assert reader.read(count) == content[place : place + count]
                assert reader.tell() == place + len(content[place : place + count])
        reader.seek(-5, io.SEEK_END)
        assert reader.read() == content[-5:]
        reader.seek(0)
        assert reader.readall() == content


def test_only_the_chunks_that_are_read_are_fetched_and_none_twice(
    watched: BlobStore, fetched: Fetched, content: bytes
) -> None:
    blob_id = watched.save(content, "dataset", new_correlation_id(), 1)
    with watched.open(blob_id) as reader:
        reader.seek(CHUNK_BYTES + 10)
        reader.read(50)
        assert fetched.size_bytes == CHUNK_BYTES
        reader.read(50)
        reader.seek(CHUNK_BYTES)
        reader.read(10)
        assert fetched.size_bytes == CHUNK_BYTES
        reader.seek(CHUNK_BYTES - 1)
        reader.read(2)
        assert fetched.size_bytes == 2 * CHUNK_BYTES


def test_a_page_of_a_large_table_fetches_little_of_it(
    watched: BlobStore, fetched: Fetched, database: Database[Document], tmp_path: Path
) -> None:
    random = np.random.default_rng(2)
    columns = {f"c{number}": random.normal(size=400_000) for number in range(6)}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=20_000)
    with (tmp_path / "t.parquet").open("rb") as file:
        blob_id = watched.save(file, "dataset", new_correlation_id(), 1)
    size_bytes = (tmp_path / "t.parquet").stat().st_size
    with open_table(watched, {"blob_id": blob_id}) as table:
        group = table.parquet.read_row_group(13, use_threads=False)
    assert group["c5"].to_pylist() == columns["c5"][260_000:280_000].tolist()
    assert fetched.size_bytes < size_bytes / 4


def test_several_read_one_blob_at_once(blobs: BlobStore, content: bytes) -> None:
    blob_id = blobs.save(content, "dataset", new_correlation_id(), 1)
    found: list[bytes] = []

    def read(step: int) -> None:
        with blobs.open(blob_id) as reader:
            found.append(b"".join(iter(lambda: reader.read(step), b"")))

    threads = [threading.Thread(target=read, args=(step,)) for step in (1000, 99_999, CHUNK_BYTES, 10 * CHUNK_BYTES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one == content for one in found] == [True] * 4


def test_a_blob_that_is_gone_is_an_error_also_while_it_is_read(blobs: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(UnknownUpload):
        blobs.open("nowhere")
    pq.write_table(pa.table({"a": np.random.default_rng(3).normal(size=300_000)}), tmp_path / "t.parquet")
    with (tmp_path / "t.parquet").open("rb") as file:
        blob_id = blobs.save(file, "dataset", new_correlation_id(), 1)
    with open_table(blobs, {"blob_id": blob_id}) as table:
        blobs.delete(blob_id)
        with pytest.raises(UnknownUpload, match=f"{blob_id} is gone"):
            table.parquet.read_row_group(0)


def test_kept_cells_of_a_blob_are_read_where_it_lies(blobs: BlobStore, tmp_path: Path) -> None:
    cells = ["4.50", "3", "1e2"] * 40_000
    dataset = upload(delimited({"x": cells, "y": ["a"] * len(cells)}), tmp_path / "t.parquet")
    with (tmp_path / "t.parquet").open("rb") as file:
        blob_id = blobs.save(file, "dataset", new_correlation_id(), 1)
    columns = [column.model_dump(mode="json") for column in dataset.described.columns]
    reading = {"x": SignatureColumn(name="x", type="text")}
    with open_table(blobs, {"blob_id": blob_id, "columns": columns}) as table:
        frame = read_frame(table, ["x"], reading)
    assert frame["x"].tolist() == cells
    with fetch_table(blobs, {"blob_id": blob_id, "columns": columns}, tmp_path) as table:
        assert read_frame(table, ["x"], reading)["x"].tolist() == cells
        assert read_frame(table, ["x"])["x"].tolist()[:3] == [4.5, 3.0, 100.0]
