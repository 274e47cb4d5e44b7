"""Dead letters: dead jobs, and messages that could not be read; listed, read, edited, replayed, removed."""

from typing import Any, Final

import orjson
import structlog
from aiohttp import web

from gateway.answers import job_view, json_answer
from gateway.dead_letter_views import detail_of, summary_of
from gateway.keys import DEAD_LETTERS, DISPATCHER, LOG_LINES
from gateway.moments import cursor_in_query, cursor_text, moment_in_query
from gateway.poison_bodies import checked_body, jobs_of
from gateway.problems import BadRequest
from gateway.requests import json_body, uuid_in_path, whole_number
from shared.bus import QUEUES
from shared.contracts import command_spec, parse_command, spec_hash
from shared.errors import InvalidCommand
from shared.store.dead_letters import KINDS, DeadLetter, DeadLetterQuery
from shared.store.log_reading import LogQuery

log = structlog.get_logger()

_LINES: Final = 50
"""Log lines that are shown with a dead letter."""


async def list_letters(request: web.Request) -> web.Response:
    """`GET /dead-letters?kind=&queue=&before=&limit=&cursor=`: newest first; `next` is the cursor of the next page."""
    limit = whole_number(request, "limit", 50, least=1, most=200)
    letters = await request.app[DEAD_LETTERS].page(_query(request), after=cursor_in_query(request), limit=limit)
    following = cursor_text(letters[-1].at, letters[-1].id) if len(letters) == limit else None
    return json_answer({"dead_letters": [summary_of(letter) for letter in letters], "next": following})


async def read(request: web.Request) -> web.Response:
    """`GET /dead-letters/{id}`: the reason, attempts, history, what was sent, and the last log lines."""
    return await _answer(request, await _letter(request))


async def download(request: web.Request) -> web.Response:
    """`GET /dead-letters/{id}/content`: the bytes of a message, as they came."""
    letter = await _letter(request)
    if letter.kind == "job":
        raise BadRequest(f"{letter.id} is a dead job; only messages have bytes of their own")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    return web.Response(body=letter.document["raw"], content_type="application/octet-stream", headers=headers)


async def edit(request: web.Request) -> web.Response:
    """`PUT /dead-letters/{id}` with `{"spec": {...}}` for a job, `{"body": ...}` for a message: what its replay takes.

    What was sent stays readable as it was.
    """
    letter, body = await _letter(request), await json_body(request)
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


async def replay(request: web.Request) -> web.Response:
    """`POST /dead-letters/{id}/replay`: 202 with the job, or with the jobs of a message; twice is as once."""
    letter, dispatcher = await _letter(request), request.app[DISPATCHER]
    if letter.kind == "job":
        jobs = [await dispatcher.replay(letter.id)]
    else:
        # The jobs first, by ids that follow from the message: whoever replays it at the same time gets the same ones.
        jobs = [await dispatcher.accept(job) for job in jobs_of(letter)]
        await request.app[DEAD_LETTERS].remove(letter)
    log.info("dead_letter.replayed", dead_letter=letter.id, correlation_ids=[job["_id"] for job in jobs])
    headers = {"Location": f"/jobs/{jobs[0]['_id']}"}
    return json_answer({"jobs": [job_view(job) for job in jobs]}, status=202, headers=headers)


async def remove(request: web.Request) -> web.Response:
    """`DELETE /dead-letters/{id}`: the job's record, or the message, for good."""
    await request.app[DEAD_LETTERS].remove(await _letter(request))
    return web.Response(status=204)


async def purge(request: web.Request) -> web.Response:
    """`DELETE /dead-letters?kind=&queue=&before=` or `?all=true`: removes all that are meant; answers how many."""
    if not {"kind", "queue", "before"} & request.query.keys() and request.query.get("all") != "true":
        raise BadRequest("say which dead letters to remove, by ?kind=, ?queue= or ?before=; or ?all=true")
    return json_answer({"purged": await request.app[DEAD_LETTERS].purge(_query(request))})


async def _letter(request: web.Request) -> DeadLetter:
    return await request.app[DEAD_LETTERS].find(uuid_in_path(request, "id"))


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


def _query(request: web.Request) -> DeadLetterQuery:
    kind, queue = request.query.get("kind"), request.query.get("queue")
    if kind is not None and kind not in KINDS:
        raise BadRequest(f"?kind= must be one of {', '.join(KINDS)}, not {kind[:50]!r}")
    if queue is not None and queue not in QUEUES:
        raise BadRequest(f"?queue= must be one of {', '.join(QUEUES)}, not {queue[:50]!r}")
    kinds = KINDS if kind is None else (kind,)
    return DeadLetterQuery(kinds, queue, moment_in_query(request, "before"))


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the routes of this file."""
    router.add_get("/dead-letters", list_letters)
    router.add_delete("/dead-letters", purge)
    router.add_get("/dead-letters/{id}", read)
    router.add_put("/dead-letters/{id}", edit)
    router.add_delete("/dead-letters/{id}", remove)
    router.add_get("/dead-letters/{id}/content", download)
    router.add_post("/dead-letters/{id}/replay", replay)
