"""The description of the HTTP door: valid, complete, and with examples that its own models accept."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from pydantic import BaseModel, TypeAdapter

from modelbus.gateway.app import create_app
from modelbus.gateway.description.openapi import openapi_document
from modelbus.gateway.routing.route import JsonBody, Route
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.shared.contracts.commands.registry import COMMAND_NAMES
from modelbus.shared.contracts.records.results import RESULTS
from modelbus.shared.settings import Settings

ALL = create_app(Settings())[ROUTES]
DOCUMENT = openapi_document(ALL)
DOCUMENTED = [route for route in ALL if route.is_documented]


def operation_of(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return operation


def answer_examples() -> list[Any]:
    return [
        pytest.param(answer.model, answer.example, id=f"{route} {status}")
        for route in DOCUMENTED
        for status, answer in route.answers.items()
        if answer.model is not None
    ]


def body_examples() -> list[Any]:
    return [
        pytest.param(route, body, example, id=f"{route} {title}")
        for route in DOCUMENTED
        if isinstance(body := route.body, JsonBody)
        for title, example in body.examples.items()
    ]


def test_the_description_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_every_route_is_documented_but_the_files_of_a_page() -> None:
    assert [str(route) for route in ALL if not route.is_documented] == ["GET /docs/{file}"]
    assert sum(len(methods) for methods in DOCUMENT["paths"].values()) == len(DOCUMENTED)


@pytest.mark.parametrize("route", DOCUMENTED, ids=str)
def test_each_operation_says_which_scope_its_key_must_have(route: Route) -> None:
    operation = operation_of(route)

    assert operation["security"] == ([{"ApiKey": [route.scope]}, {}] if route.scope else [])
    assert ("401" in operation["responses"]) is (route.scope is not None)


def test_every_tag_is_explained() -> None:
    assert {route.tag for route in DOCUMENTED} == {tag["name"] for tag in DOCUMENT["tags"]}


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("model", "example"), answer_examples())
def test_the_example_of_an_answer_is_one(model: type[BaseModel], example: Any) -> None:
    assert example is not None
    model.model_validate(example)


@pytest.mark.parametrize(("route", "body", "example"), body_examples())
def test_the_example_of_a_body_is_one(route: Route, body: JsonBody, example: Any) -> None:
    content = operation_of(route)["requestBody"]["content"]["application/json"]

    schema = {**content["schema"], "components": DOCUMENT["components"]}
    faults = list(Draft202012Validator(schema).iter_errors(example))

    assert faults == []
    assert example in [one["value"] for one in content["examples"].values()]
    assert not body.said_by_route & example.keys()


@pytest.mark.parametrize("route", DOCUMENTED, ids=str)
def test_every_operation_says_what_it_does(route: Route) -> None:
    assert route.summary
    assert route.description.endswith((".", "`"))
    assert route.path == "/" or route.path not in route.description  # it stands above it already
    assert min(route.answers) < 300


def test_every_query_parameter_is_described() -> None:
    bare = [
        (path, parameter["name"])
        for path, methods in DOCUMENT["paths"].items()
        for operation in methods.values()
        for parameter in operation["parameters"]
        if "$ref" not in parameter and not parameter["description"]
    ]

    assert bare == []


def test_every_command_has_a_model_of_its_result() -> None:
    assert RESULTS.keys() == set(COMMAND_NAMES)
    for model in RESULTS.values():
        assert TypeAdapter(model).json_schema()["type"] == "object"
