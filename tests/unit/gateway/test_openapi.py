"""The description of the HTTP door: valid, complete, and with examples that its own models accept."""

from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from pydantic import BaseModel, TypeAdapter

from modelbus.gateway.app import create_app
from modelbus.gateway.description.openapi import openapi_document
from modelbus.gateway.description.operations import JsonBody, Operation, operation_of
from modelbus.shared.contracts.commands.registry import COMMAND_NAMES
from modelbus.shared.contracts.records.results import RESULTS
from modelbus.shared.settings import Settings

APP = create_app(Settings())
DOCUMENT = openapi_document(APP.router.routes())
UNDESCRIBED = {"/docs/{file}"}
"""The page's own files."""


def operations() -> list[tuple[str, Operation]]:
    found = [(route, operation_of(route.handler)) for route in APP.router.routes() if route.method != "HEAD"]
    return [(f"{route.method} {path_of(route)}", operation) for route, operation in found if operation is not None]


def path_of(route: web.AbstractRoute) -> str:
    assert route.resource is not None
    return route.resource.canonical


def answer_examples() -> list[Any]:
    return [
        pytest.param(answer.model, answer.example, id=f"{name} {status}")
        for name, operation in operations()
        for status, answer in operation.answers.items()
        if answer.model is not None
    ]


def body_examples() -> list[Any]:
    return [
        pytest.param(name, body, example, id=f"{name} {title}")
        for name, operation in operations()
        if isinstance(body := operation.body, JsonBody)
        for title, example in body.examples.items()
    ]


def test_the_description_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_every_route_is_described() -> None:
    bare = [path_of(route) for route in APP.router.routes() if operation_of(route.handler) is None]

    assert set(bare) == UNDESCRIBED


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("model", "example"), answer_examples())
def test_the_example_of_an_answer_is_one(model: type[BaseModel], example: Any) -> None:
    assert example is not None
    model.model_validate(example)


@pytest.mark.parametrize(("name", "body", "example"), body_examples())
def test_the_example_of_a_body_is_one(name: str, body: JsonBody, example: Any) -> None:
    method, path = name.split(" ")
    content = DOCUMENT["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]

    schema = {**content["schema"], "components": DOCUMENT["components"]}
    faults = list(Draft202012Validator(schema).iter_errors(example))

    assert faults == []
    assert example in [one["value"] for one in content["examples"].values()]
    assert not body.said_by_route & example.keys()


@pytest.mark.parametrize(("name", "operation"), [pytest.param(*one, id=one[0]) for one in operations()])
def test_every_operation_says_what_it_does(name: str, operation: Operation) -> None:
    assert operation.summary
    assert operation.description.endswith((".", "`"))
    assert name.split(" ")[1] not in operation.description  # the route stands above it already
    assert min(operation.answers) < 300


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
