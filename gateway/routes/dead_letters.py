"""Dead letters: dead jobs, and messages that could not be read; listed, read, edited, replayed, removed."""

from typing import Any, Final

import orjson
import structlog
from aiohttp import web

from gateway.access import require_own
from gateway.answers import job_view, json_answer
from gateway.dead_letter_views import detail_of, summary_of
from gateway.keys import DEAD_LETTERS, DISPATCHER, LOG_LINES
from gateway.moments import cursor_asked, cursor_text, moment_asked
from gateway.operating_models import (
    DEAD_LETTER,
    DEAD_LETTER_SUMMARY,
    EDITS,
    REPLAYED,
    DeadLetterEdit,
    DeadLetterFilter,
    DeadLetterList,
    DeadLettersQuery,
    DeadLetterView,
    Purged,
    PurgeQuery,
    ReplayedLetter,
)
from gateway.operations import Answer, JsonBody, operation
from gateway.poison_bodies import checked_body, jobs_of
from gateway.problems import BadRequest
from gateway.query import query_of
from gateway.requests import json_body, uuid_in_path
from shared.contracts import command_spec, parse_command, spec_hash
from shared.errors import CorrelationIdReused, InvalidCommand, JobFinished, NotFound
from shared.store.acceptance import QUEUE_OWNER
from shared.store.dead_letters import KINDS, DeadLetter, DeadLetterQuery
from shared.store.log_reading import LogQuery

log = structlog.get_logger()

_LINES: Final = 50
"""Log lines that are shown with a dead letter."""


_TAG: Final = "dead letters"
_LETTER: Final = Answer("The dead letter.", DeadLetterView, example=DEAD_LETTER)


@operation(
    _TAG,
    "List dead letters",
    {200: Answer("A page.", DeadLetterList, example={"dead_letters": [DEAD_LETTER_SUMMARY], "next": None})},
    query=DeadLettersQuery,
)
async def list_letters(request: web.Request) -> web.Response:
    """`GET /dead-letters`: dead jobs, and messages that could not be read; newest first."""
    query = query_of(request, DeadLettersQuery)
    after = cursor_asked(query.cursor)
    letters = await request.app[DEAD_LETTERS].page(_filter(query), after=after, limit=query.limit)
    following = cursor_text(letters[-1].at, letters[-1].id) if len(letters) == query.limit else None
    return json_answer({"dead_letters": [summary_of(letter) for letter in letters], "next": following})


@operation(_TAG, "Read a dead letter", {200: _LETTER}, errors=(NotFound,))
async def read(request: web.Request) -> web.Response:
    """`GET /dead-letters/{id}`: the reason, attempts, history, what was sent, and the last log lines."""
    return await _answer(request, await _letter(request))


@operation(
    _TAG,
    "Download a message",
    {200: Answer("Its bytes, 8 MB of them at most.", media_types=("application/octet-stream",))},
    errors=(NotFound,),
)
async def download(request: web.Request) -> web.Response:
    """`GET /dead-letters/{id}/content`: the bytes of a message, as they came."""
    letter = await _letter(request)
    if letter.kind == "job":
        raise BadRequest(f"{letter.id} is a dead job; only messages have bytes of their own")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    return web.Response(body=letter.document["raw"], content_type="application/octet-stream", headers=headers)


@operation(
    _TAG, "Edit a dead letter", {200: _LETTER}, body=JsonBody(DeadLetterEdit, EDITS), errors=(NotFound, JobFinished)
)
async def edit(request: web.Request) -> web.Response:
    """`PUT /dead-letters/{id}`: what its replay will send: `spec` of a job, `body` of a message.

    It must be valid, of a job the same command, of a message commands of its queue. What was sent stays as it was.
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


@operation(
    _TAG,
    "Replay a dead letter",
    {202: Answer("The job; of a message its jobs.", ReplayedLetter, example=REPLAYED)},
    errors=(NotFound, JobFinished, InvalidCommand, CorrelationIdReused),
)
async def replay(request: web.Request) -> web.Response:
    """`POST /dead-letters/{id}/replay`: send it again, as it was edited, else as it came; twice is as once."""
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


@operation(_TAG, "Remove a dead letter", {204: Answer("It is gone.")}, errors=(NotFound,))
async def remove(request: web.Request) -> web.Response:
    """`DELETE /dead-letters/{id}`: the job's record, or the message, for good."""
    letter = await _own_letter(request)
    if await request.app[DEAD_LETTERS].remove(letter):
        log.info("dead_letter.removed", dead_letter=letter.id, kind=letter.kind)
    return web.Response(status=204)


@operation(
    _TAG,
    "Purge dead letters",
    {200: Answer("How many were removed.", Purged, example={"purged": 3})},
    query=PurgeQuery,
)
async def purge(request: web.Request) -> web.Response:
    """`DELETE /dead-letters`: removes all that `kind`, `queue` and `before` mean, or `all` of them."""
    query = query_of(request, PurgeQuery)
    if not (query.kind or query.queue or query.before or query.all):
        raise BadRequest("say which dead letters to remove, by ?kind=, ?queue= or ?before=; or ?all=true")
    count = await request.app[DEAD_LETTERS].purge(_filter(query))
    log.info("dead_letter.purged", count=count, kind=query.kind, queue=query.queue, before=query.before)
    return json_answer({"purged": count})


async def _letter(request: web.Request) -> DeadLetter:
    return await request.app[DEAD_LETTERS].find(uuid_in_path(request, "id"))


async def _own_letter(request: web.Request) -> DeadLetter:
    letter = await _letter(request)
    require_own(request, {"owner": letter.document.get("owner", QUEUE_OWNER)}, f"dead letter {letter.id}")
    return letter


async def _answer(request: web.Request, letter: DeadLetter) -> web.Response:
    correlation_id = letter.id if letter.kind == "job" else letter.document["correlation_id"]
    lines = await request.app[LOG_LINES].last(LogQuery(correlation_id=correlation_id), _LINES) if correlation_id else []
    return json_answer({**detail_of(letter), "lines": [{"id": line.id, **line.fields} for line in lines]})


def _checked_spec(letter: DeadLetter, spec: Any) -> dict[str, Any]:
    if not isinstance(spec, dict):
        raise BadRequest(f"`spec` must be a JSON object, not {type(spec).__name__}")
    command = parse_command({**spec, "correlation_id": letter.id})
    if command.command != letter.document["command"]:
        raise InvalidCommand(
            f"this is a {letter.document['command']} job and stays one; send a {command.command} of its own",
            details=[{"where": "command", "problem": "must not change", "expected": letter.document["command"]}],
        )
    return command_spec(command)


def _filter(query: DeadLetterFilter) -> DeadLetterQuery:
    kinds = KINDS if query.kind is None else (query.kind,)
    return DeadLetterQuery(kinds, query.queue, moment_asked("before", query.before))


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the routes of this file."""
    router.add_get("/dead-letters", list_letters)
    router.add_delete("/dead-letters", purge)
    router.add_get("/dead-letters/{id}", read)
    router.add_put("/dead-letters/{id}", edit)
    router.add_delete("/dead-letters/{id}", remove)
    router.add_get("/dead-letters/{id}/content", download)
    router.add_post("/dead-letters/{id}/replay", replay)
