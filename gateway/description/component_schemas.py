"""The schemas that the OpenAPI description refers to by name: of answers as their models are, of bodies as they come.

A body is a command without what its route and the headers say, and bears the command's name: nothing else has it, since
a whole command never crosses HTTP.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from modelbus.gateway.routing.route import JsonBody, Route
from modelbus.gateway.views.answer_models import Problem

Document = dict[str, Any]

_PLACE: Final = "#/components/schemas/{model}"
_SAID_BY_HEADERS: Final = frozenset({"command", "correlation_id"})
_OF_NAMES: Final = ("properties", "patternProperties", "$defs")
"""Keywords whose value holds schemas by name."""
_OF_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
"""Keywords whose value is a list of schemas."""
_OF_ONE: Final = ("items", "additionalProperties", "propertyNames", "not")
"""Keywords whose value is a schema."""


class ComponentSchemas:
    """All schemas that have a name of their own, and where each model's is."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Args:
        routes: What they take and answer is described.

        Raises:
            ValueError: Two routes leave out different fields of the same command, which then is two bodies.
        """
        routes = list(routes)
        models = list(dict.fromkeys(_models(routes)))
        self._places, whole = models_json_schema([(model, "validation") for model in models], ref_template=_PLACE)
        self.definitions: Document = {name: plain_schema(schema) for name, schema in whole["$defs"].items()}
        """By name."""
        said: dict[str, frozenset[str]] = {}
        for body in (route.body for route in routes if isinstance(route.body, JsonBody)):
            for model in body.models:
                self._leave_out(model, body.said_by_route, said)

    def place_of(self, model: type[BaseModel]) -> Document:
        """A reference to a model's schema."""
        return self._places[model, "validation"]

    def _leave_out(
        self, model: type[BaseModel], said_by_route: frozenset[str], said: dict[str, frozenset[str]]
    ) -> None:
        name = self.place_of(model)["$ref"].rpartition("/")[2]
        fields = (_SAID_BY_HEADERS | said_by_route) & model.model_fields.keys()
        if said.setdefault(name, fields) != fields:
            raise ValueError(f"{name} is the body of routes that say different fields: {fields} and {said[name]}")
        schema = self.definitions[name]
        for field in fields & schema.get("properties", {}).keys():
            del schema["properties"][field]
        required = [field for field in schema.pop("required", []) if field not in fields]
        if required:
            schema["required"] = required


def plain_schema(schema: Document) -> Document:
    """A schema as every tool can take it.

    Titles go: they say the name once more, and generators make types of them. A default that is an object becomes a
    sentence: generators write it into their code as it is, where it is none.

    Args:
        schema: A JSON schema; it is not changed.
    """
    plain = {name: value for name, value in schema.items() if name != "title"}
    if isinstance(plain.get("default"), dict):
        given = {name: value for name, value in plain.pop("default").items() if value is not None}
        if given:
            plain["description"] = f"{plain.get('description', '')}\n\nDefault: `{json.dumps(given)}`.".strip()
    if "patternProperties" in plain and "additionalProperties" not in plain:
        # the same in words that generators know: pydantic forgets that no other name is taken
        [(pattern, value)] = plain.pop("patternProperties").items()
        plain |= {"propertyNames": {"pattern": pattern}, "additionalProperties": value}
    for keyword in _OF_NAMES:
        if keyword in plain:
            plain[keyword] = {name: plain_schema(each) for name, each in plain[keyword].items()}
    for keyword in _OF_LISTS:
        if keyword in plain:
            plain[keyword] = [plain_schema(each) for each in plain[keyword]]
    for keyword in _OF_ONE:
        if isinstance(plain.get(keyword), dict):
            plain[keyword] = plain_schema(plain[keyword])
    return plain


def _models(routes: list[Route]) -> Iterator[type[BaseModel]]:
    yield Problem
    for route in routes:
        if isinstance(route.body, JsonBody):
            yield from route.body.models
        for answer in route.answers.values():
            if answer.model is not None:
                yield answer.model
