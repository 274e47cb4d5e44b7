"""Dead letters, which are dead jobs and unreadable messages: list, retrieve, edit, replay, delete."""

from typing import Any, Final, Literal

import orjson
import structlog
from aiohttp import web
from pydantic import Field

from modelbus.gateway.access.scopes import require_own
from modelbus.gateway.application_keys import DEAD_LETTERS, LOG_LINES
from modelbus.gateway.description.examples import DEAD_LETTER, DEAD_LETTER_SUMMARY, QUEUED_JOB, TRAINING
from modelbus.gateway.http.answers import job_view, json_answer
from modelbus.gateway.http.cursors import cursor_text, read_cursor
from modelbus.gateway.http.query import Moment, Page, Query, query_of
from modelbus.gateway.http.requests import json_body, uuid_in_path
from modelbus.gateway.jobs.dispatch import DISPATCHER
from modelbus.gateway.routing.route import Answer, JsonBody, route
from modelbus.gateway.views.answer_models import DeadLetterList, DeadLetterView, LetterChange, Purged, ReplayedJobs
from modelbus.gateway.views.dead_letter_views import detail_of, summary_of
from modelbus.gateway.views.poison_bodies import checked_body, jobs_of
from modelbus.shared.bus import QUEUES
from modelbus.shared.contracts import command_spec, parse_command, spec_hash
from modelbus.shared.contracts.documents.job_documents import JobDocument
from modelbus.shared.errors import BadRequest, Conflict, CorrelationIdReused, InvalidCommand, JobFinished, NotFound
from modelbus.shared.store.jobs.acceptance import QUEUE_OWNER
from modelbus.shared.store.letters.dead_letters import DeadLetter, JobLetter
from modelbus.shared.store.letters.letter_queries import KINDS, DeadLetterQuery
from modelbus.shared.store.logs.log_reading import LogQuery

log = structlog.get_logger()

_LINES: Final = 50
"""The number of log lines returned with a dead letter."""
_TAG: Final = "dead letters"
_LETTER: Final = Answer("The dead letter.", DeadLetterView, example=DEAD_LETTER)


class _Meant(Query):
    kind: Literal["job", "message"] | None = None
    """Return only dead jobs, or only unreadable messages."""
    queue: Literal[QUEUES] | None = None  # type: ignore[valid-type]  # the names are those of the lanes
    """Return only dead letters of this queue."""
    before: Moment | None = Field(None, examples=["2026-01-31T12:00:00Z", "7d"])
    """Return only dead letters from before this time, or older than this age."""

    def meant(self) -> DeadLetterQuery:
        """The filter for the store."""
        return DeadLetterQuery(KINDS if self.kind is None else (self.kind,), self.queue, self.before)


class LettersQuery(_Meant, Page):
    """The query of the list."""


class PurgeQuery(_Meant):
    """The query of a deletion; at least one parameter is required."""

    all: bool = False
    """Delete all dead letters."""


@route(
    "GET",
    "/dead-letters",
    scope="read",
    tag=_TAG,
    summary="List all dead letters",
    answers={
        200: Answer(
            "A page of dead letters.",
            DeadLetterList,
            example={"dead_letters": [DEAD_LETTER_SUMMARY], "next": None},
        )
    },
    query=LettersQuery,
)
async def list_dead_letters(request: web.Request) -> web.Response:
    """Lists dead letters, newest first."""
    query = query_of(request, LettersQuery)
    place = read_cursor(query.cursor)
    letters = await request.app[DEAD_LETTERS].page(query.meant(), after=place, limit=query.limit)
    following = cursor_text(letters[-1].at, letters[-1].id) if len(letters) == query.limit else None
    return json_answer({"dead_letters": [summary_of(letter) for letter in letters], "next": following})


@route(
    "GET",
    "/dead-letters/{letter_id}",
    scope="read",
    tag=_TAG,
    summary="Retrieve a dead letter",
    answers={200: _LETTER},
    errors=(NotFound,),
)
async def read_dead_letter(request: web.Request) -> web.Response:
    """Returns the reason, the attempts, the history, the original command or message, and the last log lines."""
    return await _answer(request, await _letter(request))


@route(
    "GET",
    "/dead-letters/{letter_id}/content",
    scope="read",
    tag=_TAG,
    summary="Download a message",
    answers={200: Answer("The bytes of the message.", media_types=("application/octet-stream",))},
    errors=(NotFound,),
)
async def download_message(request: web.Request) -> web.Response:
    """Downloads the original bytes of a message."""
    letter = await _letter(request)
    if letter.kind == "job":
        raise BadRequest(f"dead letter {letter.id} is a job; only messages have content")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    return web.Response(body=letter.document["raw"], content_type="application/octet-stream", headers=headers)


@route(
    "PUT",
    "/dead-letters/{letter_id}",
    scope="submit",
    tag=_TAG,
    summary="Edit a dead letter",
    answers={200: _LETTER},
    body=JsonBody(
        (LetterChange,),
        {
            "job": {"spec": TRAINING},
            "message": {"body": {"command": "Predict", "model": "prices", "rows": [{"size": 2.0}]}},
        },
    ),
    errors=(NotFound, Conflict),
)
async def edit_dead_letter(request: web.Request) -> web.Response:
    """Sets the `spec` of a job, or the `body` of a message, for its replay.

    The original is kept.
    """
    letter, body = await _own_letter(request), await json_body(request)
    field = "spec" if letter.kind == "job" else "body"
    if body.keys() != {field}:
        raise BadRequest(f'dead letter {letter.id} is a {letter.kind}; the body must be {{"{field}": ...}}')
    letters = request.app[DEAD_LETTERS]
    if letter.kind == "job":
        spec = _checked_spec(letter, body["spec"])
        edited = await letters.edit_job(letter.id, spec, spec_hash(spec))
    else:
        checked_body(body["body"], letter.document["queue"])
        edited = await letters.edit_message(letter.id, orjson.dumps(body["body"]))
    return await _answer(request, edited)


@route(
    "POST",
    "/dead-letters/{letter_id}/replay",
    scope="submit",
    tag=_TAG,
    summary="Replay a dead letter",
    answers={202: Answer("The queued jobs.", ReplayedJobs, example={"jobs": [QUEUED_JOB]})},
    errors=(NotFound, JobFinished, CorrelationIdReused, InvalidCommand),
)
async def replay_dead_letter(request: web.Request) -> web.Response:
    """Queues a dead job again, or the jobs of a message. A repeated replay has no further effect."""
    letter, dispatcher = await _own_letter(request), request.app[DISPATCHER]
    if letter.kind == "job":
        jobs = [await dispatcher.replay(letter.id)]
    else:
        # The jobs first, by ids that follow from the message: whoever replays it at the same time gets the same ones.
        jobs = [await dispatcher.accept(job) for job in jobs_of(letter)]
        await request.app[DEAD_LETTERS].remove(letter)
    log.info("dead_letter.replayed", dead_letter=letter.id, correlation_ids=[job["_id"] for job in jobs])
    headers = {"Location": f"/jobs/{jobs[0]['_id']}"}
    return json_answer({"jobs": [job_view(job) for job in jobs]}, status=202, headers=headers)


@route(
    "DELETE",
    "/dead-letters/{letter_id}",
    scope="submit",
    tag=_TAG,
    summary="Delete a dead letter",
    answers={204: Answer("The dead letter has been deleted.")},
    errors=(NotFound,),
)
async def remove_dead_letter(request: web.Request) -> web.Response:
    """Permanently deletes the record of the job, or the message."""
    await request.app[DEAD_LETTERS].remove(await _own_letter(request))
    return web.Response(status=204)


@route(
    "DELETE",
    "/dead-letters",
    scope="admin",
    tag=_TAG,
    summary="Delete dead letters",
    answers={200: Answer("The number of deleted dead letters.", Purged, example={"purged": 3})},
    query=PurgeQuery,
)
async def purge_dead_letters(request: web.Request) -> web.Response:
    """Permanently deletes all dead letters that match `kind`, `queue` and `before`, or `all` of them."""
    query = query_of(request, PurgeQuery)
    if query.kind is query.queue is query.before is None and not query.all:
        raise BadRequest("select dead letters by ?kind=, ?queue= or ?before=, or use ?all=true")
    return json_answer({"purged": await request.app[DEAD_LETTERS].purge(query.meant())})


async def _letter(request: web.Request) -> DeadLetter:
    return await request.app[DEAD_LETTERS].find(uuid_in_path(request, "letter_id"))


async def _own_letter(request: web.Request) -> DeadLetter:
    """A dead letter that the client may change: a job of the same owner, or any for an admin.

    Raises:
        NotFound: The dead letter does not exist.
        Forbidden: The dead letter has another owner; messages from a queue belong to nobody.
    """
    letter = await _letter(request)
    owner = letter.document["owner"] if letter.kind == "job" else QUEUE_OWNER
    require_own(request, {"owner": owner}, f"dead letter {letter.id}")
    return letter


async def _answer(request: web.Request, letter: DeadLetter) -> web.Response:
    correlation_id = letter.id if letter.kind == "job" else letter.document["correlation_id"]
    lines = await request.app[LOG_LINES].last(LogQuery(correlation_id=correlation_id), _LINES) if correlation_id else []
    return json_answer({**detail_of(letter), "lines": [{"id": line.id, **line.fields} for line in lines]})


def _checked_spec(letter: JobLetter[JobDocument], spec: Any) -> dict[str, Any]:
    if not isinstance(spec, dict):
        raise BadRequest(f"`spec` must be a JSON object, not {type(spec).__name__}")
    command = parse_command({**spec, "correlation_id": letter.id})
    if command.command != letter.document["command"]:
        raise InvalidCommand(
            f"the command must remain {letter.document['command']}; send {command.command} as a new job",
            details=[{"where": "command", "problem": "must not change", "expected": letter.document["command"]}],
        )
    return command_spec(command)
