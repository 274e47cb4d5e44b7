"""The application: the resources that it opens and closes, in order."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog
from aiohttp import web
from aiohttp.hdrs import METH_ALL

from modelbus.gateway.access.authentication import KEY_RING, REFUSALS, KeyRing, RefusalLog
from modelbus.gateway.access.origins import origin_middleware, say_security_headers
from modelbus.gateway.access.scopes import access_middleware
from modelbus.gateway.application_keys import (
    API_KEYS,
    BLOBS,
    CATALOG,
    DEAD_LETTERS,
    JOBS,
    LOG_LINES,
    PROBE,
    READINGS,
    SETTINGS,
)
from modelbus.gateway.http.breaking_off import breaking_off_middleware, note_beginning
from modelbus.gateway.http.problems import Handler, problem_middleware
from modelbus.gateway.http.requests import complete_headers, correlation_middleware, head_middleware
from modelbus.gateway.jobs.backlog import Backlog
from modelbus.gateway.jobs.dispatch import DISPATCHER, Dispatcher
from modelbus.gateway.jobs.event_stream import STREAMS, EventStreams
from modelbus.gateway.jobs.following import FOLLOWERS, JobFollowers
from modelbus.gateway.jobs.job_waiters import JobWaiters
from modelbus.gateway.jobs.outbox import Outbox
from modelbus.gateway.request_tracing import trace_middleware
from modelbus.gateway.routes import (
    api_documentation,
    api_keys,
    dataset_contents,
    datasets,
    dead_letters,
    estimators,
    evaluation_results,
    evaluations,
    explanations,
    job_events,
    job_plots,
    jobs,
    logs,
    model_versions,
    models,
    predictions,
    previews,
    services,
    trainings,
)
from modelbus.gateway.routing.route_table import add_routes
from modelbus.shared.bus import EventSubscriber, Publisher
from modelbus.shared.observing.metrics import HTTP_REQUESTS, HTTP_SECONDS
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.async_blobs import AsyncBlobStore
from modelbus.shared.store.connection import open_async_store
from modelbus.shared.store.jobs.dataset_readings import Readings
from modelbus.shared.store.jobs.gateway_jobs import JobRecords
from modelbus.shared.store.jobs.ledger import terms_of
from modelbus.shared.store.letters.dead_letters import DeadLetters
from modelbus.shared.store.logs.log_reading import LogLines
from modelbus.shared.store.records.api_key_store import ApiKeys
from modelbus.shared.store.records.catalog_reader import CatalogReader

log = structlog.get_logger()

_FILES = (
    services,
    api_documentation,
    previews,
    datasets,
    dataset_contents,
    estimators,
    trainings,
    models,
    model_versions,
    predictions,
    evaluation_results,
    evaluations,
    explanations,
    jobs,
    job_events,
    job_plots,
    logs,
    dead_letters,
    api_keys,
)
"""The modules of routes, in the order of the documentation."""
_QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})


def create_app(settings: Settings) -> web.Application:
    """Create the gateway's application, which connects on start.

    Args:
        settings: The settings of the process.
    """
    app = web.Application(
        middlewares=[
            correlation_middleware,
            trace_middleware,
            _measure_middleware,
            problem_middleware,
            breaking_off_middleware,
            head_middleware,
            origin_middleware,
            access_middleware,
        ],
        client_max_size=settings.message_limit_bytes // 2,
    )
    app[SETTINGS] = settings
    app[REFUSALS] = RefusalLog()
    app[STREAMS] = EventStreams(limit=settings.event_stream_limit, heartbeat_s=settings.event_heartbeat_s)
    add_routes(app, _FILES)
    app.on_response_prepare.append(complete_headers)
    app.on_response_prepare.append(_say_security_headers)
    app.on_response_prepare.append(note_beginning)
    app.cleanup_ctx.append(_open)
    app.on_shutdown.append(_end_streams)
    return app


async def _say_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    say_security_headers(response)


async def _end_streams(app: web.Application) -> None:
    # Before requests in hand are waited for: a stream would go on for ever.
    app[STREAMS].stop()


async def _open(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    bus_url = settings.bus_url.get_secret_value()
    database = open_async_store(settings)
    app[CATALOG] = CatalogReader(database)
    app[BLOBS] = AsyncBlobStore(database)
    app[READINGS] = Readings(database, app[BLOBS])
    app[API_KEYS] = ApiKeys(database)
    app[KEY_RING] = KeyRing(app[API_KEYS], settings)
    app[DEAD_LETTERS] = DeadLetters(database)
    app[LOG_LINES] = LogLines(database)
    app[JOBS] = JobRecords(database, terms_of(settings))
    app[PROBE] = Publisher(bus_url, "gateway")
    outbox = Outbox(
        Publisher(bus_url, "gateway"),
        batch_limit=settings.predict_batch_limit,
        message_limit_bytes=settings.message_limit_bytes,
    )
    waiters = JobWaiters(app[JOBS])
    app[FOLLOWERS] = JobFollowers()
    app[DISPATCHER] = Dispatcher(app[JOBS], outbox, waiters, Backlog(app[JOBS], settings.backlog_limit))
    loop = asyncio.get_running_loop()

    def hear(events: list[dict[str, Any]]) -> None:
        waiters.hear(events)
        app[FOLLOWERS].hear(events)

    subscriber = EventSubscriber(bus_url, "gateway", lambda events: _on_loop(loop, hear, events))
    subscriber.start()
    yield
    await app[DISPATCHER].close()
    await loop.run_in_executor(None, subscriber.stop)
    await waiters.close()
    await outbox.close()
    app[PROBE].close()
    await database.client.close()


def _on_loop(
    loop: asyncio.AbstractEventLoop, hear: Callable[[list[dict[str, Any]]], None], events: list[dict[str, Any]]
) -> None:
    try:
        loop.call_soon_threadsafe(hear, events)
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
    # Anybody may make up a method; each label value is kept for ever.
    method = request.method if request.method in METH_ALL else "other"
    HTTP_REQUESTS.labels(method, route, response.status).inc()
    HTTP_SECONDS.labels(method, route).observe(seconds)
    if route not in _QUIET_ROUTES:
        facts = {"method": request.method, "path": request.path, "status": response.status}
        log.info("request.answered", **facts, seconds=round(seconds, 4))
    return response
