"""Plots of jobs: of explanations, learning curves, drift reports and evaluations."""

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
"""The commands whose jobs can create plots."""
_TAG: Final = "jobs"


@route(
    "GET",
    "/jobs/{correlation_id}/plots",
    scope="read",
    tag=_TAG,
    summary="List a job's plots",
    answers={200: Answer("The plots with their links.", JobPlotList, example=JOB_PLOTS)},
    errors=(UnknownJob, NotFound, Conflict),
)
async def list_job_plots(request: web.Request) -> web.Response:
    """Lists the plots with links to the SVG image and to the data points.

    Explanations of models, learning curves, drift reports and evaluations have plots, unless `has_plots` is false.
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
    summary="Retrieve a job's plot",
    answers={
        200: Answer("The plot.", media_types=tuple(PLOT_TYPES.values()), headers=FILE_HEADERS),
        304: Answer("The client has the current version."),
    },
    errors=(UnknownJob, NotFound, Conflict, UnknownUpload),
)
async def download_job_plot(request: web.Request) -> web.StreamResponse:
    """Returns the plot as an SVG image, or its data points as JSON."""
    correlation_id = correlation_id_in_path(request)
    files = await _files(request, correlation_id)
    return await send_plot(request, files, correlation_id, f"job {correlation_id}")


async def _files(request: web.Request, correlation_id: str) -> list[FileDocument]:
    """The plots of a succeeded job.

    Raises:
        UnknownJob: The job does not exist.
        NotFound: The command has no plots, or the evaluation was deleted.
        Conflict: The job has not succeeded.
    """
    job = await request.app[JOBS].find_part(correlation_id, STORING)
    if job["command"] not in _DRAWING:
        kinds = ", ".join(_DRAWING)
        raise NotFound(f"job {correlation_id} is a {job['command']} job; only {kinds} have plots")
    if job["status"] != "succeeded":
        raise Conflict(f"job {correlation_id} is {job['status']}; plots exist only after it has succeeded")
    if job["command"] in EVALUATING:
        return await _files_of_evaluation(request, job)
    # jobs of earlier releases drew nothing
    return job.get("files") or []


async def _files_of_evaluation(request: web.Request, job: StoringJob) -> list[FileDocument]:
    """The plots of the job's evaluation, as long as it exists."""
    evaluation_id = (job.get("result") or {})["evaluation"]["id"]
    document = await request.app[CATALOG].stored_evaluation(evaluation_id)
    if document is None or document["correlation_id"] != job["_id"]:
        raise NotFound(f"evaluation {evaluation_id!r} of job {job['_id']} was deleted with its plots")
    return document.get("files", [])
