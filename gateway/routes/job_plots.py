"""Plots of what a job found out: of explanations, learning curves and drift, and of evaluations by their jobs."""

from typing import Final, get_args

from aiohttp import web

from modelbus.gateway.application_keys import CATALOG, JOBS
from modelbus.gateway.description.explanation_examples import JOB_PLOTS
from modelbus.gateway.http.answers import json_answer
from modelbus.gateway.http.requests import correlation_id_in_path
from modelbus.gateway.routing.route import Answer, route
from modelbus.gateway.transfer.downloads import FILE_HEADERS
from modelbus.gateway.views.answer_models import JobPlotList
from modelbus.gateway.views.plot_views import PLOT_TYPES, plot_places, send_plot
from modelbus.shared.contracts import Command
from modelbus.shared.contracts.documents.job_documents import FileDocument, StoringJob
from modelbus.shared.errors import Conflict, NotFound, UnknownJob, UnknownUpload
from modelbus.shared.store.job_queries import EVALUATING, STORING

_DRAWING: Final = tuple(kind.__name__ for kind in get_args(get_args(Command)[0]) if "has_plots" in kind.model_fields)
"""The commands whose jobs may draw."""
_TAG: Final = "jobs"


@route(
    "GET",
    "/jobs/{correlation_id}/plots",
    scope="read",
    tag=_TAG,
    summary="List a job's plots",
    answers={200: Answer("Where each is.", JobPlotList, example=JOB_PLOTS)},
    errors=(UnknownJob, NotFound, Conflict),
)
async def list_job_plots(request: web.Request) -> web.Response:
    """The plots' names, with where each is as SVG and as points.

    Explanations of models, learning curves, drift reports and evaluations have them, unless `has_plots` is false.
    """
    correlation_id = correlation_id_in_path(request)
    files = await _files(request, correlation_id)
    plots = plot_places(f"/jobs/{correlation_id}/plots", files)
    return json_answer({"correlation_id": correlation_id, "plots": plots})


@route(
    "GET",
    "/jobs/{correlation_id}/plots/{file}",
    scope="read",
    tag=_TAG,
    summary="Read a job's plot",
    answers={
        200: Answer("The plot.", media_types=tuple(PLOT_TYPES.values()), headers=FILE_HEADERS),
        304: Answer("The caller has it already."),
    },
    errors=(UnknownJob, NotFound, Conflict, UnknownUpload),
)
async def download_job_plot(request: web.Request) -> web.StreamResponse:
    """A plot, and the points behind it."""
    correlation_id = correlation_id_in_path(request)
    files = await _files(request, correlation_id)
    return await send_plot(request, files, correlation_id, f"job {correlation_id}")


async def _files(request: web.Request, correlation_id: str) -> list[FileDocument]:
    """The stored files of a job that has succeeded.

    Raises:
        UnknownJob: There is none of that id.
        NotFound: It is no job that draws, or its evaluation was deleted.
        Conflict: It has not succeeded.
    """
    job = await request.app[JOBS].find_part(correlation_id, STORING)
    if job["command"] not in _DRAWING:
        kinds = ", ".join(_DRAWING)
        raise NotFound(f"job {correlation_id} is a {job['command']} job; only these have plots: {kinds}")
    if job["status"] != "succeeded":
        raise Conflict(f"job {correlation_id} is {job['status']}; its plots are there when it has succeeded")
    if job["command"] in EVALUATING:
        return await _files_of_evaluation(request, job)
    # jobs of earlier releases drew nothing
    return job.get("files") or []


async def _files_of_evaluation(request: web.Request, job: StoringJob) -> list[FileDocument]:
    """Those that its evaluation has, as long as it is there."""
    evaluation_id = (job.get("result") or {})["evaluation"]["id"]
    document = await request.app[CATALOG].stored_evaluation(evaluation_id)
    if document is None or document["correlation_id"] != job["_id"]:
        raise NotFound(f"job {job['_id']} made the evaluation {evaluation_id!r}, which was deleted with its plots")
    return document.get("files", [])
