"""The AsyncAPI 3 description of the queues, generated from the commands, events and queues."""

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
"""kombu's transports whose name differs from the protocol's."""
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[\w.-]+)(:\d+)?")
_ROW_FORMS: Final[Document] = {
    "columns": {
        "type": "array",
        "items": {"type": "string"},
        "description": "The column names, with `data` instead of `rows`.",
    },
    "data": {
        "type": ["array", "object"],
        "description": "Instead of `rows`: with `columns`, a list of rows of values; alone, an object with a list of "
        "values for each column.",
    },
}
_DESCRIPTION: Final = """\
Any client of the broker can send commands to these queues, under the same contract as over HTTP: the same validation,
errors, idempotency and results. A message is a kombu envelope, at least `{"body": "<the command as JSON>"}`; the page
on the queues in the documentation describes it byte by byte, with examples. The outcome of a command is in the job with
its correlation id: in MongoDB, at `GET /jobs/{correlation_id}`, in events, and in the queue named by `reply_to`.
"""


def asyncapi_document(bus_url: str = "redis://127.0.0.1:6379/0") -> Document:
    """Describe all queues and their messages.

    Args:
        bus_url: The URL of the broker; its credentials and options are left out.

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
                    "description": "The id of the job. The body's value takes precedence over the message's property.",
                    "location": "$message.payload#/correlation_id",
                }
            },
        },
    }


def _servers(bus_url: str) -> Document:
    """The broker, or each of kombu's fallback brokers, as the gateway reaches it."""
    urls = re.split(r";(?=[\w+.-]+://)", bus_url)
    names = ["broker", *(f"broker-{number}" for number in range(2, len(urls) + 1))]
    return {name: _server(url) for name, url in zip(names, urls, strict=True)}


def _server(url: str) -> Document:
    parts = urlsplit(url)
    scheme = parts.scheme.partition("+")[0]
    # What does not look like a host could be part of an unescaped password.
    is_login_elsewhere = "@" in f"{parts.path}{parts.query}{parts.fragment}"
    host = None if is_login_elsewhere else _HOST.fullmatch(parts.netloc.rpartition("@")[2])
    server = {
        "host": host[0] if host else "localhost",
        "protocol": _PROTOCOLS.get(scheme, scheme),
        "description": "The broker as the gateway reaches it (`MODELBUS_BUS_URL`), without credentials and options.",
    }
    has_path = parts.path.strip("/") and (host or not parts.netloc) and not is_login_elsewhere
    return {**server, "pathname": parts.path} if has_path else server


def _with_row_forms(schemas: Document) -> Document:
    """The schemas of commands with rows in all three forms; the models have only the first."""
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
    """Schemas without OpenAPI's discriminator, which means something else in AsyncAPI and adds nothing here."""
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
        "description": "Publish to the default exchange. A message has one command, or an array of commands that each "
        f"become a job. Messages that cannot be decoded go to `{poison_queue(queue)}` with the reason. Commands that "
        "can be decoded but are invalid become failed jobs with the same error as over HTTP.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _commands_of(queue)},
    }


def _command_operation(queue: str) -> Document:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{queue}"},
        "summary": f"Execute the commands of queue {queue}.",
        "messages": [{"$ref": f"#/channels/{queue}/messages/{name}"} for name in _commands_of(queue)],
        "reply": {
            "address": {
                "location": "$message.header#/reply_to",
                "description": "The queue for a copy of the final event.",
            },
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
                "correlation_id": {"type": "string", "format": "uuid", "description": "The id of the job."},
                "reply_to": {"type": "string", "description": "The queue for a copy of the final event."},
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
            "description": "A fanout exchange: a queue bound to it receives every event. Events are hints; after a "
            "lost event, read the job. A message is an array of events.",
            "messages": {
                "JobsChanged": {"$ref": "#/components/messages/JobsChanged"},
                "DriftFound": {"$ref": "#/components/messages/DriftFound"},
            },
        },
        "replies": {
            "address": None,
            "title": "Replies",
            "description": "The queue named by a command's `reply_to`.",
            "messages": message,
        },
    }


def _told_operations() -> Document:
    return {
        "publish": {
            "action": "send",
            "channel": {"$ref": "#/channels/events"},
            "summary": "Announce changes of jobs and drift.",
        },
        "reply": {
            "action": "send",
            "channel": {"$ref": "#/channels/replies"},
            "summary": "Send the outcome of a job to the sender of its command.",
        },
    }


def _told_messages() -> Document:
    schema = {"$ref": "#/components/schemas/JobChanged"}
    shared = {"contentType": "application/json", "summary": "The status or the progress of a job changed."}
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
            # AsyncAPI allows examples of objects only
        },
        "DriftFound": {
            "contentType": "application/json",
            "summary": "A drift report exceeded its thresholds. Sent in a separate array.",
            "name": "DriftFound",
            "title": "DriftFound",
            "payload": {"type": "array", "items": {"$ref": "#/components/schemas/DriftFound"}},
        },
    }
