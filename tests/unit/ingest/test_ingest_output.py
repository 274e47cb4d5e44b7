"""What an ingest leaves: a file in row groups and its description, or nothing; in bounded memory."""

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from modelbus.evaluator.ingest import ingest
from tests.unit.ingesting import LIMITS, ingested


def test_the_file_is_described(tmp_path: Path) -> None:
    content = "a,b\n1,x\n"
    seen: list[float] = []
    source = io.BytesIO(content.encode())
    destination = tmp_path / "out"
    table = ingest(
        source,
        destination,
        file_name=None,
        media_type=None,
        format=None,
        limits=LIMITS,
        on_progress=lambda fraction, message: seen.append(fraction),
    )
    assert table.file_sha256 == hashlib.sha256(destination.read_bytes()).hexdigest()
    assert (table.size_bytes, table.source_size_bytes) == (destination.stat().st_size, len(content))
    assert (table.format, table.encoding, table.delimiter) == ("csv", "utf-8", ",")
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert not source.closed
    assert list(tmp_path.iterdir()) == [destination]


def test_row_groups_have_fifty_thousand_rows(tmp_path: Path) -> None:
    ingested(tmp_path, "a,b\n" + "1,x\n" * 120_000)
    metadata = pq.read_metadata(tmp_path / "table.parquet")
    assert [metadata.row_group(group).num_rows for group in range(3)] == [50_000, 50_000, 20_000]


class _StoppedError(Exception):
    pass


def test_what_the_progress_callback_raises_ends_the_ingest(tmp_path: Path) -> None:
    def stop(fraction: float, message: str) -> None:
        if message == "casting":
            raise _StoppedError

    with pytest.raises(_StoppedError):
        ingest(
            io.BytesIO(b"a,b\n1,2\n"),
            tmp_path / "out",
            file_name=None,
            media_type=None,
            format=None,
            limits=LIMITS,
            on_progress=stop,
        )
    assert list(tmp_path.iterdir()) == []


MEASURE = """
import sys
from pathlib import Path
from modelbus.evaluator.ingest import Limits, ingest
with open(sys.argv[1], "rb") as source:
    table = ingest(source, Path(sys.argv[2]), file_name="x.csv", media_type=None, format=None,
                   limits=Limits(2000, 2**20), on_progress=lambda fraction, message: None)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(table.row_count, int(status["VmHWM"].split()[0]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured where /proc is")
@pytest.mark.parametrize(("width", "rows"), [(6, 1_000_000), (600, 10_000)])
def test_memory_is_bounded_however_large_the_table(tmp_path: Path, width: int, rows: int) -> None:
    source = tmp_path / "large.csv"
    lines = [",".join(f"{row * column % 9973}.{column}" for column in range(width)) for row in range(100)]
    with source.open("w") as file:
        file.write(",".join(f"c{column}" for column in range(width)) + "\n")
        for _ in range(rows // 100):
            file.write("\n".join(lines) + "\n")
    found = subprocess.run(
        [sys.executable, "-c", MEASURE, source, tmp_path / "out"], check=True, capture_output=True, text=True
    )
    row_count, peak_mebibytes = map(int, found.stdout.split())
    assert row_count == rows
    assert peak_mebibytes < 300
