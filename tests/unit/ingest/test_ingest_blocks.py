"""What pyarrow reads a file from: few blocks ahead, and nothing once the reader was given up."""

import io
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from modelbus.evaluator.ingest.sources.delimited.block_source import BlockSource

_BLOCK = 64 * 1024
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


def test_pyarrow_gets_all_of_it_and_reads_few_blocks_ahead() -> None:
    stream = _Counted(content(100))
    source = BlockSource(stream)
    rows = blocks = 0
    with opened(source) as reader, source:
        for batch in reader:
            if not blocks:
                time.sleep(0.3)  # by itself it would read 32 blocks meanwhile
                assert stream.reads <= 12
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


def test_who_waits_for_a_place_gets_one_when_a_block_is_let_go_or_after_a_while() -> None:
    source = BlockSource(io.BytesIO(b"x" * 100))
    held = [source.read_buffer(1) for _ in range(6)]
    started = time.monotonic()
    held.append(source.read_buffer(1))
    assert time.monotonic() - started > 0.9
    threading.Timer(0.1, held.clear).start()
    started = time.monotonic()
    assert source.read_buffer(1).to_pybytes() == b"x"
    assert time.monotonic() - started < 0.9


def test_when_it_is_closed_nobody_waits_and_nobody_reads_any_more() -> None:
    stream = _Counted(b"x" * 100)
    source = BlockSource(stream)
    held = [source.read_buffer(1) for _ in range(6)]
    late: list[pa.Buffer] = []
    waiting = threading.Thread(target=lambda: late.append(source.read_buffer(1)))
    waiting.start()
    time.sleep(0.1)
    started = time.monotonic()
    source.close()
    waiting.join()
    assert time.monotonic() - started < 0.8
    assert (len(held), stream.reads, stream.closed) == (6, 6, False)
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
