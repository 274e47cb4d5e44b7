"""Evaluations as the gateway returns them: their documents once completed, until then from their jobs."""

from typing import Any, Final

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from modelbus.gateway.application_keys import CATALOG, JOBS
from modelbus.gateway.http.answers import public
from modelbus.shared.contracts import EvaluationRecord
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.contracts.commands.evaluation import EvaluationId
from modelbus.shared.contracts.documents.evaluation_documents import EvaluationDocument, ListedEvaluation
from modelbus.shared.contracts.documents.job_documents import EvaluatingJob
from modelbus.shared.errors import Conflict, UnknownEvaluation

_EVALUATION_ID: Final[TypeAdapter[str]] = TypeAdapter(EvaluationId)


async def find_evaluation(request: web.Request, evaluation_id: str) -> dict[str, Any] | None:
    """The record, or None."""
    document = await request.app[CATALOG].evaluation(evaluation_id)
    if document is not None:
        return filled(document)
    job = await request.app[JOBS].find_of_evaluation(evaluation_id)
    if job is None or job["status"] in ("succeeded", "cancelled"):
        return None
    return record_of_job(job)


async def find_filled(request: web.Request, evaluation_id: str) -> EvaluationDocument:
    """The document of a completed evaluation.

    Raises:
        UnknownEvaluation: The evaluation does not exist.
        Conflict: The evaluation is not completed.
    """
    document = await request.app[CATALOG].evaluation(evaluation_id)
    if document is not None:
        return document
    record = await find_evaluation(request, evaluation_id)
    if record is None:
        raise UnknownEvaluation(f"evaluation {evaluation_id!r} does not exist")
    raise Conflict(f"evaluation {evaluation_id!r} is {record['status']} and has no metrics or plots")


async def list_unfilled(request: web.Request, *, model: str | None, dataset: str | None) -> list[dict[str, Any]]:
    """The evaluations that are not completed, newest first, without duplicate ids."""
    jobs = await request.app[JOBS].find_unfilled()
    found: dict[str, dict[str, Any]] = {}
    for job in jobs:
        record = record_of_job(job)
        if record is not None and _is_of(record, model, dataset):
            found.setdefault(record["id"], record)
    return list(found.values())


def record_of_job(job: EvaluatingJob) -> dict[str, Any] | None:
    """The evaluation of a job; None if a refused command from the queue does not name one.

    An invalid id could not be used to read the evaluation.
    """
    spec = job["spec"]
    try:
        record = EvaluationRecord(
            id=_EVALUATION_ID.validate_python(spec.get("evaluation") or job["_id"]),
            status=job["status"],
            owner=job["owner"],
            correlation_id=job["_id"],
            model=spec.get("model"),
            dataset=spec.get("dataset"),
            error=job.get("error"),
            created_at=job["created_at"],
        )
    except ValidationError:
        return None
    return record.model_dump(mode="json")


def filled(document: ListedEvaluation) -> dict[str, Any]:
    """A document as the gateway returns it."""
    return EvaluationRecord.model_validate(public(document)).model_dump(mode="json")


def _is_of(record: dict[str, Any], model: str | None, dataset: str | None) -> bool:
    has_model = model is None or (record["model"] is not None and split_reference(record["model"])[0] == model)
    return has_model and dataset in (None, record["dataset"])
