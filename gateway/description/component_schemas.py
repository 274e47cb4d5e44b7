"""The named schemas of the OpenAPI description: of responses as in their models, of bodies as sent.

A body is a command without the fields given by its route and headers, and has the command's name, which is free since
HTTP never carries a complete command.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from modelbus.gateway.description.plain_schemas import CELL, PLACE, Document, plain_schema
from modelbus.gateway.description.upload_forms import upload_schemas
from modelbus.gateway.routing.route import JsonBody, Route
from modelbus.gateway.views.answer_models import Problem

_SAID_BY_HEADERS: Final = frozenset({"command", "correlation_id"})


class ComponentSchemas:
    """All named schemas, and the reference of each model."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Args:
        routes: The routes whose bodies and responses are described.

        Raises:
            ValueError: Two routes give different fields of the same command, which would be two bodies.
        """
        routes = list(routes)
        models = list(dict.fromkeys(_models(routes)))
        self._places, whole = models_json_schema([(model, "validation") for model in models], ref_template=PLACE)
        self.definitions: Document = {
            **{name: plain_schema(schema) for name, schema in whole["$defs"].items()},
            "Cell": {"description": "A cell of a row.", **CELL},
            **upload_schemas(routes),
        }
        """The schemas by name."""
        said: dict[str, frozenset[str]] = {}
        for body in (route.body for route in routes if isinstance(route.body, JsonBody)):
            for model in body.models:
                self._leave_out(model, body.said_by_route, said)

    def place_of(self, model: type[BaseModel]) -> Document:
        """The reference to the schema of a model."""
        return self._places[model, "validation"]

    def _leave_out(
        self, model: type[BaseModel], said_by_route: frozenset[str], said: dict[str, frozenset[str]]
    ) -> None:
        name = self.place_of(model)["$ref"].rpartition("/")[2]
        fields = (_SAID_BY_HEADERS | said_by_route) & model.model_fields.keys()
        if said.setdefault(name, fields) != fields:
            raise ValueError(f"{name} is the body of routes that give different fields: {fields} and {said[name]}")
        schema = self.definitions[name]
        for field in fields & schema.get("properties", {}).keys():
            del schema["properties"][field]
        required = [field for field in schema.pop("required", []) if field not in fields]
        if required:
            schema["required"] = required


def _models(routes: list[Route]) -> Iterator[type[BaseModel]]:
    yield Problem
    for route in routes:
        if isinstance(route.body, JsonBody):
            yield from route.body.models
        for answer in route.answers.values():
            if answer.model is not None:
                yield answer.model
