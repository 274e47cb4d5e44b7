"""The AsyncAPI 3 description of the queues' door, made from the commands, events and queues themselves."""

import re
from typing import Any, Final, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from modelbus.gateway.description.examples import CORRELATION_ID, PREDICTION, SHOP_CSV, TRAINING
from modelbus.shared.bus import QUEUES, poison_queue
from modelbus.shared.bus.queues import EVENTS_EXCHANGE
from modelbus.shared.contracts import Command, DriftFound, JobChanged
from modelbus.shared.contracts.base import CONTRACT_VERSION, CommandBase
from modelbus.shared.contracts.commands.prediction import GivenRows
from modelbus.shared.version import VERSION

Document = dict[str, Any]

_REFERENCES: Final = "#/components/schemas/{model}"
_COMMANDS: Final[tuple[type[CommandBase], ...]] = get_args(get_args(Command)[0])
_INLINE: Final = {"kind": "inline", "text": SHOP_CSV}
_EXAMPLES: Final[dict[str, Document]] = {
    "ProfileDataset": {"dataset": "shop", "source": _INLINE},
    "PreviewDataset": {"source": _INLINE},
    "ReadRows": {"dataset": "shop", "limit": 20},
    "ExportDataset": {"dataset": "shop", "format": "csv"},
    "TrainModel": TRAINING,
    "CheckTraining": TRAINING,
    "RetrainModel": {"model": "prices", "hyperparameters": {"alpha": 10.0}},
    "Predict": {"model": "prices", "rows": [{"size": 2.0, "color": "red"}]},
    "PredictDataset": {"model": "prices", "dataset": "shop"},
    "ExplainModel": {"model": "prices", "kinds": ["importance"]},
    "ExplainPrediction": {"model": "prices", "rows": [{"size": 2.0, "color": "red"}]},
    "MeasureLearningCurve": {"model": "prices", "fractions": [0.5, 1.0]},
    "ReportDrift": {"model": "prices", "since": "2026-01-31T00:00:00Z"},
    "EvaluateModel": {"evaluation": "first", "model": PREDICTION["model"], "dataset": "shop"},
    "EvaluatePredictions": {"task": "regression", "dataset": "shop", "truth": "price", "prediction": "guess"},
}
_EVENT: Final[Document] = {
    "event": "JobChanged",
    "correlation_id": CORRELATION_ID,
    "command": "TrainModel",
    "service": "trainer",
    "status": "succeeded",
    "attempt": 1,
}
_PROTOCOLS: Final = {"sentinel": "redis", "pyamqp": "amqp", "librabbitmq": "amqp"}
"""kombu's names of transports whose protocol has another one; the others are named after theirs."""
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[\w.-]+)(:\d+)?")
_ROW_FORMS: Final[Document] = {
    "columns": {
        "type": "array",
        "items": {"type": "string"},
        "description": "In place of `rows`, with `data`: the columns' names.",
    },
    "data": {
        "type": ["array", "object"],
        "description": "In place of `rows`: with `columns`, a list of rows of values; alone, an object with a list of "
        "values for each column.",
    },
}
_DESCRIPTION: Final = """\
Commands may be put on these queues by anyone who reaches the broker, under the same contract as over HTTP: the same
validation, errors, idempotency and results. A message is a kombu envelope, of which `{"body": "<the command as JSON>"}`
is the least; docs/queue.md has it byte for byte, with examples. What became of a command is told by the job of its
correlation id: in MongoDB, at `GET /jobs/{correlation_id}`, in events, and in the queue that `reply_to` names.
"""


def asyncapi_document(bus_url: str = "redis://127.0.0.1:6379/0") -> Document:
    """Describe all queues and what they carry.

    Args:
        bus_url: Where the broker is; its login and its options are not told.

    Returns:
        An AsyncAPI 3.0 document.
    """
    models: list[type[BaseModel]] = [*_COMMANDS, JobChanged, DriftFound]
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REFERENCES)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Modelbus",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(bus_url),
        "channels": {**{queue: _command_channel(queue) for queue in QUEUES}, **_told_channels()},
        "operations": {**{f"do.{queue}": _command_operation(queue) for queue in QUEUES}, **_told_operations()},
        "components": {
            "schemas": _with_row_forms(_without_discriminators(schemas["$defs"])),
            "messages": {**{kind.__name__: _command_message(kind) for kind in _COMMANDS}, **_told_messages()},
            "correlationIds": {
                "job": {
                    "description": "The job's id. In the body it counts before the message's own property.",
                    "location": "$message.payload#/correlation_id",
                }
            },
        },
    }


def _servers(bus_url: str) -> Document:
    """The broker, or each of those that kombu falls back on, as the gateway reaches it."""
    urls = re.split(r";(?=[\w+.-]+://)", bus_url)
    names = ["broker", *(f"broker-{number}" for number in range(2, len(urls) + 1))]
    return {name: _server(url) for name, url in zip(names, urls, strict=True)}


def _server(url: str) -> Document:
    parts = urlsplit(url)
    scheme = parts.scheme.partition("+")[0]
    # What does not look like a host could be a part of a password that nobody has escaped.
    is_login_elsewhere = "@" in f"{parts.path}{parts.query}{parts.fragment}"
    host = None if is_login_elsewhere else _HOST.fullmatch(parts.netloc.rpartition("@")[2])
    server = {
        "host": host[0] if host else "localhost",
        "protocol": _PROTOCOLS.get(scheme, scheme),
        "description": "The broker as the gateway reaches it (`MODELBUS_BUS_URL`); without login and options.",
    }
    has_path = parts.path.strip("/") and (host or not parts.netloc) and not is_login_elsewhere
    return {**server, "pathname": parts.path} if has_path else server


def _with_row_forms(schemas: Document) -> Document:
    """Schemas of commands with rows as their messages may be: the model turns the other two forms into the first."""
    for kind in _COMMANDS:
        if issubclass(kind, GivenRows):
            schema = schemas[kind.__name__]
            schema["properties"] |= _ROW_FORMS
            schema["required"] = [name for name in schema["required"] if name != "rows"]
            schema["oneOf"] = [
                {"required": ["rows"]},
                {"required": ["columns", "data"], "properties": {"data": {"type": "array"}}},
                {"required": ["data"], "properties": {"columns": False, "data": {"type": "object"}}},
            ]
    return schemas


def _without_discriminators(part: Any) -> Any:
    """Schemas as AsyncAPI has them: what OpenAPI calls a discriminator is something else there, and says no more than
    the constants do.
    """
    if isinstance(part, list):
        return [_without_discriminators(one) for one in part]
    if isinstance(part, dict):
        return {name: _without_discriminators(one) for name, one in part.items() if name != "discriminator"}
    return part


def _commands_of(queue: str) -> list[str]:
    return [kind.__name__ for kind in _COMMANDS if kind.queue == queue]


def _command_channel(queue: str) -> Document:
    return {
        "address": queue,
        "title": f"Queue {queue}",
        "description": "Published to the default exchange. One command, or an array of commands that each become a "
        f"job of their own. What cannot be decoded goes to `{poison_queue(queue)}` with the reason; what decodes but "
        "is invalid becomes a failed job with the error that HTTP would answer.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _commands_of(queue)},
    }


def _command_operation(queue: str) -> Document:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{queue}"},
        "summary": f"Carry out what comes on {queue}.",
        "messages": [{"$ref": f"#/channels/{queue}/messages/{name}"} for name in _commands_of(queue)],
        "reply": {
            "address": {"location": "$message.header#/reply_to", "description": "Where the final event goes too."},
            "channel": {"$ref": "#/channels/replies"},
        },
    }


def _command_message(kind: type[CommandBase]) -> Document:
    name = kind.__name__
    return {
        "name": name,
        "title": name,
        "summary": (kind.__doc__ or "").strip().split("\n")[0],
        "contentType": "application/json",
        "correlationId": {"$ref": "#/components/correlationIds/job"},
        "headers": {
            "type": "object",
            "description": "Properties of the message.",
            "properties": {
                "correlation_id": {"type": "string", "format": "uuid", "description": "The job's id."},
                "reply_to": {"type": "string", "description": "A queue that gets the final event."},
            },
        },
        "payload": {
            "oneOf": [
                {"$ref": f"#/components/schemas/{name}"},
                {"type": "array", "minItems": 1, "items": {"$ref": f"#/components/schemas/{name}"}},
            ]
        },
        "examples": [
            {
                "name": name,
                "headers": {"correlation_id": CORRELATION_ID},
                "payload": {"command": name, "contract": CONTRACT_VERSION, **_EXAMPLES[name]},
            }
        ],
    }


def _told_channels() -> Document:
    message = {"JobChanged": {"$ref": "#/components/messages/JobChanged"}}
    return {
        "events": {
            "address": EVENTS_EXCHANGE,
            "title": "Events",
            "description": "A fanout exchange: who binds a queue to it hears of every change. Events are hints; who "
            "misses one reads the job. A message is an array of events.",
            "messages": {
                "JobsChanged": {"$ref": "#/components/messages/JobsChanged"},
                "DriftFound": {"$ref": "#/components/messages/DriftFound"},
            },
        },
        "replies": {
            "address": None,
            "title": "Replies",
            "description": "The queue that a command's `reply_to` named.",
            "messages": message,
        },
    }


def _told_operations() -> Document:
    return {
        "tell": {
            "action": "send",
            "channel": {"$ref": "#/channels/events"},
            "summary": "Tell everyone of changed jobs, and of drift.",
        },
        "reply": {
            "action": "send",
            "channel": {"$ref": "#/channels/replies"},
            "summary": "Tell the sender how its job ended.",
        },
    }


def _told_messages() -> Document:
    schema = {"$ref": "#/components/schemas/JobChanged"}
    shared = {"contentType": "application/json", "summary": "A job's status or progress changed."}
    return {
        "JobChanged": {
            **shared,
            "name": "JobChanged",
            "title": "JobChanged",
            "payload": schema,
            "examples": [{"payload": _EVENT}],
        },
        "JobsChanged": {
            **shared,
            "name": "JobsChanged",
            "title": "Several JobChanged",
            "payload": {"type": "array", "items": schema},
            # AsyncAPI knows examples of objects only
        },
        "DriftFound": {
            "contentType": "application/json",
            "summary": "A drift report went over its thresholds; in an array of its own.",
            "name": "DriftFound",
            "title": "DriftFound",
            "payload": {"type": "array", "items": {"$ref": "#/components/schemas/DriftFound"}},
        },
    }
