"""The services: liveness, probes, metrics, and the index of routes."""

import asyncio

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from modelbus.gateway.application_keys import CATALOG, DEAD_LETTERS, PROBE
from modelbus.gateway.http.answers import json_answer
from modelbus.gateway.routing.route import OPEN, Answer, route
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.gateway.views.answer_models import GatewayIndex, Liveness, Readiness, ServiceList
from modelbus.shared.bus import QUEUES, poison_queue
from modelbus.shared.errors import BusUnavailable, StoreUnavailable
from modelbus.shared.observing import metrics as metric
from modelbus.shared.version import VERSION

log = structlog.get_logger()

_TAG = "services"
_ALIVE_S = 15.0
_COUNT_S = 2.0
"""The time limit in seconds, shorter than for requests, since a scrape must not wait for MongoDB."""


@route(
    "GET",
    "/",
    scope="read",
    tag=_TAG,
    summary="Show the index",
    answers={
        200: Answer(
            "The documentation and the routes.",
            GatewayIndex,
            example={"documentation": "/docs", "service": "modelbus", "version": VERSION, "routes": ["GET /jobs"]},
        )
    },
)
async def read_index(request: web.Request) -> web.Response:
    """Returns the page of the API reference, the version and the routes of the gateway."""
    routes = request.app[ROUTES]
    lines = [str(one) for one in sorted(routes, key=lambda one: (one.path, one.method))]
    return json_answer({"documentation": "/docs", "service": "modelbus", "version": VERSION, "routes": lines})


@route(
    "GET",
    "/services",
    scope="read",
    tag=_TAG,
    summary="List all services",
    answers={
        200: Answer(
            "The services, queues and dead letters.",
            ServiceList,
            example={
                "version": VERSION,
                "services": [{"service": "trainer", "is_alive": True, "heartbeat_age_s": 0.4, "jobs_running": 1}],
                "queues": {"train": 0, "train.poison": 0},
                "dead_letters": [{"kind": "job", "queue": "train", "count": 1}],
            },
        )
    },
)
async def list_services(request: web.Request) -> web.Response:
    """Returns the instances of the services, the lengths of the queues, and the number of dead letters."""
    instances = [
        {**one, "is_alive": one["heartbeat_age_s"] < _ALIVE_S} for one in await request.app[CATALOG].services()
    ]
    dead = [
        {"kind": kind, "queue": queue, "count": count}
        for kind, queue, count in await request.app[DEAD_LETTERS].counts()
    ]
    return json_answer(
        {"version": VERSION, "services": instances, "queues": await _depths(request), "dead_letters": dead}
    )


@route(
    "GET",
    "/health/live",
    scope=OPEN,
    tag=_TAG,
    summary="Check liveness",
    answers={200: Answer("The process is running.", Liveness, example={"status": "ok"})},
)
async def check_liveness(_request: web.Request) -> web.Response:
    """Returns 200 as long as the process runs."""
    return json_answer({"status": "ok"})


@route(
    "GET",
    "/health/ready",
    scope=OPEN,
    tag=_TAG,
    summary="Check readiness",
    answers={
        200: Answer(
            "MongoDB is responding.", Readiness, example={"status": "ok", "checks": {"store": True, "bus": True}}
        ),
        503: Answer(
            "MongoDB is not responding.",
            Readiness,
            example={"status": "unavailable", "checks": {"store": False, "bus": True}},
        ),
    },
)
async def check_readiness(request: web.Request) -> web.Response:
    """Returns 200 if MongoDB responds.

    An unavailable broker is reported but is not a failure, since it delays jobs without losing any.
    """
    probe = request.app[PROBE]
    loop = asyncio.get_running_loop()
    store, bus = await asyncio.gather(
        request.app[CATALOG].is_answering(), loop.run_in_executor(None, probe.is_connected)
    )
    checks = {"store": store, "bus": bus}
    return json_answer({"status": "ok" if store else "unavailable", "checks": checks}, status=200 if store else 503)


@route(
    "GET",
    "/metrics",
    scope="metrics",
    tag=_TAG,
    summary="Retrieve Prometheus metrics",
    answers={200: Answer("The metrics.", media_types=("text/plain",))},
)
async def read_metrics(request: web.Request) -> web.Response:
    """Returns the metrics of this gateway and the number of dead letters."""
    try:
        async with asyncio.timeout(_COUNT_S):
            counts = await request.app[DEAD_LETTERS].counts()
    except (StoreUnavailable, TimeoutError) as error:
        log.debug("metrics.not_counted", reason=str(error))
    else:
        metric.DEAD_LETTERS.clear()
        for kind, queue, count in counts:
            metric.DEAD_LETTERS.labels(kind, queue).set(count)
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _depths(request: web.Request) -> dict[str, int | None]:
    """The number of messages in each queue and its poison queue; null if the broker is not responding."""
    loop = asyncio.get_running_loop()
    depths: dict[str, int | None] = {}
    for queue in [name for lane in QUEUES for name in (lane, poison_queue(lane))]:
        try:
            depths[queue] = await loop.run_in_executor(None, request.app[PROBE].queue_depth, queue)
        except BusUnavailable:
            return dict.fromkeys([*QUEUES, *map(poison_queue, QUEUES)])
    return depths
