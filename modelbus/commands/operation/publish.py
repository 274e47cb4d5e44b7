"""``modelbus publish``: publish commands to their queues, after their jobs are recorded."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from modelbus.commands.terminal.options import AsJson, Directory
from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.reaching import require_mongo, server_faults
from modelbus.extras import require
from modelbus.shared.errors import StoreUnavailable
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

Command = Annotated[
    str | None, typer.Argument(help="A command as JSON, or an array of commands; - reads standard input.")
]
CommandFile = Annotated[
    Path | None, typer.Option("--file", "-f", exists=True, dir_okay=False, help="A file with the commands.")
]
ReplyTo = Annotated[str | None, typer.Option(help="A queue that also gets the final events.")]
BusUrl = Annotated[
    str | None, typer.Option(envvar="MODELBUS_BUS_URL", help="The broker.", show_default="the local stack's")
]
MongoUrl = Annotated[
    str | None, typer.Option(envvar="MODELBUS_MONGO_URL", help="The MongoDB.", show_default="the local stack's")
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
    """Publish commands straight to the bus and print the jobs' correlation ids.

    Each job is recorded in MongoDB first, so it runs even if its message is lost. `modelbus jobs wait` waits for it.

    For example:

    - `modelbus publish '{"command": "EvaluateModel", "model": "prices", "dataset": "shop"}'`

    - `modelbus publish --file commands.json --reply-to my-results`

    - `modelbus publish - < commands.json`
    """
    require("queue", "modelbus publish")
    from modelbus.queue_door import QueueDoor

    commands = _read(command, file)
    local_bus, local_mongo = _local_servers(directory)
    bus, mongo = (
        bus_url or local_bus or _settings_url("bus_url"),
        mongo_url or local_mongo or _settings_url("mongo_url"),
    )
    require_mongo(mongo)
    with server_faults(StoreUnavailable, "MongoDB or the broker"), QueueDoor(bus_url=bus, mongo_url=mongo) as door:
        correlation_ids = door.publish(commands, reply_to=reply_to)
    printer = Printer(as_json=as_json)
    printer.show({"correlation_ids": correlation_ids}, lambda: printer.say("\n".join(correlation_ids)))


def _read(command: str | None, file: Path | None) -> Any:
    if (command is None) == (file is None):
        raise typer.BadParameter("give a command, or --file")
    if file is not None:
        text = file.read_text(encoding="utf-8")
    else:
        text = sys.stdin.read() if command == "-" else str(command)
    from modelbus.shared.contracts.json_text import parse_json
    from modelbus.shared.contracts.sentences import type_name

    try:
        document = parse_json(text)
    except ValueError as error:
        raise typer.BadParameter(f"not valid JSON: {error}") from None
    if not isinstance(document, (dict, list)):
        raise typer.BadParameter(f"expected: a JSON object, or an array of them; given: {type_name(document)}")
    return document


def _settings_url(name: str) -> str:
    """The address of a server that neither the user nor a local stack names."""
    from modelbus.shared.settings import Settings

    address: SecretStr = getattr(Settings(), name)
    return address.get_secret_value()


def _local_servers(directory: Path) -> tuple[str | None, str | None]:
    """The addresses of the local stack's broker and database, with their passwords; None where none runs."""
    from modelbus.stack_folder.running import running_stack

    state = running_stack(directory)
    return (None, None) if state is None else (state.bus_url, state.mongo_url)
