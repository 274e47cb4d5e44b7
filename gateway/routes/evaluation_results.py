"""The results of evaluations: plots and comparisons."""

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
from modelbus.shared.plural import counted

_FEWEST, _MOST = 2, 10
_TAG: Final = "evaluations"


class CompareQuery(Query):
    """The query of a comparison."""

    id: list[Name] = Field(
        min_length=1,
        examples=[["first", "second"]],
        json_schema_extra={"minItems": _FEWEST, "maxItems": _MOST},
    )
    """The id of an evaluation; repeat the parameter for 2 to 10 evaluations."""


@route(
    "GET",
    "/evaluations/compare",
    scope="read",
    tag=_TAG,
    summary="Compare evaluations",
    answers={200: Answer("The comparison.", ComparisonView, example=COMPARISON)},
    query=CompareQuery,
    errors=(UnknownEvaluation, Conflict),
)
async def compare_evaluations(request: web.Request) -> web.Response:
    """Compares 2 to 10 evaluations: the metrics, the differences to the first evaluation, and reasons for doubt."""
    ids = query_of(request, CompareQuery).id
    if not _FEWEST <= len(ids) <= _MOST:
        raise BadRequest(
            f"?id= must be given {_FEWEST} to {_MOST} times, once for each evaluation, not {counted(len(ids), 'time')}"
        )
    if len(set(ids)) < len(ids):
        raise BadRequest("?id= must not repeat an evaluation")
    return json_answer(compare([filled(await find_filled(request, each)) for each in ids]))


@route(
    "GET",
    "/evaluations/{id}/plots",
    scope="read",
    tag=_TAG,
    summary="List an evaluation's plots",
    answers={200: Answer("The plots with their links.", PlotList, example=PLOTS)},
    errors=(UnknownEvaluation, Conflict),
)
async def list_evaluation_plots(request: web.Request) -> web.Response:
    """Lists the plots with links to the SVG image and to the data points."""
    evaluation_id = name_in_path(request, "id")
    document = await find_filled(request, evaluation_id)
    plots = plot_places(f"/evaluations/{evaluation_id}/plots", document.get("files", []))
    return json_answer({"evaluation": evaluation_id, "plots": plots})


@route(
    "GET",
    "/evaluations/{id}/plots/{file}",
    scope="read",
    tag=_TAG,
    summary="Retrieve a plot",
    answers={
        200: Answer("The plot.", media_types=tuple(PLOT_TYPES.values()), headers=FILE_HEADERS),
        304: Answer("The client has the current version."),
    },
    errors=(UnknownEvaluation, Conflict, NotFound, UnknownUpload),
)
async def download_evaluation_plot(request: web.Request) -> web.StreamResponse:
    """Returns the plot as an SVG image, or its data points as JSON."""
    evaluation_id = name_in_path(request, "id")
    document = await find_filled(request, evaluation_id)
    return await send_plot(request, document.get("files", []), evaluation_id, f"evaluation {evaluation_id!r}")
