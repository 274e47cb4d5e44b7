"""The description of the queues' door: valid, complete, and with examples that the contract accepts."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from modelbus.gateway.description.asyncapi import asyncapi_document
from modelbus.shared.bus import QUEUES
from modelbus.shared.contracts import Command, JobChanged, parse_command
from modelbus.shared.contracts.commands.registry import COMMAND_NAMES
from modelbus.shared.errors import InvalidCommand
from tests.unit.gateway.conftest import served

SCHEMA = Path(__file__).parents[2] / "specifications" / "asyncapi-3.0.0.json"
DOCUMENT = asyncapi_document()
MESSAGES = DOCUMENT["components"]["messages"]


def test_the_description_is_valid_asyncapi() -> None:
    schema = json.loads(SCHEMA.read_text())

    found = validator_for(schema)(schema).iter_errors(DOCUMENT)
    faults = [f"{fault.json_path}: {fault.message[:300]}" for fault in found]

    assert faults == []


def test_the_check_finds_a_fault() -> None:
    schema = json.loads(SCHEMA.read_text())

    assert list(validator_for(schema)(schema).iter_errors({**DOCUMENT, "channels": {"train": {"place": "train"}}}))


def test_every_reference_leads_somewhere() -> None:
    def check(part: Any) -> int:
        if isinstance(part, list):
            return sum(map(check, part))
        if not isinstance(part, dict):
            return 0
        if (reference := part.get("$ref")) is None:
            return sum(map(check, part.values()))
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return 1

    assert check(DOCUMENT) > len(COMMAND_NAMES)


def test_every_queue_is_a_channel_with_its_commands() -> None:
    carried = {queue: set(DOCUMENT["channels"][queue]["messages"]) for queue in QUEUES}

    kinds = get_args(get_args(Command)[0])
    assert carried == {queue: {kind.__name__ for kind in kinds if kind.queue == queue} for queue in QUEUES}
    assert DOCUMENT["channels"].keys() == {*QUEUES, "events", "replies"}


@pytest.mark.parametrize("name", COMMAND_NAMES)
def test_the_example_of_a_command_is_one(name: str) -> None:
    (example,) = MESSAGES[name]["examples"]
    schema = {**MESSAGES[name]["payload"], "components": DOCUMENT["components"]}

    assert type(parse_command(example["payload"])).__name__ == name
    for payload in (example["payload"], [example["payload"]] * 2):
        assert list(Draft202012Validator(schema).iter_errors(payload)) == []


def test_the_example_of_the_event_is_one() -> None:
    (example,) = MESSAGES["JobChanged"]["examples"]

    JobChanged.model_validate(example["payload"])


# --- the same contract as the validator's ---


@pytest.mark.parametrize("name", COMMAND_NAMES)
def test_what_tells_a_command_from_others_is_required_as_on_the_queue(name: str) -> None:
    (example,) = MESSAGES[name]["examples"]
    schema = {**MESSAGES[name]["payload"], "components": DOCUMENT["components"]}
    without = {key: value for key, value in example["payload"].items() if key != "command"}

    assert list(Draft202012Validator(schema).iter_errors(without)), "the description"
    with pytest.raises(InvalidCommand):
        parse_command(without)


def test_every_tag_of_a_kind_is_required_wherever_it_stands() -> None:
    tagged = {
        name: {key for key, value in schema.get("properties", {}).items() if isinstance(value.get("const"), str)}
        for name, schema in DOCUMENT["components"]["schemas"].items()
    }
    assert {name for name, tags in tagged.items() if tags} >= {*COMMAND_NAMES, "InlineSource", "UploadSource"}
    for name, tags in tagged.items():
        schema = DOCUMENT["components"]["schemas"][name]
        assert tags <= set(schema.get("required", [])), name
        assert not any("default" in schema["properties"][tag] for tag in tags), name


FORMS: list[dict[str, Any]] = [
    {"rows": [{"size": 2.0}]},
    {"columns": ["size"], "data": [[2.0]]},
    {"data": {"size": [2.0]}},
    {},
    {"columns": ["size"]},
    {"data": [[2.0]]},
    {"rows": [{"size": 2.0}], "data": {"size": [2.0]}},
    {"columns": ["size"], "data": {"size": [2.0]}},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("name", ["Predict", "ExplainPrediction"])
def test_rows_may_come_in_the_forms_that_the_command_takes(name: str, form: dict[str, Any]) -> None:
    document = {"command": name, "model": "prices", **form}
    schema = {**MESSAGES[name]["payload"], "components": DOCUMENT["components"]}
    is_described = not list(Draft202012Validator(schema).iter_errors(document))
    try:
        parse_command(document)
    except InvalidCommand:
        assert not is_described
    else:
        assert is_described


SERVERS = {
    "redis://127.0.0.1:6379/0": [("redis", "127.0.0.1:6379", "/0")],
    "redis://modelbus:geheim@redis:6379/0": [("redis", "redis:6379", "/0")],
    "rediss://:geheim@[::1]:6380/2?ssl_cert_reqs=none&password=geheim": [("rediss", "[::1]:6380", "/2")],
    "sentinel://:geheim@a:26379;sentinel://:geheim@b:26379": [("redis", "a:26379", None), ("redis", "b:26379", None)],
    "amqps://user:geheim@broker.example//": [("amqps", "broker.example", None)],
    "redis+socket:///run/redis.sock": [("redis", "localhost", "/run/redis.sock")],
    "redis://:geheim#1@host:1/0": [("redis", "localhost", None)],
    "redis://:gehe/im@host:1/0": [("redis", "localhost", None)],
    "redis://host:gehe/im@other/0": [("redis", "localhost", None)],
}


@pytest.mark.parametrize(("url", "expected"), SERVERS.items(), ids=str)
def test_the_broker_that_serves_is_named_without_its_login(
    url: str, expected: list[tuple[str, str, str | None]]
) -> None:
    described = asyncapi_document(url)

    servers = described["servers"].values()
    assert [(one["protocol"], one["host"], one.get("pathname")) for one in servers] == expected
    assert "geheim" not in json.dumps(described)
    schema = json.loads(SCHEMA.read_text())
    assert list(validator_for(schema)(schema).iter_errors(described)) == []


async def test_the_gateway_describes_its_own_broker() -> None:
    async with served(bus_url="rediss://modelbus:geheim@broker.example:6390/3") as gateway:
        answer = await gateway.ask("GET", "/asyncapi.json")

    (server,) = answer.document["servers"].values()
    assert (server["protocol"], server["host"], server["pathname"]) == ("rediss", "broker.example:6390", "/3")
