"""The description of the HTTP door: valid, complete, and with examples that its own models accept."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from pydantic import BaseModel, TypeAdapter

from modelbus.gateway.app import create_app
from modelbus.gateway.description.component_schemas import ComponentSchemas
from modelbus.gateway.description.openapi import openapi_document
from modelbus.gateway.routing.route import FileBody, JsonBody, Route
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.shared.contracts.commands.datasets import ParseOptions, PreviewDataset, TableFormat
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

    assert operation["security"] == ([{"ApiKey": [route.scope]}] if route.scope else [])
    assert (f"the scope `{route.scope}`" in operation["description"]) is (route.scope is not None)
    assert ("401" in operation["responses"]) is (route.scope is not None)


def test_a_gateway_without_keys_shows_no_padlock_and_says_nothing_of_keys() -> None:
    document = openapi_document(ALL, requires_keys=False)
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]

    validate(document)
    assert "securitySchemes" not in document["components"]
    assert "Authenticate" not in document["components"]["headers"]
    assert [operation["operationId"] for operation in operations if operation["security"]] == []
    assert [operation["operationId"] for operation in operations if "401" in operation["responses"]] == []
    assert [operation["operationId"] for operation in operations if "API key with" in operation["description"]] == []


UPLOADS = [route for route in DOCUMENTED if isinstance(route.body, FileBody)]


def form_of(route: Route) -> dict[str, Any]:
    content = operation_of(route)["requestBody"]["content"]["multipart/form-data"]
    form: dict[str, Any] = DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    lists = {name for name, field in form["properties"].items() if field.get("type") == "array"}
    assert content["encoding"] == {name: {"style": "form", "explode": True} for name in lists}
    return form


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, or the one that it refers to."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][name] if name else schema
    return found


def test_the_forms_of_uploads_differ() -> None:
    assert [route.name for route in UPLOADS] == ["preview_dataset", "upload_dataset"]
    assert "target" in form_of(UPLOADS[1])["properties"]
    assert "target" not in form_of(UPLOADS[0])["properties"]


@pytest.mark.parametrize("route", UPLOADS, ids=str)
def test_a_form_describes_each_option_beside_its_file_as_the_query_does(route: Route) -> None:
    form = form_of(route)
    query = {
        parameter["name"]: {**parameter["schema"], "description": parameter["description"]}
        for parameter in operation_of(route)["parameters"]
        if parameter.get("in") == "query" and not parameter.get("required")
    }
    fields = {name: field for name, field in form["properties"].items() if name != "file"}

    assert form["required"] == ["file"]
    assert form["properties"]["file"]["format"] == "binary"
    assert fields == {name: schema for name, schema in query.items() if name not in ("wait", "file_name")}
    kinds = {name: resolved(field) for name, field in fields.items()}
    assert all(kind["type"] in ("string", "boolean", "integer", "array") for kind in kinds.values())
    assert kinds["format"]["enum"] == list(get_args(TableFormat))


@pytest.mark.parametrize("route", UPLOADS, ids=str)
def test_a_choice_of_query_and_form_is_one_type_by_its_name(route: Route) -> None:
    """Written out twice, it becomes two types of one name in TypeScript, which does not compile."""
    fields = form_of(route)["properties"]

    assert [name for name, field in fields.items() if "enum" in field] == []
    assert {"format", "encoding", "decimal_mark", "on_bad_rows"} <= {name for name in fields if "$ref" in fields[name]}
    assert fields["on_bad_rows"]["default"] == "refuse"


DEFAULTS = {name: field.default for name, field in ParseOptions.model_fields.items()}


@pytest.mark.parametrize("route", UPLOADS, ids=str)
def test_a_default_of_a_form_is_that_of_the_command(route: Route) -> None:
    fields = form_of(route)["properties"]
    defaults = {name: field["default"] for name, field in fields.items() if "default" in field and name in DEFAULTS}

    assert defaults == {name: value for name, value in DEFAULTS.items() if isinstance(value, (bool, str))}
    assert fields.get("row_limit", {}).get("default", 20) == PreviewDataset.model_fields["row_limit"].default


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


def test_a_field_of_a_body_has_its_own_description_and_not_that_of_its_type() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    [upload] = [one for one in operation_of(UPLOADS[1])["parameters"] if one.get("name") == "name"]

    assert upload["description"].startswith("The name of the dataset")
    assert schemas["TrainModel"]["properties"]["dataset"]["description"] == "The dataset to train on."
    assert schemas["NewApiKey"]["properties"]["name"]["description"].startswith("The name of the key")
    assert schemas["DatasetRecord"]["properties"]["correlation_id"]["description"].startswith("The job that created")
    assert schemas["EvaluateModel"]["properties"]["model"]["description"] == "The version to evaluate."


def test_every_command_has_a_model_of_its_result() -> None:
    assert RESULTS.keys() == set(COMMAND_NAMES)
    for model in RESULTS.values():
        assert TypeAdapter(model).json_schema()["type"] == "object"


# --- what generators and checkers stand on ---

JSON_SCHEMA_WORDS = {
    *(
        "$ref",
        "title",
        "type",
        "format",
        "description",
        "default",
        "examples",
        "const",
        "enum",
        "pattern",
        "discriminator",
    ),
    *("properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"),
    *("items", "prefixItems", "minItems", "maxItems", "minLength", "maxLength"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "anyOf", "oneOf", "allOf", "not"),
    "x-enum-varnames",  # OpenAPI's own: names for generators
}
PARAMETERS = [
    pytest.param(parameter, id=f"{method} {path} {parameter['name']}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    for parameter in operation["parameters"]
    if "$ref" not in parameter
] + [pytest.param(parameter, id=name) for name, parameter in DOCUMENT["components"]["parameters"].items()]


def schemas_in(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of the document, with its place."""
    if isinstance(node, list):
        for number, each in enumerate(node):
            yield from schemas_in(each, f"{place}/{number}")
    elif isinstance(node, dict):
        for name, each in node.items():
            if name == "schema":
                yield from parts_of(each, f"{place}/{name}")
            elif name == "schemas":
                for model, schema in each.items():
                    yield from parts_of(schema, f"{place}/{model}")
            elif name not in ("example", "examples"):
                yield from schemas_in(each, f"{place}/{name}")


def parts_of(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema and all within it."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    for name, each in schema.get("properties", {}).items():
        yield from parts_of(each, f"{place}/{name}")
    for word in ("items", "additionalProperties", "propertyNames", "not"):
        yield from parts_of(schema.get(word), f"{place}/{word}")
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for number, each in enumerate(schema.get(word, [])):
            yield from parts_of(each, f"{place}/{word}/{number}")


def test_schemas_have_words_of_json_schema_alone() -> None:
    others = {place: left for place, one in schemas_in(DOCUMENT) if (left := one.keys() - JSON_SCHEMA_WORDS)}

    assert others == {}


def test_no_default_is_an_object_which_generators_cannot_write() -> None:
    assert [place for place, one in schemas_in(DOCUMENT) if isinstance(one.get("default"), dict)] == []


def test_a_default_is_one_that_its_schema_takes() -> None:
    for place, schema in schemas_in(DOCUMENT):
        if "default" in schema:
            whole = {**schema, "components": DOCUMENT["components"]}
            assert Draft202012Validator(whole).is_valid(schema["default"]), place


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_the_example_of_a_parameter_is_one(parameter: dict[str, Any]) -> None:
    examples = [one["value"] for one in parameter.get("examples", {}).values()]
    for example in [*examples, *([parameter["example"]] if "example" in parameter else [])]:
        assert list(Draft202012Validator(parameter["schema"]).iter_errors(example)) == []


def test_every_schema_with_a_name_is_referred_to() -> None:
    referred = {one["$ref"].rpartition("/")[2] for _, one in schemas_in(DOCUMENT) if "$ref" in one}

    assert DOCUMENT["components"]["schemas"].keys() - referred == set()


def test_bodies_are_referred_to_by_name_and_no_two_schemas_are_equal() -> None:
    for route in DOCUMENTED:
        if isinstance(route.body, JsonBody):
            schema = operation_of(route)["requestBody"]["content"]["application/json"]["schema"]
            assert all(one.keys() == {"$ref"} for one in schema.get("anyOf", [schema])), route
    by_content: dict[str, list[str]] = {}
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if schema.get("type") == "object":
            by_content.setdefault(json.dumps(schema, sort_keys=True), []).append(name)
    assert [names for names in by_content.values() if len(names) > 1] == []


def test_a_body_has_no_field_that_the_route_or_a_header_says() -> None:
    for route in DOCUMENTED:
        if isinstance(body := route.body, JsonBody):
            for model in body.models:
                fields = DOCUMENT["components"]["schemas"][model.__name__]["properties"].keys()
                assert not fields & {"command", "correlation_id", *body.said_by_route}, route


def test_one_command_whose_routes_say_different_fields_is_refused() -> None:
    [retrain] = [route for route in ALL if route.name == "retrain_model"]
    assert isinstance(retrain.body, JsonBody)
    other = replace(retrain, body=replace(retrain.body, said_by_route=frozenset()))

    with pytest.raises(ValueError, match="RetrainModel is the body of routes that give different fields"):
        ComponentSchemas([retrain, other])


@pytest.mark.parametrize("route", DOCUMENTED, ids=str)
def test_an_operation_is_called_as_its_handler_by_a_verb_and_a_noun(route: Route) -> None:
    assert operation_of(route)["operationId"] == route.handler.__name__
    assert re.fullmatch(r"[a-z]+_[a-z_]+|predict", route.name)


@pytest.mark.parametrize("route", DOCUMENTED, ids=str)
def test_every_refusal_is_a_problem_with_its_headers(route: Route) -> None:
    for status, answer in operation_of(route)["responses"].items():
        assert answer["headers"]["X-Correlation-ID"]
        if int(status) < 400 or int(status) in route.answers:
            continue
        assert answer["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        assert ("WWW-Authenticate" in answer["headers"]) is (status == "401")
        assert ("Retry-After" in answer["headers"]) is (status == "503")


def test_a_query_parameter_that_must_be_given_says_so() -> None:
    required = {
        (operation["operationId"], parameter["name"])
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        for parameter in operation["parameters"]
        if parameter.get("in") == "query" and parameter.get("required")
    }

    assert required == {("compare_evaluations", "id"), ("upload_dataset", "name")}


def test_no_two_values_of_choices_have_the_same_name() -> None:
    schemas = DOCUMENT["components"]["schemas"].values()
    names = [name for schema in schemas for name in schema.get("x-enum-varnames", ())]
    assert len(names) > 20
    assert len({*names}) == len(names)
