"""All commands, for HTTP and for the queues."""

import hashlib
from typing import Annotated, Any, Final, get_args

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from modelbus.shared.contracts.base import CONTRACT_VERSION
from modelbus.shared.contracts.commands.datasets import ExportDataset, PreviewDataset, ProfileDataset, ReadRows
from modelbus.shared.contracts.commands.drift import ReportDrift
from modelbus.shared.contracts.commands.evaluation import EvaluateModel, EvaluatePredictions
from modelbus.shared.contracts.commands.explanation import ExplainModel, ExplainPrediction, MeasureLearningCurve
from modelbus.shared.contracts.commands.prediction import GivenRows, Predict, PredictDataset, with_columns_once
from modelbus.shared.contracts.commands.training import CheckTraining, RetrainModel, TrainModel
from modelbus.shared.contracts.sentences import FAULT_LIMIT, details_of, type_name
from modelbus.shared.errors import InvalidCommand

Command = Annotated[
    ProfileDataset
    | PreviewDataset
    | ReadRows
    | ExportDataset
    | TrainModel
    | CheckTraining
    | RetrainModel
    | Predict
    | PredictDataset
    | EvaluateModel
    | EvaluatePredictions
    | ExplainModel
    | ExplainPrediction
    | MeasureLearningCurve
    | ReportDrift,
    Field(discriminator="command"),
]

COMMAND_NAMES: Final = tuple(kind.__name__ for kind in get_args(get_args(Command)[0]))
"""The name of every command, which is the value of its field `command`."""

_ADAPTER: TypeAdapter[Command] = TypeAdapter(Command)


_SHOWN_LIMIT: Final = 200
"""The maximum number of characters of a given value that an error quotes."""


def parse_command(document: Any) -> Command:
    """Validate one command, as parsed from JSON.

    Raises:
        InvalidCommand: With one detail for each faulty field: where, problem, and the given value.
    """
    if not isinstance(document, dict):
        raise InvalidCommand(f"a command must be a JSON object, not {type_name(document)}")
    given = document.get("contract", CONTRACT_VERSION)
    if given != CONTRACT_VERSION or isinstance(given, bool):
        raise InvalidCommand(
            f"contract version {repr(given)[:_SHOWN_LIMIT]} is not supported; use version {CONTRACT_VERSION}",
            details=[{"where": "contract", "problem": "unsupported version", "expected": CONTRACT_VERSION}],
        )
    try:
        return _ADAPTER.validate_python(document)
    except ValidationError as error:
        raise invalid_command(error, Command) from error


def parse_command_of_queue(document: Any, queue: str) -> Command:
    """Validate one command that came from, or is sent to, a queue.

    Raises:
        InvalidCommand: The command violates its contract, or belongs to another queue.
    """
    command = parse_command(document)
    if command_queue(command) != queue:
        raise InvalidCommand(f"{command.command} belongs to queue {command_queue(command)!r}, not {queue!r}")
    return command


def invalid_command(error: ValidationError, kind: Any = None) -> InvalidCommand:
    """Translate pydantic's error: one detail for each fault, and a message that names the first three.

    Args:
        error: The error of pydantic.
        kind: The validated type, such as the class of a command; it allows suggestions for misspelt names.
    """
    details = details_of(error, kind)
    named = "; ".join(f"{detail['where']}: {detail['problem']}" for detail in details[:3])
    count = max(len(details), error.error_count() if error.error_count() > FAULT_LIMIT else 0)
    more = f" (and {count - 3} more)" if count > 3 else ""
    return InvalidCommand(f"{named}{more}", details=details)


def command_queue(command: Command) -> str:
    """The queue that carries the command."""
    return type(command).queue


def command_spec(command: Command) -> dict[str, Any]:
    """The command as its job stores it: validated, complete with defaults, without the correlation id."""
    spec = command.model_dump(mode="json", exclude={"correlation_id"})
    return with_columns_once(spec) if isinstance(command, GivenRows) else spec


def spec_hash(spec: dict[str, Any]) -> str:
    """The SHA-256 of a specification in hexadecimal: two commands with the same hash request the same work."""
    return hashlib.sha256(orjson.dumps(without_place(spec), option=orjson.OPT_SORT_KEYS)).hexdigest()


def without_place(spec: dict[str, Any]) -> dict[str, Any]:
    """A specification without the id of its uploaded file: the content of a file matters, not its place."""
    source = spec.get("source")
    if not isinstance(source, dict) or not source.get("sha256"):
        return spec
    return {**spec, "source": {name: value for name, value in source.items() if name != "upload_id"}}
