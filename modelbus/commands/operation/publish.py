"""``modelbus publish``: put commands straight on their queues, with their jobs recorded first."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from modelbus.commands.terminal.options import AsJson, Directory
from modelbus.commands.terminal.printing import Printer
from modelbus.extras import require
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

Command = Annotated[
    str | None, typer.Argument(help="The command as JSON, or several in an array; - is standard input.")
]
CommandFile = Annotated[Path | None, typer.Option("--file", "-f", exists=True, dir_okay=False, help="It is in a file.")]
ReplyTo = Annotated[str | None, typer.Option(help="A queue that gets the final events too.")]
BusUrl = Annotated[
    str | None, typer.Option(envvar="MODELBUS_BUS_URL", help="The broker.", show_default="that of the local stack")
]
MongoUrl = Annotated[
    str | None, typer.Option(envvar="MODELBUS_MONGO_URL", help="The database.", show_default="that of the local stack")
]


def publish(
    command: Command = None,
    file: CommandFile = None,
    reply_to: ReplyTo = None,
    bus_url: BusUrl = None,
    mongo_url: MongoUrl = None,
    directory: Directory = DEFAULT_DIRECTORY,
    as_json: AsJson = False,
) -> None:
    """Publish commands straight to the bus.

    Each job is recorded in the database first, so that it is done even if its message is lost. Nobody waits for it:
    `modelbus jobs wait` does.

    For example:

    - `modelbus publish '{"command": "EvaluateModel", "model": "prices", "dataset": "shop"}'`

    - `modelbus publish --file commands.json --reply-to my-results`

    - `modelbus publish - < commands.json`
    """
    require("queue", "modelbus publish")
    from modelbus.queue_door import QueueDoor

    commands = _read(command, file)
    local_bus, local_mongo = _local_servers(directory)
    with QueueDoor(bus_url=bus_url or local_bus, mongo_url=mongo_url or local_mongo) as door:
        correlation_ids = door.publish(commands, reply_to=reply_to)
    printer = Printer(as_json=as_json)
    printer.show({"correlation_ids": correlation_ids}, lambda: printer.say("\n".join(correlation_ids)))


def _read(command: str | None, file: Path | None) -> Any:
    if (command is None) == (file is None):
        raise typer.BadParameter("give the command, or --file")
    if file is not None:
        text = file.read_text(encoding="utf-8")
    else:
        text = sys.stdin.read() if command == "-" else str(command)
    from modelbus.shared.contracts.json_text import parse_json

    try:
        document = parse_json(text)
    except ValueError as error:
        raise typer.BadParameter(f"no JSON: {error}") from None
    if not isinstance(document, (dict, list)):
        raise typer.BadParameter(f"a command is a JSON object, or several in an array, not {type(document).__name__}")
    return document


def _local_servers(directory: Path) -> tuple[str | None, str | None]:
    """The addresses of the local stack's broker and database, with their passwords; None where none runs."""
    from modelbus.stack_folder.running import running_stack

    state = running_stack(directory)
    return (None, None) if state is None else (state.bus_url, state.mongo_url)
