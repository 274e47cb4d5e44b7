"""Explanations, learning curves and drift reports of model versions, each the result of a job.

An explanation whose id is derived from the request belongs to the version's owner, like a reading to the dataset's.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from aiohttp import web

from modelbus.gateway.access.scopes import owner_of
from modelbus.gateway.application_keys import CATALOG, SETTINGS
from modelbus.gateway.description.examples import QUEUED_JOB
from modelbus.gateway.description.explanation_examples import DRIFT, LEARNING, MODEL_EXPLANATION, PREDICTION_EXPLANATION
from modelbus.gateway.http.answers import job_answer
from modelbus.gateway.http.query import Waiting
from modelbus.gateway.http.requests import (
    AnyCommand,
    adopt_correlation_id,
    command_from,
    correlation_id_of,
    has_own_correlation_id,
    json_body,
    reference_in_path,
    wait_s,
)
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.gateway.routing.route import Answer, JsonBody, route
from modelbus.gateway.views.answer_models import (
    DriftView,
    JobView,
    LearningView,
    ModelExplanationView,
    PredictionExplanationView,
)
from modelbus.shared.contracts import (
    Command,
    Contract,
    ExplainModel,
    ExplainPrediction,
    MeasureLearningCurve,
    ReportDrift,
    command_spec,
    spec_hash,
)
from modelbus.shared.contracts.checks.explanation_checks import (
    check_explanation,
    explained_dataset,
    require_training_table,
)
from modelbus.shared.contracts.documents.job_documents import EndedJob
from modelbus.shared.errors import CorrelationIdReused, UnknownDataset, UnknownModel

_TAG = "explanations"
_ERRORS = (UnknownModel, UnknownDataset, CorrelationIdReused)


def _answers(description: str, command: str, model: type[Contract], example: Mapping[str, Any]) -> dict[int, Answer]:
    return {
        200: Answer(description, model, example=example),
        202: Answer("The job, if it has not ended in time.", JobView, example={**QUEUED_JOB, "command": command}),
    }


def _body(command: type[Contract], examples: Mapping[str, Any], *, is_required: bool) -> JsonBody:
    return JsonBody((command,), examples, said_by_route=frozenset({"model"}), is_required=is_required)


@route(
    "POST",
    "/models/{reference}/explain",
    scope="submit",
    tag=_TAG,
    summary="Explain a model",
    answers=_answers("The explanation.", "ExplainModel", ModelExplanationView, MODEL_EXPLANATION),
    query=Waiting,
    body=_body(
        ExplainModel,
        {"all explanations": {}, "one column": {"kinds": ["partial_dependence"], "columns": ["size"]}},
        is_required=False,
    ),
    errors=_ERRORS,
    makes_job=True,
)
async def explain_model(request: web.Request) -> web.Response:
    """Computes feature importance and partial dependence.

    Identical requests for the same version and dataset share a job, unless they have ids of their own.
    """
    command = await _command(request, ExplainModel)
    version = await request.app[CATALOG].version(command.model)
    check_explanation(command, version)
    dataset = await request.app[CATALOG].dataset(explained_dataset(command, version))
    wait = wait_s(request, 0)
    if has_own_correlation_id(request):
        return await _submit(request, command, wait)
    # What an alias means may change, and so may what a name stands for.
    pinned = command.model_copy(
        update={"model": f"{version['model']}@{version['version']}", "dataset": dataset["name"]}
    )
    asked = f"{dataset['correlation_id']} {spec_hash(command_spec(pinned))}"
    adopt_correlation_id(request, str(uuid5(UUID(version["correlation_id"]), asked)))
    job = await request.app[DISPATCHER].obtain(pinned, correlation_id_of(request), owner=version["owner"], wait_s=wait)
    return await _answer(request, job)


@route(
    "POST",
    "/models/{reference}/predict/explain",
    scope="submit",
    tag=_TAG,
    summary="Explain predictions",
    answers=_answers("The contributions.", "ExplainPrediction", PredictionExplanationView, PREDICTION_EXPLANATION),
    query=Waiting,
    body=_body(ExplainPrediction, {"a row": {"rows": [{"size": 2.0, "color": "red"}]}}, is_required=True),
    errors=_ERRORS,
    makes_job=True,
)
async def explain_prediction(request: web.Request) -> web.Response:
    """Computes the contribution of each column to the predictions for some rows (Shapley values)."""
    command = await _command(request, ExplainPrediction)
    await _require(request, command.model, command.dataset, needs_training_table=command.dataset is None)
    return await _submit(request, command, wait_s(request, request.app[SETTINGS].upload_wait_s))


@route(
    "POST",
    "/models/{reference}/learning-curve",
    scope="submit",
    tag=_TAG,
    summary="Measure a learning curve",
    answers=_answers("The curve.", "MeasureLearningCurve", LearningView, LEARNING),
    query=Waiting,
    body=_body(MeasureLearningCurve, {"five points": {}, "two": {"fractions": [0.5, 1.0]}}, is_required=False),
    errors=_ERRORS,
    makes_job=True,
)
async def measure_learning_curve(request: web.Request) -> web.Response:
    """Repeats the training of a version on fractions of its training rows."""
    command = await _command(request, MeasureLearningCurve)
    await _require(request, command.model, None, needs_training_table=True)
    return await _submit(request, command, wait_s(request, 0))


@route(
    "POST",
    "/models/{reference}/drift",
    scope="submit",
    tag=_TAG,
    summary="Report drift",
    answers=_answers("The report.", "ReportDrift", DriftView, DRIFT),
    query=Waiting,
    body=_body(
        ReportDrift,
        {"a dataset": {"dataset": "shop-2026"}, "predicted rows": {"since": "2026-01-31T00:00:00Z"}},
        is_required=True,
    ),
    errors=_ERRORS,
    makes_job=True,
)
async def report_drift(request: web.Request) -> web.Response:
    """Compares a `dataset`, or the rows predicted `since` a time, with the training data."""
    command = await _command(request, ReportDrift)
    await _require(request, command.model, command.dataset, needs_training_table=True)
    return await _submit(request, command, wait_s(request, 0))


async def _command(request: web.Request, kind: type[AnyCommand]) -> AnyCommand:
    body = await json_body(request) if request.can_read_body else {}
    return command_from(request, kind, body, model=reference_in_path(request))


async def _require(request: web.Request, model: str, dataset: str | None, *, needs_training_table: bool) -> None:
    """Check that the version and the required datasets exist."""
    version = await request.app[CATALOG].version(model)
    if needs_training_table:
        require_training_table(version, await request.app[CATALOG].dataset(version["dataset"]))
    if dataset is not None:
        await request.app[CATALOG].dataset(dataset)


async def _submit(request: web.Request, command: Command, wait: float) -> web.Response:
    job = await request.app[DISPATCHER].submit(
        command, correlation_id_of(request), owner=owner_of(request), wait_s=wait
    )
    return await _answer(request, job)


async def _answer(request: web.Request, job: EndedJob) -> web.Response:
    return await job_answer(request, job, beside={"correlation_id": job["_id"]})
