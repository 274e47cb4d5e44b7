"""The HTTP server for probes of a service, in its own thread: /health/live, /health/ready and /metrics."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Checks = Callable[[], dict[str, bool]]
"""Returns named checks; healthy if all are true."""


class HealthServer:
    """Serves the probes until stopped."""

    def __init__(self, host: str, port: int, *, is_live: Checks, is_ready: Checks) -> None:
        """Args:
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.
        is_live: Whether the process is working; if not, it should be restarted.
        is_ready: Whether it can work now, including its servers.
        """
        self._host = host
        self._port = port
        self._is_live = is_live
        self._is_ready = is_ready
        self._listening: Future[int] = Future()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> int:
        """Start listening; returns the port.

        Raises:
            OSError: The port is taken.
        """
        self._thread.start()
        return self._listening.result(timeout=10)

    def stop(self) -> None:
        """Stop listening."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.router.add_get("/health/live", self._probe(self._is_live))
        app.router.add_get("/health/ready", self._probe(self._is_ready))
        app.router.add_get("/metrics", _metrics)
        runner = web.AppRunner(app, access_log=None)
        try:
            self._listening.set_result(self._loop.run_until_complete(self._listen(runner)))
        except OSError as error:
            self._listening.set_exception(error)
            return
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _listen(self, runner: web.AppRunner) -> int:
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        await site.start()
        return int(runner.addresses[0][1])

    def _probe(self, checks: Checks) -> Callable[[web.Request], Any]:
        async def answer(_request: web.Request) -> web.Response:
            # The checks query servers and may take seconds, so they must not run on the event loop.
            facts = await asyncio.get_running_loop().run_in_executor(None, checks)
            status = 200 if all(facts.values()) else 503
            return web.json_response(
                {"status": "ok" if status == 200 else "unavailable", "checks": facts}, status=status
            )

        return answer


async def _metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
