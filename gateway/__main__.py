"""``python -m gateway``: serve HTTP until SIGTERM."""

import asyncio
import ipaddress
import signal
import sys

import structlog
import uvloop
from aiohttp import web

from gateway.app import create_app
from shared.log_shipper import kept_logs
from shared.logs import configure_logs
from shared.port_file import write_port_file
from shared.settings import Settings
from shared.store.log_batches import open_log_shipper
from shared.version import VERSION

log = structlog.get_logger()


def main() -> int:
    """Serve; returns the exit status."""
    settings = Settings()
    shipper = open_log_shipper(settings, "gateway")
    ship = shipper.put if shipper else None
    configure_logs("gateway", settings.log_level, log_format=settings.log_format, ship=ship)
    if not _is_loopback(settings.gateway_host):
        log.error(
            "service.refused_address",
            host=settings.gateway_host,
            reason="without authentication the gateway listens on loopback only (127.0.0.1 or ::1)",
        )
        return 1
    with kept_logs(shipper):
        return uvloop.run(_serve(settings))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _serve(settings: Settings) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    runner = web.AppRunner(create_app(settings), access_log=None, shutdown_timeout=settings.stop_grace_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.gateway_host, settings.gateway_port).start()
    except OSError as error:
        log.error("service.cannot_listen", host=settings.gateway_host, port=settings.gateway_port, reason=str(error))
        await runner.cleanup()
        return 1
    port = int(runner.addresses[0][1])
    write_port_file(settings, port)
    log.info("service.started", version=VERSION, url=f"http://{settings.gateway_host}:{port}")
    await stopping.wait()
    log.info("service.stopping")
    await runner.cleanup()
    log.info("service.stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
