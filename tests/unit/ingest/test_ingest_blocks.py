"""What pyarrow reads a file from: few blocks ahead, and nothing once the reader was given up."""

import io
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from modelbus.evaluator.ingest.sources.delimited import block_source
from modelbus.evaluator.ingest.sources.delimited.block_source import BlockSource
from tests.waiting import TIMEOUT_S, wait_until

_BLOCK = 64 * 1024
_LIMIT = 6
"""Blocks that pyarrow may hold at once."""
_ROW = b"1234567,abcdefg\n"


class _Counted(io.BytesIO):
    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        return super().read(size)


def content(blocks: int) -> bytes:
    return b"a,b\n" + _ROW * (blocks * _BLOCK // len(_ROW))


def opened(source: BlockSource) -> pyarrow.csv.CSVStreamingReader:
    options = pyarrow.csv.ReadOptions(use_threads=False, block_size=_BLOCK)
    return pyarrow.csv.open_csv(pa.PythonFile(source, mode="r"), read_options=options)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gets a block just because time has passed."""
    monkeypatch.setattr(block_source, "_PATIENCE_S", 100 * TIMEOUT_S)


def begun(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def wait_for_a_waiting_reader(source: BlockSource) -> None:
    wait_until(lambda: source._places._cond._waiters, "a reader waits for a block")  # type: ignore[attr-defined]


@pytest.mark.usefixtures("patient")
def test_pyarrow_gets_all_of_it_and_reads_few_blocks_ahead() -> None:
    stream = _Counted(content(100))
    source = BlockSource(stream)
    rows = blocks = 0
    with opened(source) as reader, source:
        for batch in reader:
            if not blocks:
                wait_for_a_waiting_reader(source)  # by itself pyarrow would read 32 blocks ahead
                assert stream.reads <= 2 * _LIMIT
            rows, blocks = rows + batch.num_rows, blocks + 1
            del batch
    assert (rows, stream.tell()) == (100 * _BLOCK // len(_ROW), len(stream.getvalue()))
    assert blocks >= 100


@pytest.mark.parametrize("size", [1, 1000, 300_000])
def test_a_block_has_the_bytes_that_were_asked_for_but_for_the_last_one(size: int) -> None:
    data = bytes(range(256)) * 6000
    with BlockSource(io.BytesIO(data[: size * 4 + size // 2])) as source:
        found = [source.read_buffer(size).to_pybytes() for _ in range(6)]
    assert b"".join(found) == data[: size * 4 + size // 2]
    assert [len(block) for block in found] == [size] * 4 + [size // 2, 0]


@pytest.mark.usefixtures("patient")
def test_who_waits_for_a_block_gets_one_when_another_is_released() -> None:
    source = BlockSource(io.BytesIO(b"x" * 100))
    held = [source.read_buffer(1) for _ in range(_LIMIT)]
    late: list[bytes] = []
    waiting = begun(lambda: late.append(source.read_buffer(1).to_pybytes()))
    wait_for_a_waiting_reader(source)
    assert late == []
    held.clear()
    waiting.join(TIMEOUT_S)
    assert late == [b"x"]


def test_who_waits_for_a_block_gets_one_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_source, "_PATIENCE_S", 0.01)
    source = BlockSource(io.BytesIO(b"x" * 100))
    held = [source.read_buffer(1) for _ in range(_LIMIT + 1)]
    assert [block.to_pybytes() for block in held] == [b"x"] * (_LIMIT + 1)


@pytest.mark.usefixtures("patient")
def test_when_it_is_closed_nobody_waits_and_nobody_reads_any_more() -> None:
    stream = _Counted(b"x" * 100)
    source = BlockSource(stream)
    held = [source.read_buffer(1) for _ in range(_LIMIT)]
    late: list[pa.Buffer] = []
    waiting = begun(lambda: late.append(source.read_buffer(1)))
    wait_for_a_waiting_reader(source)
    source.close()
    waiting.join(TIMEOUT_S)
    held.clear()
    assert (stream.reads, stream.closed) == (_LIMIT, False)
    assert [block.size for block in [*late, source.read_buffer(1)]] == [0, 0]


_REFUSED = """
import sys
from pathlib import Path
from modelbus.evaluator.ingest import Limits, ingest
from modelbus.shared.errors import MalformedTable

with open(sys.argv[1], "rb") as file:
    try:
        ingest(file, Path(sys.argv[2]), file_name="x.csv", media_type=None, format=None,
               limits=Limits(10, 1 << 20), on_progress=lambda *_: None)
    except MalformedTable as error:
        print(error)
"""


def test_a_process_that_refused_a_file_while_pyarrow_read_ahead_ends_as_it_should(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(content(60) + b"1,2,3\n" * 200 + content(400)[4:])
    for _ in range(3):  # two in three of them crashed where pyarrow was left to itself
        command = [sys.executable, "-c", _REFUSED, str(tmp_path / "x.csv"), str(tmp_path / "table")]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "3 fields; expected 2 fields" in ran.stdout
