"""Methods that a path does not answer: refused there, with the path's own in `Allow`, whatever its siblings answer."""

import re
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from modelbus.gateway.app import create_app
from modelbus.gateway.routing.route import Route
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.shared.contracts import Command, CorrelationId
from modelbus.shared.settings import Settings
from tests.unit.gateway.asked_gateway import AskedGateway

ALL = create_app(Settings())[ROUTES]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
FILLED = {"version": "1", "file": "residuals.svg", "correlation_id": "0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10"}


def methods_of(path: str) -> set[str]:
    own = {route.method for route in ALL if route.path == path}
    return own | ({"HEAD"} if "GET" in own else set())


@pytest.mark.parametrize("path", sorted({route.path for route in ALL}))
async def test_a_method_that_a_path_does_not_answer_is_refused_with_those_that_it_does(
    gateway: AskedGateway, path: str
) -> None:
    asked = re.sub(r"{(\w+)}", lambda part: FILLED.get(part[1], "shop"), path)
    for method in set(METHODS) - methods_of(path):
        answer = await gateway.ask(method, asked)

        assert answer.status == 405, (method, asked)
        assert {one.strip() for one in answer.headers["Allow"].split(",")} == methods_of(path), (method, asked)


async def test_a_method_that_is_not_there_is_refused_to_whoever_may_look_around(guarded: AskedGateway) -> None:
    assert (await guarded.ask("DELETE", "/datasets/preview")).status == 401


def fixed_words() -> list[Any]:
    """Fixed last parts of paths that are beside a variable, with the variable's path."""
    return [
        pytest.param(route, other, id=f"{route.path} {other.path}")
        for route in ALL
        for other in ALL
        if "{" not in route.path.rpartition("/")[2]
        and re.fullmatch(re.sub(r"{\w+}", "[^/{]+", other.path), route.path)
        and other.path != route.path
    ]


MAKERS = {"/datasets/{name}": "ProfileDataset.dataset", "/models/{name}": "TrainModel.model"} | {
    "/evaluations/{id}": "EvaluateModel.evaluation"
}
"""By path, the field that names such records when they are made."""


@pytest.mark.parametrize(("route", "other"), fixed_words())
def test_no_record_is_made_under_a_word_that_a_route_has(route: Route, other: Route) -> None:
    word = route.path.rpartition("/")[2]
    command, _, field = MAKERS[other.path].partition(".")
    [kind] = [one for one in get_args(get_args(Command)[0]) if one.__name__ == command]

    assert refusals(kind, field, word) == [f"Value error, {word!r} is reserved; choose another name"]
    assert refusals(kind, field, f"{word}-2") == []
    assert kind.model_json_schema()["properties"][field].get("not", {"const": word}) == {"const": word}


def test_a_correlation_id_is_no_word_of_a_route() -> None:
    assert CorrelationId  # ids of jobs and dead letters are UUIDs: no fixed word beside them can be one
    assert {other.path for _, other in (one.values for one in fixed_words())} <= MAKERS.keys()


def refusals(kind: type[BaseModel], field: str, value: str) -> list[str]:
    """What a command says of one field's value."""
    try:
        kind.model_validate({field: value})
    except ValidationError as error:
        return [fault["msg"] for fault in error.errors() if fault["loc"] == (field,)]
    return []
