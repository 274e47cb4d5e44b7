"""Trainings: train, check without fitting, retrain."""

from typing import Any

from aiohttp import web

from modelbus.gateway.access.scopes import owner_of
from modelbus.gateway.application_keys import CATALOG, SETTINGS
from modelbus.gateway.description.examples import CHECKED, CHOICE, QUEUED_JOB, SEARCH, TRAINED, TRAINING, TUNED_TRAINING
from modelbus.gateway.http.answers import job_answer, json_answer
from modelbus.gateway.http.query import Waiting
from modelbus.gateway.http.requests import command_from, correlation_id_of, json_body, reference_in_path, wait_s
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.gateway.routes.estimators import no_such_estimator
from modelbus.gateway.routing.route import Answer, JsonBody, route
from modelbus.gateway.views.answer_models import JobView
from modelbus.shared.contracts import CheckTraining, RetrainModel, TrainModel
from modelbus.shared.contracts.checks.command_checks import (
    auto_training_task,
    check_training_columns,
    check_training_task,
)
from modelbus.shared.contracts.checks.model_checks import (
    check_promotion,
    check_retrained_task,
    check_same_target,
    standing_version,
)
from modelbus.shared.contracts.commands.tuning import AUTO
from modelbus.shared.contracts.documents.model_documents import VersionDocument
from modelbus.shared.contracts.documents.service_documents import EstimatorDocument
from modelbus.shared.contracts.records.results import CheckResult, TrainingResult
from modelbus.shared.errors import CorrelationIdReused, UnknownDataset, UnknownEstimator, UnknownModel

_TAG = "models"
_MADE = {
    201: Answer("The new version.", TrainingResult, example=TRAINED, headers={"Location": "The URL of the version."}),
    202: Answer(
        "The job, if it has not ended in time.",
        JobView,
        example=QUEUED_JOB,
        headers={"Location": "The URL of the job."},
    ),
}


@route(
    "POST",
    "/models",
    scope="submit",
    tag=_TAG,
    summary="Train a model",
    answers=_MADE,
    query=Waiting,
    body=JsonBody((TrainModel,), {"smallest": TRAINING, "options": TUNED_TRAINING, "search": SEARCH, "auto": CHOICE}),
    errors=(UnknownDataset, UnknownEstimator, CorrelationIdReused),
    makes_job=True,
)
async def train_model(request: web.Request) -> web.Response:
    """Trains an estimator on a dataset and stores the result as the next version of a model."""
    command = command_from(request, TrainModel, await json_body(request))
    estimator = None if command.estimator == AUTO else await _find_estimator(request, command.estimator)
    dataset = await request.app[CATALOG].dataset(command.dataset)
    check_training_columns(command, dataset)
    is_auto = command.estimator == AUTO
    task = auto_training_task(command, dataset) if is_auto else estimator["task"] if estimator is not None else None
    if task is not None:
        check_training_task(command, task)
        check_promotion(command.promote_metric, task)
        check_same_target(command, task, await _standing(request, command.model))
    if command.hold_out.dataset is not None:
        await request.app[CATALOG].dataset(command.hold_out.dataset)
    return await _submit(request, command)


@route(
    "POST",
    "/models/validate",
    scope="submit",
    tag=_TAG,
    summary="Check a training",
    answers={
        200: Answer("The estimated cost.", CheckResult, example=CHECKED),
        202: Answer(
            "The job of the check, if it has not ended in time.",
            JobView,
            example={**QUEUED_JOB, "command": "CheckTraining"},
        ),
    },
    query=Waiting,
    body=JsonBody((CheckTraining,), {"smallest": TRAINING}),
    errors=(UnknownDataset, UnknownEstimator, CorrelationIdReused),
    makes_job=True,
)
async def check_training(request: web.Request) -> web.Response:
    """Validates a training and estimates its time and memory, without fitting."""
    command = command_from(request, CheckTraining, await json_body(request))
    wait = wait_s(request, request.app[SETTINGS].upload_wait_s)
    job = await request.app[DISPATCHER].submit(
        command, correlation_id_of(request), owner=owner_of(request), wait_s=wait
    )
    return await job_answer(request, job)


@route(
    "POST",
    "/models/{reference}/retrain",
    scope="submit",
    tag=_TAG,
    summary="Retrain a model",
    answers=_MADE,
    query=Waiting,
    body=JsonBody(
        (RetrainModel,),
        {"unchanged": {}, "newer dataset": {"dataset": "shop", "promote": "if_better"}},
        said_by_route=frozenset({"model"}),
        is_required=False,
    ),
    errors=(UnknownModel, UnknownDataset, UnknownEstimator, CorrelationIdReused),
    makes_job=True,
)
async def retrain_model(request: web.Request) -> web.Response:
    """Repeats the training of a version, with the changes in the body."""
    body = await json_body(request) if request.can_read_body else {}
    command = command_from(request, RetrainModel, body, model=reference_in_path(request))
    earlier = await request.app[CATALOG].version(command.model)
    check_promotion(command.promote_metric, earlier["signature"]["task"])
    if command.dataset is not None:
        check_retrained_task(command, earlier, await request.app[CATALOG].dataset(command.dataset))
    return await _submit(request, command)


async def _submit(request: web.Request, command: TrainModel | RetrainModel) -> web.Response:
    job = await request.app[DISPATCHER].submit(
        command, correlation_id_of(request), owner=owner_of(request), wait_s=wait_s(request, 0)
    )
    return await job_answer(request, job, _trained)


def _trained(result: dict[str, Any]) -> web.Response:
    version = result["version"]
    location = f"/models/{version['model']}/versions/{version['version']}"
    return json_answer(result, status=201, headers={"Location": location})


async def _find_estimator(request: web.Request, name: str) -> EstimatorDocument | None:
    """The catalogue's entry; None if no trainer has registered a catalogue."""
    found = await request.app[CATALOG].estimator(name)
    if found is None and await request.app[CATALOG].has_estimators():
        raise await no_such_estimator(request, name)
    return found


async def _standing(request: web.Request, name: str) -> VersionDocument | None:
    """The version that defines what a model predicts; None without versions."""
    model = await request.app[CATALOG].find_model(name)
    number = standing_version(model) if model is not None else None
    return None if number is None else await request.app[CATALOG].find_version(name, number)
