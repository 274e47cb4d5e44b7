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
