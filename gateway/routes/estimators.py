"""The estimators in the trainer's catalogue."""

from aiohttp import web

from modelbus.gateway.application_keys import CATALOG
from modelbus.gateway.description.examples import ESTIMATOR, ESTIMATOR_SUMMARY
from modelbus.gateway.http.answers import json_answer, public
from modelbus.gateway.http.query import Query, query_of
from modelbus.gateway.routing.route import Answer, route
from modelbus.gateway.views.answer_models import EstimatorList, EstimatorView
from modelbus.shared.contracts import Task
from modelbus.shared.contracts.checks.command_checks import unknown_estimator
from modelbus.shared.errors import UnknownEstimator

_TAG = "estimators"


class EstimatorsQuery(Query):
    """The query of the list."""

    task: Task | None = None
    """Return only estimators for this task."""


@route(
    "GET",
    "/estimators",
    scope="read",
    tag=_TAG,
    summary="List all estimators",
    answers={200: Answer("All estimators.", EstimatorList, example={"estimators": [ESTIMATOR_SUMMARY]})},
    query=EstimatorsQuery,
)
async def list_estimators(request: web.Request) -> web.Response:
    """Lists the estimators that can be trained, with their tasks and descriptions."""
    found = await request.app[CATALOG].estimators(query_of(request, EstimatorsQuery).task)
    return json_answer({"estimators": found})


@route(
    "GET",
    "/estimators/{name}",
    scope="read",
    tag=_TAG,
    summary="Retrieve an estimator",
    answers={200: Answer("The estimator.", EstimatorView, example=ESTIMATOR)},
    errors=(UnknownEstimator,),
)
async def read_estimator(request: web.Request) -> web.Response:
    """Returns the estimator with a JSON Schema of its hyperparameters."""
    name = request.match_info["name"]
    document = await request.app[CATALOG].estimator(name)
    if document is None:
        raise await no_such_estimator(request, name)
    return json_answer(public(document))


async def no_such_estimator(request: web.Request, name: str) -> UnknownEstimator:
    """The error for an estimator that is not in the catalogue, the same as the trainer's."""
    names = [one["name"] for one in await request.app[CATALOG].estimators(None)]
    return unknown_estimator(name, names, await request.app[CATALOG].left_out())
