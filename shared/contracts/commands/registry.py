"""The commands: what may be asked of the services, by HTTP or by queue."""

import hashlib
from typing import Annotated, Any, Final, get_args

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from modelbus.shared.contracts.base import (
    CONTRACT_VERSION,
    is_storable_integer,
)
from modelbus.shared.contracts.commands.datasets import ExportDataset, PreviewDataset, ProfileDataset, ReadRows
from modelbus.shared.contracts.commands.drift import ReportDrift
from modelbus.shared.contracts.commands.evaluation import EvaluateModel, EvaluatePredictions
from modelbus.shared.contracts.commands.explanation import ExplainModel, ExplainPrediction, MeasureLearning
from modelbus.shared.contracts.commands.prediction import GivenRows, Predict, PredictDataset, with_columns_once
from modelbus.shared.contracts.commands.training import CheckTraining, RetrainModel, TrainModel
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
    | MeasureLearning
    | ReportDrift,
    Field(discriminator="command"),
]

COMMAND_NAMES: Final = tuple(kind.__name__ for kind in get_args(get_args(Command)[0]))
"""The name of every command, as its field `command` has it."""

_ADAPTER: TypeAdapter[Command] = TypeAdapter(Command)


_SHOWN_LIMIT: Final = 200
_PROBLEM_LIMIT: Final = 500
"""Characters of what was given that an error quotes."""


def parse_command(document: Any) -> Command:
    """Validate one command, as JSON gave it.

    Raises:
        InvalidCommand: With one detail for each field at fault: where, problem, and what was given.
    """
    if not isinstance(document, dict):
        raise InvalidCommand(f"a command is a JSON object, not {type(document).__name__}")
    spoken = document.get("contract", CONTRACT_VERSION)
    if spoken != CONTRACT_VERSION or isinstance(spoken, bool):
        raise InvalidCommand(
            f"contract version {repr(spoken)[:_SHOWN_LIMIT]} is not spoken here; this release has {CONTRACT_VERSION}",
            details=[{"where": "contract", "problem": "unsupported version", "expected": CONTRACT_VERSION}],
        )
    try:
        return _ADAPTER.validate_python(document)
    except ValidationError as error:
        raise invalid_command(error) from error


def parse_command_of_queue(document: Any, queue: str) -> Command:
    """Validate one command that came, or is to go, by a queue.

    Raises:
        InvalidCommand: It breaks its contract, or travels on another queue.
    """
    command = parse_command(document)
    if command_queue(command) != queue:
        raise InvalidCommand(f"{command.command} travels on queue {command_queue(command)!r}, not {queue!r}")
    return command


def invalid_command(error: ValidationError) -> InvalidCommand:
    """Translate pydantic's error: one detail a fault, and a sentence that names the first ones."""
    details = [_detail(fault) for fault in error.errors(include_url=False, include_context=False)[:100]]
    named = "; ".join(f"{detail['where']}: {detail['problem']}" for detail in details[:3])
    more = f" (and {error.error_count() - 3} more)" if error.error_count() > 3 else ""
    return InvalidCommand(f"{named}{more}", details=details)


def _detail(fault: Any) -> dict[str, Any]:
    # pydantic puts the union's tag first in the location; a reader looks for the field
    path = [str(part) for part in fault["loc"]]
    if path and path[0] in COMMAND_NAMES:
        path = path[1:]
    given = fault.get("input")
    shown = given if isinstance(given, (str, int, float, bool)) or given is None else type(given).__name__
    if isinstance(shown, int) and not is_storable_integer(shown):
        shown = str(shown)
    if isinstance(shown, str):
        shown = shown[:_SHOWN_LIMIT]
    # Cut, since both quote what was given: the name of an unknown field, the tag of an unknown command.
    where, problem = ".".join(path)[:_SHOWN_LIMIT], str(fault["msg"]).removeprefix("Value error, ")[:_PROBLEM_LIMIT]
    detail = {"where": where or "command", "problem": problem}
    return detail if fault["type"] == "missing" else {**detail, "given": shown}


def command_queue(command: Command) -> str:
    """The queue that carries the command."""
    return type(command).queue


def command_spec(command: Command) -> dict[str, Any]:
    """The command as its job keeps it: validated, complete with defaults, without the correlation id."""
    spec = command.model_dump(mode="json", exclude={"correlation_id"})
    return with_columns_once(spec) if isinstance(command, GivenRows) else spec


def spec_hash(spec: dict[str, Any]) -> str:
    """SHA-256 of a specification, in hex: two commands with the same hash ask for the same."""
    return hashlib.sha256(orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)).hexdigest()
