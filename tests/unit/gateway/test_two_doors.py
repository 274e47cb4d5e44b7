"""One contract behind two doors: what a request is accepted or refused for, a message is too, and in the same words."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import bson
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from modelbus.gateway.http import requests
from modelbus.shared.bus.consumer import _delivery
from modelbus.shared.bus.transport import MalformedEnvelope, open_envelope
from modelbus.shared.contracts import Command, command_spec, parse_command, spec_hash
from modelbus.shared.contracts.base import is_storable_integer
from modelbus.shared.contracts.commands.training import AliasChange
from modelbus.shared.contracts.json_text import DEPTH_LIMIT
from modelbus.shared.contracts.records.api_key_records import NewApiKey
from modelbus.shared.errors import InvalidCommand, ModelbusError
from modelbus.shared.worker.queue_acceptance import Received, received_commands
from tests.e2e.doors import QUEUE_OF, ROUTE_OF
from tests.unit.commands import VALID
from tests.unit.gateway.asked_gateway import AskedGateway

DOCUMENTS = {kind.__name__: document for kind, document in VALID.items()}
BY_BODY = sorted(DOCUMENTS.keys() & {*ROUTE_OF, "TrainModel", "CheckTraining", "EvaluateModel", "EvaluatePredictions"})
"""The commands that are JSON bodies of requests; of the others a request says the fields one by one."""
REFERENCE = "churn@3"
SAID_BY_ROUTE = {"command", "correlation_id"}


@dataclass(frozen=True)
class Found:
    """What a door makes of a document."""

    spec_hash: str | None = None
    code: str | None = None
    details: list[dict[str, Any]] = field(default_factory=list)

    @property
    def places(self) -> list[str]:
        return [detail["where"] for detail in self.details]


# --- the doors ---


def by_queue(text: str, queue: str, **envelope: Any) -> Found:
    """What a consumer makes of a message with this body."""
    try:
        received = received_from(text, queue, **envelope)
    except ModelbusError as error:
        return Found(None, error.code, error.details)
    if received.error is not None:
        return Found(None, received.error.code, received.error.details)
    return Found(received.job.spec_hash)


def received_from(text: str, queue: str, **envelope: Any) -> Received:
    raw = orjson.dumps({"body": text, **envelope})
    opened = open_envelope(raw, queue, 10**6)
    message = SimpleNamespace(
        body=opened["body"],
        headers=opened["headers"],
        properties=opened["properties"],
        delivery_info=opened["properties"]["delivery_info"],
        delivery_tag=opened["properties"]["delivery_tag"],
        content_type=opened["content-type"],
        content_encoding=opened["content-encoding"],
    )
    (received,) = received_commands(_delivery(message, queue))
    return received


@dataclass(frozen=True)
class HttpDoor:
    """The gateway, with nothing behind it: what it accepts is what it would go on with."""

    gateway: AskedGateway
    accepted: list[Command]

    async def find(self, text: str, name: str, **headers: str) -> Found:
        """What the gateway makes of a request with this body."""
        self.accepted.clear()
        answer = await self.gateway.ask("POST", path_of(name), text.encode(), headers)
        if self.accepted:
            return Found(spec_hash(command_spec(self.accepted[-1])))
        return Found(None, answer.code, answer.document.get("errors", []))


@pytest.fixture
def http(gateway: AskedGateway, monkeypatch: pytest.MonkeyPatch) -> HttpDoor:
    accepted: list[Command] = []

    def parse(document: Any) -> Command:
        accepted.append(parse_command(document))
        return accepted[-1]

    monkeypatch.setattr(requests, "parse_command", parse)
    return HttpDoor(gateway, accepted)


def path_of(name: str) -> str:
    if name in ROUTE_OF:
        return f"/models/{REFERENCE}/{ROUTE_OF[name]}"
    return {"TrainModel": "/models", "CheckTraining": "/models/validate"}.get(name, "/evaluations")


def said_by_route(name: str) -> set[str]:
    return SAID_BY_ROUTE | ({"model"} if name in ROUTE_OF else set())


# --- documents ---


class Pairs(list[tuple[str, Any]]):
    """An object as it is written: a key may stand in it twice."""


def pairs_of(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Pairs((name, pairs_of(inner)) for name, inner in value.items())
    return [pairs_of(inner) for inner in value] if isinstance(value, list) else value


def text_of(value: Any) -> str:
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(name)}: {text_of(inner)}" for name, inner in value) + "}"
    return "[" + ",".join(map(text_of, value)) + "]" if isinstance(value, list) else json.dumps(value)


def objects_in(value: Any) -> Iterator[Pairs]:
    if isinstance(value, Pairs):
        yield value
    for inner in (one for _, one in value) if isinstance(value, Pairs) else value if isinstance(value, list) else ():
        yield from objects_in(inner)


def nested(depth: int, is_object: bool) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = Pairs([("a", value)]) if is_object else [value]
    return value


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 10**300]),
    st.floats(),  # also those that no JSON has
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.sampled_from(["\x00", "a\x00b", "churn", "2026-01-31T00:00:00Z", "$where"]),
    st.builds(nested, st.integers(1, DEPTH_LIMIT + 5), st.booleans()),
    st.lists(st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["a", "a\x00", "$a", "kind", ""]), st.integers() | st.none(), max_size=3).map(
        pairs_of
    ),
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, Pairs]:
    """A valid command, and some of it changed, at any depth: a value, a further key, a key twice."""
    name = draw(st.sampled_from(BY_BODY))
    document = pairs_of({**DOCUMENTS[name], **draw(optional_fields(name))})
    for _ in range(draw(st.integers(0, 2))):
        changed = draw(st.sampled_from(list(objects_in(document))))
        is_outermost = changed is document
        usable = [n for n in range(len(changed)) if not (is_outermost and changed[n][0] in ("command", "model"))]
        how = draw(st.sampled_from(["value", "further", "twice"]))
        if how == "further" or not usable:
            changed.append((draw(st.sampled_from(["colour", "a\x00b", "$set", "ümlaut"])), draw(VALUES)))
        else:
            place = draw(st.sampled_from(usable))
            key = changed[place][0]
            if how == "value":
                changed[place] = (key, draw(VALUES))
            else:
                changed.append((key, draw(st.just(changed[place][1]) | VALUES)))
    return name, document


def optional_fields(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Fields that hold what may be anything."""
    kind = next(kind for kind in VALID if kind.__name__ == name)
    found: dict[str, Any] = {
        "hyperparameters": {"alpha": 1.5, "inner": {"a": [1, 2]}},
        "class_weight": {"yes": 2},
        "tags": {"team": "blue"},
        "search": {"method": "random", "space": {"alpha": {"values": [1, 2.5, None]}, "k": {"values": [1]}}},
        "seed": 7,
        "limits": {"time_s": 60, "memory_bytes": 2**30},
        "contract": 1,
    }
    known = {key: st.just(value) for key, value in found.items() if key in kind.model_fields}  # type: ignore[attr-defined]
    return st.fixed_dictionaries({}, optional=known)


ASKED_OFTEN = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ASKED_OFTEN
@given(asked=documents())
async def test_whatever_json_is_a_command_at_one_door_is_it_at_the_other(
    http: HttpDoor, asked: tuple[str, Pairs]
) -> None:
    name, document = asked
    if name in ROUTE_OF:
        document = Pairs([*(pair for pair in document if pair[0] != "model"), ("model", REFERENCE)])

    message = by_queue(text_of(document), QUEUE_OF[name])
    body = Pairs(pair for pair in document if pair[0] not in said_by_route(name))
    answer = await http.find(text_of(body), name)

    assert answer == message


def plain(value: Any) -> Any:
    """The same as Python has it."""
    if isinstance(value, Pairs):
        return {name: plain(inner) for name, inner in value}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


@settings(max_examples=300, deadline=None)
@given(asked=documents())
def test_whatever_is_accepted_can_be_stored_and_is_the_same_when_it_is_sent(asked: tuple[str, Pairs]) -> None:
    try:
        spec = command_spec(parse_command(plain(asked[1])))
    except InvalidCommand:
        return
    assert bson.decode(bson.encode(spec)) == spec
    assert spec_hash(command_spec(parse_command(orjson.loads(orjson.dumps(spec))))) == spec_hash(spec)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("EvaluatePredictions", {"probabilities": {"a\x00b": "p"}}),
        ("TrainModel", {"class_weight": {"a\x00b": 1}}),
        ("TrainModel", {"limits": {"time_s": math.inf}}),
        ("TrainModel", {"hyperparameters": {"alpha": math.nan}}),
        ("Predict", {"rows": [{"age": math.inf}]}),
        ("TrainModel", {"search": {"method": "halving", "space": {"C": {"values": [1]}}, "min_resource_rows": 2**63}}),
    ],
    ids=str,
)
def test_what_no_document_can_hold_is_refused_where_it_stands(name: str, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidCommand) as refused:
        parse_command({**DOCUMENTS[name], **change})

    ((field, _),) = change.items()
    assert all(detail["where"].startswith(field) for detail in refused.value.details)


def integers_in(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "integer" and "const" not in schema:
            yield schema
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else ():
        yield from integers_in(part)


@pytest.mark.parametrize("kind", [*VALID, AliasChange, NewApiKey], ids=lambda kind: kind.__name__)
def test_every_integer_of_a_body_has_bounds_that_can_be_stored(kind: type[BaseModel]) -> None:
    for found in integers_in(kind.model_json_schema()):
        ends = found.get("minimum", found.get("exclusiveMinimum")), found.get("maximum", found.get("exclusiveMaximum"))
        assert None not in ends, found
        assert all(is_storable_integer(end) for end in ends), found


@pytest.mark.parametrize(
    ("name", "without"),
    [("Predict", "rows"), ("PredictDataset", "dataset"), ("EvaluateModel", "model"), ("TrainModel", "dataset")],
)
async def test_a_field_that_is_lacking_is_refused_by_its_place_at_both_doors(
    http: HttpDoor, name: str, without: str
) -> None:
    document = {key: value for key, value in DOCUMENTS[name].items() if key != without}

    message = by_queue(json.dumps(document), QUEUE_OF[name])
    body = {key: value for key, value in document.items() if key not in said_by_route(name)}
    answer = await http.find(json.dumps(body), name)

    assert message.code == answer.code == "invalid_command"
    if name != "PredictDataset":  # of which HTTP cannot know that it was meant
        assert message.places == answer.places == [without]


# --- how a body is declared ---

JSON_TYPES = [
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    'application/json ; charset="utf-8"',
    'application/json; Charset="UTF-8" ;version=1',
    "application/json; charset=utf8;",
]
OTHER_TYPES = [
    "text/plain",
    "application/x-yaml",
    "application/jsonp",
    "application/json; charset=latin-1",
    'application/json; charset="utf-16"',
    "application/json; charset=utf-8; charset=latin-1",
    "application/json; charset=",
    "application/json; charset",
    "application/json charset=utf-8",
    'application/json; charset="utf-8',
]


@pytest.mark.parametrize("content_type", JSON_TYPES)
async def test_json_may_be_declared_in_any_valid_spelling(http: HttpDoor, content_type: str) -> None:
    text, body = json.dumps(DOCUMENTS["TrainModel"]), json.dumps({**DOCUMENTS["TrainModel"], "command": None})
    body = re.sub(r'"command": null, |, "command": null', "", body)

    answer = await http.find(body, "TrainModel", **{"Content-Type": content_type})

    assert answer == by_queue(text, "train", **{"content-type": content_type})
    assert answer.spec_hash


@pytest.mark.parametrize("content_type", OTHER_TYPES)
async def test_anything_else_is_refused_with_the_same_reason(http: HttpDoor, content_type: str) -> None:
    answer = await http.gateway.ask("POST", "/models", b"{}", {"Content-Type": content_type})
    with pytest.raises(ModelbusError) as refused:
        received_from("{}", "train", **{"content-type": content_type})

    assert (answer.status, answer.code) == (415, refused.value.code)
    assert answer.detail == refused.value.message
    assert "application/json" in answer.detail or "UTF-8" in answer.detail


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "gzip", 7])
def test_a_message_of_another_encoding_is_refused(encoding: object) -> None:
    assert by_queue("{}", "train", **{"content-encoding": encoding}).code == "unsupported_media_type"


@pytest.mark.parametrize("encoding", ["utf-8", "UTF-8", "binary", "us-ascii", None, ""])
def test_a_message_in_utf_8_says_so_in_kombus_words_or_not_at_all(encoding: object) -> None:
    assert by_queue(json.dumps(DOCUMENTS["Predict"]), "predict", **{"content-encoding": encoding}).spec_hash


@pytest.mark.parametrize("body", ["[]", "7", "null", '"text"', "[[]]", '[{"command": "Predict"}, 7]', ""])
def test_a_body_without_a_command_is_refused(body: str) -> None:
    found = by_queue(body, "predict")

    assert (found.spec_hash, found.code) == (None, "bad_request")


def test_an_envelope_with_a_key_twice_is_no_message() -> None:
    with pytest.raises(MalformedEnvelope, match="duplicate key 'body' in an object"):
        open_envelope(b'{"body": "{}", "body": "[]"}', "train", 10**6)
