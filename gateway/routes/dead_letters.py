"""Dead letters: dead jobs, and messages that could not be read; listed, read, edited, replayed, removed."""

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
"""Log lines that are shown with a dead letter."""
_TAG: Final = "dead letters"
_LETTER: Final = Answer("The dead letter.", DeadLetterView, example=DEAD_LETTER)


class _Meant(Query):
    kind: Literal["job", "message"] | None = None
    """Dead jobs, or messages that could not be read."""
    queue: Literal[QUEUES] | None = None  # type: ignore[valid-type]  # the names are those of the lanes
    """Of this queue."""
    before: Moment | None = Field(None, examples=["2026-01-31T12:00:00Z", "7d"])
    """Dead since before this time."""

    def meant(self) -> DeadLetterQuery:
        """The same for the store."""
        return DeadLetterQuery(KINDS if self.kind is None else (self.kind,), self.queue, self.before)


class LettersQuery(_Meant, Page):
    """Which dead letters."""


class PurgeQuery(_Meant):
    """Which dead letters; one of them must be said."""

    all: bool = False
    """Every one."""


@route(
    "GET",
    "/dead-letters",
    scope="read",
    tag=_TAG,
    summary="List dead letters",
    answers={
        200: Answer(
            "A page of them.",
            DeadLetterList,
            example={"dead_letters": [DEAD_LETTER_SUMMARY], "next": None},
        )
    },
    query=LettersQuery,
)
async def list_dead_letters(request: web.Request) -> web.Response:
    """Newest first; `next` is the cursor of the following page."""
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
    summary="Read a dead letter",
    answers={200: _LETTER},
    errors=(NotFound,),
)
async def read_dead_letter(request: web.Request) -> web.Response:
    """The reason, attempts, history, what was sent, and the last log lines."""
    return await _answer(request, await _letter(request))


@route(
    "GET",
    "/dead-letters/{letter_id}/content",
    scope="read",
    tag=_TAG,
    summary="Download a message",
    answers={200: Answer("Its bytes.", media_types=("application/octet-stream",))},
    errors=(NotFound,),
)
async def download_message(request: web.Request) -> web.Response:
    """The bytes of a message, as they came."""
    letter = await _letter(request)
    if letter.kind == "job":
        raise BadRequest(f"{letter.id} is a dead job; only messages have bytes of their own")
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
            "of a job": {"spec": TRAINING},
            "of a message": {"body": {"command": "Predict", "model": "prices", "rows": [{"size": 2.0}]}},
        },
    ),
    errors=(NotFound, Conflict),
)
async def edit_dead_letter(request: web.Request) -> web.Response:
    """`spec` for a job, `body` for a message, is what its replay takes.

    What was sent stays readable as it was.
    """
    letter, body = await _own_letter(request), await json_body(request)
    field = "spec" if letter.kind == "job" else "body"
    if body.keys() != {field}:
        raise BadRequest(f'{letter.id} is a {letter.kind}: the request must be {{"{field}": ...}}')
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
    answers={202: Answer("It is queued once more.", ReplayedJobs, example={"jobs": [QUEUED_JOB]})},
    errors=(NotFound, JobFinished, CorrelationIdReused, InvalidCommand),
)
async def replay_dead_letter(request: web.Request) -> web.Response:
    """202 with the job, or with the jobs of a message; twice is as once."""
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
    summary="Remove a dead letter",
    answers={204: Answer("It is gone.")},
    errors=(NotFound,),
)
async def remove_dead_letter(request: web.Request) -> web.Response:
    """The job's record, or the message, for good."""
    await request.app[DEAD_LETTERS].remove(await _own_letter(request))
    return web.Response(status=204)


@route(
    "DELETE",
    "/dead-letters",
    scope="admin",
    tag=_TAG,
    summary="Remove many dead letters",
    answers={200: Answer("How many.", Purged, example={"purged": 3})},
    query=PurgeQuery,
)
async def purge_dead_letters(request: web.Request) -> web.Response:
    """Removes all that are meant, by `kind`, `queue`, `before` or `all`; says how many."""
    query = query_of(request, PurgeQuery)
    if query.kind is query.queue is query.before is None and not query.all:
        raise BadRequest("say which dead letters to remove, by ?kind=, ?queue= or ?before=; or ?all=true")
    return json_answer({"purged": await request.app[DEAD_LETTERS].purge(query.meant())})


async def _letter(request: web.Request) -> DeadLetter:
    return await request.app[DEAD_LETTERS].find(uuid_in_path(request, "letter_id"))


async def _own_letter(request: web.Request) -> DeadLetter:
    """A dead letter that the asker may change: a job of their own, or any for an admin.

    Raises:
        NotFound: There is none of that id.
        Forbidden: It is somebody else's; what came by a queue is nobody's own.
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
            f"this is a {letter.document['command']} job and stays one; send a {command.command} of its own",
            details=[{"where": "command", "problem": "must not change", "expected": letter.document["command"]}],
        )
    return command_spec(command)
