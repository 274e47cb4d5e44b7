"""What evaluations gave: their plots, and several side by side."""

from typing import Final

from aiohttp import web
from pydantic import Field

from modelbus.gateway.description.examples import COMPARISON, PLOTS
from modelbus.gateway.http.answers import json_answer
from modelbus.gateway.http.query import Query, query_of
from modelbus.gateway.http.requests import name_in_path
from modelbus.gateway.routing.route import Answer, route
from modelbus.gateway.transfer.downloads import FILE_HEADERS
from modelbus.gateway.views.answer_models import ComparisonView, PlotList
from modelbus.gateway.views.evaluation_comparison import compare
from modelbus.gateway.views.evaluation_views import filled, find_filled
from modelbus.gateway.views.plot_views import PLOT_TYPES, plot_places, send_plot
from modelbus.shared.contracts import Name
from modelbus.shared.errors import BadRequest, Conflict, NotFound, UnknownEvaluation, UnknownUpload

_FEWEST, _MOST = 2, 10
_TAG: Final = "evaluations"


class CompareQuery(Query):
    """Which evaluations."""

    id: list[Name] = Field(
        min_length=1,
        examples=[["first", "second"]],
        json_schema_extra={"minItems": _FEWEST, "maxItems": _MOST},
    )
    """The id of an evaluation; given once for each, 2 to 10 times."""


@route(
    "GET",
    "/evaluations/compare",
    scope="read",
    tag=_TAG,
    summary="Compare evaluations",
    answers={200: Answer("Them side by side.", ComparisonView, example=COMPARISON)},
    query=CompareQuery,
    errors=(UnknownEvaluation, Conflict),
)
async def compare_evaluations(request: web.Request) -> web.Response:
    """2 to 10 side by side, with differences to the first, and what makes them differ."""
    ids = query_of(request, CompareQuery).id
    if not _FEWEST <= len(ids) <= _MOST:
        raise BadRequest(f"?id= must be given {_FEWEST} to {_MOST} times, once for each evaluation; it is {len(ids)}")
    if len(set(ids)) < len(ids):
        raise BadRequest("?id= names an evaluation twice")
    return json_answer(compare([filled(await find_filled(request, each)) for each in ids]))


@route(
    "GET",
    "/evaluations/{id}/plots",
    scope="read",
    tag=_TAG,
    summary="List an evaluation's plots",
    answers={200: Answer("Where each is.", PlotList, example=PLOTS)},
    errors=(UnknownEvaluation, Conflict),
)
async def list_evaluation_plots(request: web.Request) -> web.Response:
    """The plots' names, with where each is as SVG and as points."""
    evaluation_id = name_in_path(request, "id")
    document = await find_filled(request, evaluation_id)
    plots = plot_places(f"/evaluations/{evaluation_id}/plots", document.get("files", []))
    return json_answer({"evaluation": evaluation_id, "plots": plots})


@route(
    "GET",
    "/evaluations/{id}/plots/{file}",
    scope="read",
    tag=_TAG,
    summary="Read a plot",
    answers={
        200: Answer("The plot.", media_types=tuple(PLOT_TYPES.values()), headers=FILE_HEADERS),
        304: Answer("The caller has it already."),
    },
    errors=(UnknownEvaluation, Conflict, NotFound, UnknownUpload),
)
async def download_evaluation_plot(request: web.Request) -> web.StreamResponse:
    """A plot, and the points behind it."""
    evaluation_id = name_in_path(request, "id")
    document = await find_filled(request, evaluation_id)
    return await send_plot(request, document.get("files", []), evaluation_id, f"evaluation {evaluation_id!r}")
