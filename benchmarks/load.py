"""A load generator: N connections, each sends its next request when the last was answered; counts and times them.

Written on raw sockets so that it takes little of the processor that the servers need.
"""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import uvloop


@dataclass(frozen=True)
class LoadResult:
    """What one run measured."""

    requests_per_s: float
    median_ms: float
    p99_ms: float
    failures: int
    """Answers with another status than 200."""


def run_load(url: str, body: bytes, connections: int, seconds: float) -> LoadResult:
    """Send POST requests for a while.

    Args:
        url: Where to.
        body: The JSON of each request.
        connections: How many at once.
        seconds: How long.
    """
    return uvloop.run(_run(url, body, connections, seconds))


async def _run(url: str, body: bytes, connections: int, seconds: float) -> LoadResult:
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    message = head.encode() + body
    until = time.perf_counter() + seconds
    ran = await asyncio.gather(
        *(_connection(str(parts.hostname), int(parts.port or 80), message, until) for _ in range(connections))
    )
    times = sorted(duration for durations, _ in ran for duration in durations)
    failures = sum(count for _, count in ran)
    if not times:
        raise RuntimeError(f"{url} answered nothing in {seconds} s")
    return LoadResult(
        requests_per_s=len(times) / seconds,
        median_ms=times[len(times) // 2] * 1000,
        p99_ms=times[int(len(times) * 0.99)] * 1000,
        failures=failures,
    )


async def _connection(host: str, port: int, message: bytes, until: float) -> tuple[list[float], int]:
    reader, writer = await asyncio.open_connection(host, port)
    durations, failures = [], 0
    try:
        while time.perf_counter() < until:
            started = time.perf_counter()
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_content_length(head))
            durations.append(time.perf_counter() - started)
            failures += not head.startswith(b"HTTP/1.1 200")
    finally:
        writer.close()
    return durations, failures


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    raise RuntimeError("an answer without Content-Length")
