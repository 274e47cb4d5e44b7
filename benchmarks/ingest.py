"""1.5 GB of CSV into Parquet: Modelbus over HTTP and its ingest alone, beside pandas, pyarrow and polars.

The file has what real ones have: quoted newlines, missing values, codes with leading zeros, and two columns whose type
changes late. Goals: each process of Modelbus stays within 350 MB, and ingest, which is told nothing, reaches half the
speed of the fastest that reads the file as it comes, and of the fastest that makes the same table, told whatever it
needs.
"""

import http.client
import json
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from benchmarks.converters import CONVERTERS, OURS, Conversion, is_helped, run_converter
from benchmarks.generated_table import write_table
from benchmarks.memory import PeakWatch
from modelbus.stack import LocalStack

MEMORY_GOAL_BYTES = 350_000_000
SPEED_GOAL = 0.5

_MEGABYTE = 1_000_000
_WAIT_S = 1800
_BLOCK_BYTES = 1024 * 1024
_CORRELATION_ID = "00000000-0000-4000-8000-000000000001"
_SERVERS = ("redis", "mongod")


@dataclass(frozen=True)
class Upload:
    """One upload through the whole system."""

    upload_s: float
    """Until the file is stored and its job recorded."""
    job_s: float
    """From there until the dataset is there: fetching the file, ingest, storing the table."""
    total_s: float
    peaks: dict[str, int]
    """Bytes of each process."""


def main(size_bytes: int, rounds: int) -> None:
    """Measure and print the tables.

    Args:
        size_bytes: Of the CSV file.
        rounds: How often each converter runs, in turns; the best time counts, and the largest peak.
    """
    console = Console(width=130)
    with tempfile.TemporaryDirectory(prefix="modelbus-bench-") as directory:
        source = Path(directory) / "orders.csv"
        rows = write_table(source, size_bytes)
        size = source.stat().st_size
        console.print(f"{size / _MEGABYTE:.0f} MB, {rows} rows, best of {rounds}")
        conversions = _convert_in_turns(source, rounds)
        upload = _upload(source, Path(directory) / "stack")
    console.print(_speed_table(conversions, upload, size))
    console.print(_type_table(conversions))
    console.print(_memory_table(upload))
    for line in [*_failures(conversions), *_verdict(conversions, upload)]:
        console.print(line, markup=False, highlight=False)


def _convert_in_turns(source: Path, rounds: int) -> dict[str, Conversion]:
    found: dict[str, list[Conversion]] = {}
    for number in range(rounds):
        for name in CONVERTERS:
            if number and found[name][0].error:
                continue
            found.setdefault(name, []).append(run_converter(name, source, source.with_suffix(".parquet")))
    return {name: _best(ran) for name, ran in found.items()}


def _best(ran: list[Conversion]) -> Conversion:
    first, peak = min(ran, key=lambda one: one.seconds), max(one.peak_bytes for one in ran)
    return Conversion(first.seconds, peak, first.size_bytes, first.types, first.error)


def _upload(source: Path, directory: Path) -> Upload:
    settings = {"MODELBUS_LOG_LEVEL": "warning", "MODELBUS_WAIT_LIMIT_S": str(_WAIT_S)}
    with LocalStack(directory, environment=settings, is_persistent=False) as stack:
        processes = {member.name: member.process.pid for member in stack.members}
        with PeakWatch({name: process_id for name, process_id in processes.items() if process_id}) as watch:
            started = time.perf_counter()
            _post(stack.gateway_url, source)
            total_s = time.perf_counter() - started
        job = _get(stack.gateway_url, f"/jobs/{_CORRELATION_ID}")
    job_s = (datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["created_at"])).total_seconds()
    return Upload(total_s - job_s, job_s, total_s, watch.peaks)


def _post(url: str, source: Path) -> None:
    """Upload the file, block by block, and return when its dataset is there."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_WAIT_S, blocksize=_BLOCK_BYTES)
    headers = {
        "Content-Type": "text/csv",
        "Content-Length": str(source.stat().st_size),
        "X-Correlation-ID": _CORRELATION_ID,
    }
    with source.open("rb") as file:
        connection.request("POST", f"/datasets?name=orders&wait={_WAIT_S}", file, headers)
        with connection.getresponse() as response:
            if response.status != 201:
                raise RuntimeError(f"the upload was answered {response.status}: {response.read()[:500]!r}")
    connection.close()


def _get(url: str, path: str) -> dict[str, str]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.request("GET", path)
    found: dict[str, str] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def _speed_table(conversions: dict[str, Conversion], upload: Upload, size: int) -> Table:
    grid = Table("converter", "MB/s", "seconds", "peak MB", "Parquet MB", "modelbus ingest against it")
    ours_s = conversions[OURS].seconds
    for name, one in conversions.items():
        if not one.error:
            figures = _figures(size / one.seconds, one.seconds, one.peak_bytes, one.size_bytes)
            grid.add_row(name, *figures, "" if name == OURS else f"{one.seconds / ours_s:.2f}")
    peak = max(upload.peaks[name] for name in _ours(upload))
    figures = _figures(size / upload.total_s, upload.total_s, peak, 0)
    grid.add_row("modelbus over HTTP", *figures, f"{upload.total_s / ours_s:.2f}")
    grid.caption = f"over HTTP: {upload.upload_s:.1f} s until the file is stored, then {upload.job_s:.1f} s for the job"
    return grid


def _figures(bytes_per_s: float, seconds: float, peak: int, size: int) -> list[str]:
    parquet = f"{size / _MEGABYTE:.0f}" if size else ""
    return [f"{bytes_per_s / _MEGABYTE:.1f}", f"{seconds:.1f}", f"{peak / _MEGABYTE:.0f}", parquet]


def _type_table(conversions: dict[str, Conversion]) -> Table:
    names = list(next(one.types for one in conversions.values() if one.types))
    grid = Table("converter", *names, "same table")
    for name, one in conversions.items():
        if not one.error:
            grid.add_row(name, *(one.types[column] for column in names), "yes" if one.is_right else "")
    return grid


def _failures(conversions: dict[str, Conversion]) -> list[str]:
    return [f"{name} fails: {' '.join(one.error.split())[:200]}" for name, one in conversions.items() if one.error]


def _memory_table(upload: Upload) -> Table:
    grid = Table("process", "peak MB")
    for name, peak in sorted(upload.peaks.items()):
        grid.add_row(name, f"{peak / _MEGABYTE:.0f}")
    return grid


def _ours(upload: Upload) -> list[str]:
    return [name for name in upload.peaks if name.partition(":")[0] not in _SERVERS]


def _verdict(conversions: dict[str, Conversion], upload: Upload) -> list[str]:
    others = {name: one for name, one in conversions.items() if name != OURS and not one.error}
    ours_s = conversions[OURS].seconds
    as_it_comes = _ratio({name: one for name, one in others.items() if not is_helped(name)}, ours_s)
    same_table = _ratio({name: one for name, one in others.items() if one.is_right}, ours_s)
    fastest = _ratio(others, ours_s)
    largest = max(_ours(upload), key=lambda process: upload.peaks[process])
    peak = upload.peaks[largest]
    goal = f"the goal is {MEMORY_GOAL_BYTES / _MEGABYTE:.0f} MB: {_word(peak <= MEMORY_GOAL_BYTES)}"
    return [
        f"speed: {_told(as_it_comes)}, the fastest that reads the file without hints; {_reached(as_it_comes)}",
        f"speed: {_told(same_table)}, the fastest that produces the same table, with all hints; {_reached(same_table)}",
        f"speed: {_told(fastest)}, the fastest of all",
        f"memory: {peak / _MEGABYTE:.0f} MB at most ({largest}); {goal}",
    ]


def _ratio(others: dict[str, Conversion], ours_s: float) -> tuple[float, str]:
    """Our speed against the fastest of the others, and which that is."""
    name = min(others, key=lambda name: others[name].seconds)
    return others[name].seconds / ours_s, name


def _told(ratio: tuple[float, str]) -> str:
    return f"{ratio[0]:.2f} of {ratio[1]}"


def _reached(ratio: tuple[float, str]) -> str:
    return f"the goal is {SPEED_GOAL}: {_word(ratio[0] >= SPEED_GOAL)}"


def _word(is_reached: bool) -> str:
    return "reached" if is_reached else "MISSED"
