"""From a file to its job, created once for each correlation id and content (docs/adr/0033)."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from modelbus.gateway.access.scopes import is_same_owner, owner_of
from modelbus.gateway.application_keys import BLOBS, JOBS
from modelbus.gateway.http.requests import correlation_id_of, has_own_correlation_id
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.gateway.transfer.uploads import Keeping, ReceivedUpload, receive_upload
from modelbus.shared.contracts import Command
from modelbus.shared.contracts.base import CommandBase
from modelbus.shared.contracts.documents.job_documents import EndedJob, UploadingJob
from modelbus.shared.errors import CorrelationIdReused, ModelbusError, StoreUnavailable, UnknownJob
from modelbus.shared.observing.tracing import current_traceparent
from modelbus.shared.store.job_queries import UPLOADING
from modelbus.shared.store.jobs.acceptance import new_job, require_same
from modelbus.shared.store.operation import NewJob


@dataclass(frozen=True)
class UploadedJob:
    """The job of a file."""

    job: EndedJob
    stored: str | None
    """The blob stored by this request; None if it repeats an earlier request."""


@dataclass(frozen=True)
class UploadTerms:
    """How a route processes files."""

    command: type[CommandBase]
    known_fields: frozenset[str]
    """The known fields in addition to the file."""
    command_of: Callable[[web.Request, ReceivedUpload], Command]
    """Creates the command, or raises an error if it is invalid."""
    check: Callable[[web.Request, Any], Awaitable[None]] | None = None
    """Raises an error if the command is impossible at present; not called for a repeated request."""


async def submit_upload(
    request: web.Request, terms: UploadTerms, *, wait_s: float, head_bytes: int | None = None
) -> UploadedJob:
    """Receive the file of a request and create its job, or find the job of the same request.

    A request whose id already has a job is a repetition only if its file and its fields are the same, so the file is
    read but not stored.

    Args:
        request: The request.
        terms: How to process the file.
        wait_s: The number of seconds to wait for the job.
        head_bytes: The size of the beginning to keep; see ``Keeping``.

    Raises:
        CorrelationIdReused: The id belongs to a job of another owner, file, name or options; names the differences.
        ModelbusError: The errors of ``receive_upload`` and of the terms.
    """
    earlier = await _earlier(request, terms)
    keeping = Keeping(head_bytes, is_stored=earlier is None)
    received = await receive_upload(request, correlation_id_of(request), terms.known_fields, keeping)
    if earlier is not None:
        return await _repeated(request, earlier, terms.command_of(request, received), wait_s)
    async with _removed_unless_accepted(request, received):
        command = terms.command_of(request, received)
        try:
            if terms.check is not None:
                await terms.check(request, command)
            job = await request.app[DISPATCHER].accept(_new_job(request, command))
        except StoreUnavailable:
            raise
        except ModelbusError:
            # Two requests with one id came at once: the first one is it, and this one may be the same.
            earlier = await _earlier(request, terms)
            if earlier is None:
                raise
            return await _repeated(request, earlier, command, wait_s, received.upload_id)
    is_first = job["spec"]["source"]["upload_id"] == received.upload_id
    if not is_first:
        await request.app[BLOBS].delete(received.upload_id)
    ended = await request.app[DISPATCHER].wait(job["_id"], wait_s)
    return UploadedJob(ended, received.upload_id if is_first else None)


async def _earlier(request: web.Request, terms: UploadTerms) -> UploadingJob | None:
    """The existing job with the request's id, if the client chose an id.

    Raises:
        CorrelationIdReused: The job has another owner or command, so the file need not be read.
    """
    if not has_own_correlation_id(request):
        return None
    try:
        job = await request.app[JOBS].find_part(correlation_id_of(request), UPLOADING)
    except UnknownJob:
        return None
    if job["command"] != terms.command.__name__ or not is_same_owner(request, job):
        whose = "" if is_same_owner(request, job) else " of another owner"
        raise CorrelationIdReused(
            f"correlation id {job['_id']} belongs to a {job['command']} job{whose}; use a new correlation id or "
            "Idempotency-Key"
        )
    return job


async def _repeated(
    request: web.Request, earlier: UploadingJob, command: Command, wait_s: float, stored: str | None = None
) -> UploadedJob:
    """Respond to a repeated request with the existing job, and delete what was stored for it."""
    require_same(earlier, _new_job(request, command))
    if stored is not None:
        await request.app[BLOBS].delete(stored)
    return UploadedJob(await request.app[DISPATCHER].wait(earlier["_id"], wait_s), None)


def _new_job(request: web.Request, command: Command) -> NewJob:
    traceparent = current_traceparent()
    return new_job(command, correlation_id_of(request), door="http", owner=owner_of(request), traceparent=traceparent)


@contextlib.asynccontextmanager
async def _removed_unless_accepted(request: web.Request, received: ReceivedUpload) -> AsyncIterator[None]:
    """Create the job of a file; if it is not accepted, its bytes are deleted."""
    try:
        yield
    except StoreUnavailable:
        # The job may have been recorded all the same: the sweep knows whether the bytes are wanted.
        raise
    except ModelbusError:
        await request.app[BLOBS].delete(received.upload_id)
        raise
