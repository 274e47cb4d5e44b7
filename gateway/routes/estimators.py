"""What can be trained: the catalogue that the trainer declared."""

from difflib import get_close_matches

from aiohttp import web

from gateway.answers import json_answer, public
from gateway.keys import SHELF
from gateway.problems import BadRequest
from shared.errors import UnknownEstimator

_TASKS = ("classification", "regression")


async def list_estimators(request: web.Request) -> web.Response:
    """`GET /estimators?task=`: names, tasks and descriptions."""
    task = request.query.get("task")
    if task is not None and task not in _TASKS:
        raise BadRequest(f"?task= must be one of {', '.join(_TASKS)}, not {task[:50]!r}")
    found = await request.app[SHELF].list_all("estimators", {"task": task} if task else {})
    names = ("name", "task", "description")
    return json_answer({"estimators": [{name: one[name] for name in names} for one in found]})


async def read_estimator(request: web.Request) -> web.Response:
    """`GET /estimators/{name}`: with a JSON Schema of its hyperparameters."""
    name = request.match_info["name"]
    document = await request.app[SHELF].find("estimators", name)
    if document is None:
        raise UnknownEstimator(await unknown_estimator(request, name))
    return json_answer(public(document))


async def unknown_estimator(request: web.Request, name: str) -> str:
    """The sentence for an estimator that is not in the catalogue, with the likeliest ones meant."""
    names = [one["_id"] for one in await request.app[SHELF].list_all("estimators")]
    close = get_close_matches(name, names, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "GET /estimators lists them"
    return f"there is no estimator named {name[:100]!r}; {hint}"


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the routes of this file."""
    router.add_get("/estimators", list_estimators)
    router.add_get("/estimators/{name}", read_estimator)
