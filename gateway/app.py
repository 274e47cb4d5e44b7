"""The application: what it opens, in which order, and closes."""

import asyncio
import time
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from gateway.dispatch import Dispatcher
from gateway.keys import BLOBS, DISPATCHER, JOBS, PROBE, READINGS, SETTINGS, SHELF
from gateway.outbox import Outbox
from gateway.problems import Handler, problem_middleware
from gateway.requests import correlation_middleware, say_correlation_id
from gateway.routes import (
    dataset_contents,
    datasets,
    documentation,
    estimators,
    evaluations,
    explanations,
    jobs,
    models,
    predictions,
    previews,
    services,
)
from gateway.waiting import JobWaiters
from shared.bus import EventSubscriber, Publisher
from shared.metrics import HTTP_REQUESTS, HTTP_SECONDS
from shared.settings import Settings
from shared.store.connection import open_async_store
from shared.store.ledger import terms_of
from shared.store.readings import Readings
from shared.store.records import AsyncBlobStore, JobRecords, Shelf

log = structlog.get_logger()

_QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})


def create_app(settings: Settings) -> web.Application:
    """Make the gateway's application; it connects when it starts.

    Args:
        settings: The settings of this process.
    """
    app = web.Application(
        middlewares=[correlation_middleware, _measure_middleware, problem_middleware],
        client_max_size=settings.message_limit_bytes // 2,
    )
    app[SETTINGS] = settings
    rooms = (
        services,
        documentation,
        previews,
        datasets,
        dataset_contents,
        estimators,
        models,
        predictions,
        evaluations,
        explanations,
        jobs,
    )
    for routes in rooms:
        routes.add_routes(app.router)
    documentation.add_documents(app)
    app.on_response_prepare.append(say_correlation_id)
    app.cleanup_ctx.append(_open)
    return app


async def _open(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    bus_url = settings.bus_url.get_secret_value()
    database = open_async_store(settings)
    app[SHELF] = Shelf(database)
    app[BLOBS] = AsyncBlobStore(database)
    app[READINGS] = Readings(database, app[BLOBS])
    app[JOBS] = JobRecords(database, terms_of(settings))
    app[PROBE] = Publisher(bus_url, "gateway")
    outbox = Outbox(
        Publisher(bus_url, "gateway"),
        batch_limit=settings.predict_batch_limit,
        batch_bytes_limit=settings.message_limit_bytes // 4,
    )
    waiters = JobWaiters(app[JOBS])
    app[DISPATCHER] = Dispatcher(app[JOBS], outbox, waiters)
    loop = asyncio.get_running_loop()
    subscriber = EventSubscriber(bus_url, "gateway", lambda events: _on_loop(loop, waiters, events))
    subscriber.start()
    yield
    await app[DISPATCHER].close()
    await loop.run_in_executor(None, subscriber.stop)
    await waiters.close()
    await outbox.close()
    app[PROBE].close()
    await database.client.close()


def _on_loop(loop: asyncio.AbstractEventLoop, waiters: JobWaiters, events: list[dict[str, object]]) -> None:
    try:
        loop.call_soon_threadsafe(waiters.hear, events)
    except RuntimeError:
        # An event came while the loop closed; nobody waits any more.
        log.debug("event.too_late", count=len(events))


@web.middleware
async def _measure_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count, time and log each request."""
    started = time.perf_counter()
    response = await handler(request)
    seconds = time.perf_counter() - started
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "unknown"
    HTTP_REQUESTS.labels(request.method, route, response.status).inc()
    HTTP_SECONDS.labels(request.method, route).observe(seconds)
    if route not in _QUIET_ROUTES:
        facts = {"method": request.method, "path": request.path, "status": response.status}
        log.info("request.answered", **facts, seconds=round(seconds, 4))
    return response
