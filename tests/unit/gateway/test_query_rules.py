"""One rule for the query strings of all routes: what is unknown, given twice or no value of its kind is refused."""

import re
from typing import get_args

import pytest

from modelbus.gateway.app import create_app
from modelbus.gateway.http.query import Waiting, seconds_of
from modelbus.gateway.routing.route import FileBody, JsonBody, Route
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.shared.settings import Settings
from tests.problems import assert_is_problem
from tests.unit.gateway.asked_gateway import Answer, AskedGateway

JOB = "0b5c1e0e-5c0a-4e0b-9d7d-2f6a4f1c9a11"
ALL = create_app(Settings())[ROUTES]
WAITING = [route for route in ALL if issubclass(route.query, Waiting)]
PARAMETERS = [
    (route, name)
    for route in ALL
    for name, field in route.query.model_fields.items()
    if not any("list" in str(kind) for kind in (field.annotation, *get_args(field.annotation)))
]
NO_SECONDS = [
    "nan",
    "inf",
    "-inf",
    "Infinity",
    "-1",
    "1e999",
    "",
    "null",
    "None",
    "true",
    "1_0",
    "%205",
    "%EF%BC%95",
    "5s",
    "0x1",
    "1,5",
]


async def asked(gateway: AskedGateway, route: Route, query: str) -> Answer:
    """Ask a route with a query; the rest of the request is as it may be."""
    path = re.sub(r"{[^}]*}", lambda found: JOB if "id" in found[0] else "any", route.path)
    body: object = {} if isinstance(route.body, JsonBody) else None
    if isinstance(route.body, FileBody):
        return await gateway.ask(route.method, f"{path}?{query}", b"a\n1\n", {"Content-Type": "text/csv"})
    return await gateway.ask(route.method, f"{path}?{query}", body)


async def test_a_parameter_that_is_no_list_is_given_once(gateway: AskedGateway) -> None:
    for route, name in PARAMETERS:
        answer = await asked(gateway, route, f"{name}=1&{name}=1")

        assert_is_problem(answer, 400, "bad_request")
        assert answer.detail == f"?{name}= must not be repeated, but is given 2 times", route
        assert answer.places == {f"query.{name}"}


@pytest.mark.parametrize("query", ["colour=red", "colour=", "=red", "colour=red&colour=blue"])
async def test_a_parameter_that_is_not_known_is_refused(gateway: AskedGateway, query: str) -> None:
    for route in ALL:
        answer = await asked(gateway, route, query)

        assert answer.status in (400, 422), route
        assert_is_problem(answer, answer.status, answer.code)
        assert re.search("unknown|no such field|given 2 times", answer.detail), route


@pytest.mark.parametrize("given", NO_SECONDS)
async def test_a_wait_is_a_number_of_seconds(gateway: AskedGateway, given: str) -> None:
    for route in WAITING:
        answer = await asked(gateway, route, f"wait={given}")

        assert_is_problem(answer, 400, "bad_request")
        assert re.search("wait.* must be a number", answer.detail), route


@pytest.mark.parametrize("given", ["nan", "inf", "-1", "", "null", "soon"])
async def test_a_preferred_wait_is_one_too_and_is_not_said_to_be_heard(gateway: AskedGateway, given: str) -> None:
    headers = {"Prefer": f"wait={given}"}
    answer = await gateway.ask("POST", "/models/any/predict", {"rows": [{"a": 1}]}, headers)

    assert_is_problem(answer, 400, "bad_request")
    assert "MODELBUS_WAIT_LIMIT_S" in answer.detail
    assert "Preference-Applied" not in answer.headers


@pytest.mark.parametrize(("given", "seconds"), [("0", 0.0), ("30", 30.0), ("0.5", 0.5), (".5", 0.5), ("5.", 5.0)])
def test_seconds_are_plain_digits(given: str, seconds: float) -> None:
    assert seconds_of(given) == seconds
