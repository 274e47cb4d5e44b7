"""``python -m modelbus.gateway``: serve HTTP until SIGTERM."""

import asyncio
import signal
import sys

from modelbus.extras import require_or_exit

if __name__ == "__main__":
    # Before the imports below, most of which require the extra.
    require_or_exit("server", "python -m modelbus.gateway")

import structlog
import uvloop
from aiohttp import web

from modelbus.gateway.access.addresses import is_loopback
from modelbus.gateway.access.scopes import demands_keys
from modelbus.gateway.app import create_app
from modelbus.gateway.http_server import GatewayRunner
from modelbus.shared.errors import StoreUnavailable
from modelbus.shared.observing.log_shipper import kept_logs
from modelbus.shared.observing.logs import configure_logs
from modelbus.shared.observing.tracing import start_tracing
from modelbus.shared.port_file import write_port_file
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import open_async_store
from modelbus.shared.store.logs.log_batches import open_log_shipper
from modelbus.shared.store.records.api_key_store import ApiKeys
from modelbus.shared.version import VERSION

log = structlog.get_logger()

_HOW_TO_MAKE_A_KEY = (
    "create one with `modelbus keys create NAME --scope admin`, or set MODELBUS_ADMIN_KEY or the secret file "
    "modelbus_admin_key"
)


def main() -> int:
    """Serve until a signal; returns the exit status."""
    settings = Settings()
    shipper = open_log_shipper(settings, "gateway")
    ship = shipper.put if shipper else None
    configure_logs("gateway", settings.log_level, log_format=settings.log_format, ship=ship)
    start_tracing("gateway")
    with kept_logs(shipper):
        return uvloop.run(_run(settings))


async def _run(settings: Settings) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if demands_keys(settings) and settings.admin_key is None and not await _has_key(settings, stopping):
        if stopping.is_set():
            return 0
        if not is_loopback(settings.gateway_host):
            reason = "the gateway requires API keys on addresses other than loopback, but no key exists: "
            log.error("service.refused_address", host=settings.gateway_host, reason=reason + _HOW_TO_MAKE_A_KEY)
            return 1
        log.warning("service.has_no_key", reason=f"API keys are required, but no key exists: {_HOW_TO_MAKE_A_KEY}")
    return await _serve(settings, stopping)


async def _has_key(settings: Settings, stopping: asyncio.Event) -> bool:
    """Whether any API key exists. Waits for MongoDB and logs it, since the gateway may start first."""
    database = open_async_store(settings)
    try:
        while not stopping.is_set():
            try:
                return await ApiKeys(database).has_valid()
            except StoreUnavailable as error:
                log.warning("service.waiting_for_store", reason=error.message)
                await asyncio.sleep(1)
        return False
    finally:
        await database.client.close()


async def _serve(settings: Settings, stopping: asyncio.Event) -> int:
    runner = GatewayRunner(create_app(settings), shutdown_timeout=settings.stop_grace_s)
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
