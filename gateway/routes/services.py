"""The services themselves: who is alive, probes, metrics, and what is where."""

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
"""A scrape must not wait for MongoDB as long as a request may."""


@route(
    "GET",
    "/",
    scope="read",
    tag=_TAG,
    summary="What this is",
    answers={
        200: Answer(
            "Its routes.", GatewayIndex, example={"service": "modelbus", "version": VERSION, "routes": ["GET /jobs"]}
        )
    },
)
async def read_index(request: web.Request) -> web.Response:
    """What this is and what it answers."""
    routes = request.app[ROUTES]
    lines = [str(one) for one in sorted(routes, key=lambda one: (one.path, one.method))]
    return json_answer({"service": "modelbus", "version": VERSION, "routes": lines})


@route(
    "GET",
    "/services",
    scope="read",
    tag=_TAG,
    summary="List the services",
    answers={
        200: Answer(
            "Who is there, and what waits.",
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
    """The consumers that are alive, what waits in each queue, and what waits to be looked at."""
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
    summary="Is the gateway alive",
    answers={200: Answer("It is.", Liveness, example={"status": "ok"})},
)
async def check_liveness(_request: web.Request) -> web.Response:
    """The event loop runs."""
    return json_answer({"status": "ok"})


@route(
    "GET",
    "/health/ready",
    scope=OPEN,
    tag=_TAG,
    summary="Is the gateway ready",
    answers={
        200: Answer("It is.", Readiness, example={"status": "ok", "checks": {"store": True, "bus": True}}),
        503: Answer(
            "MongoDB does not answer.",
            Readiness,
            example={"status": "unavailable", "checks": {"store": False, "bus": True}},
        ),
    },
)
async def check_readiness(request: web.Request) -> web.Response:
    """MongoDB answers. A lost Redis delays jobs but loses none, so it is told and no failure."""
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
    summary="Metrics for Prometheus",
    answers={200: Answer("The metrics.", media_types=("text/plain",))},
)
async def read_metrics(request: web.Request) -> web.Response:
    """The gateway's own, for Prometheus, and how many dead letters there are now."""
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
    """Messages in each queue and its poison; null when the broker is away."""
    loop = asyncio.get_running_loop()
    depths: dict[str, int | None] = {}
    for queue in [name for lane in QUEUES for name in (lane, poison_queue(lane))]:
        try:
            depths[queue] = await loop.run_in_executor(None, request.app[PROBE].queue_depth, queue)
        except BusUnavailable:
            return dict.fromkeys([*QUEUES, *map(poison_queue, QUEUES)])
    return depths
