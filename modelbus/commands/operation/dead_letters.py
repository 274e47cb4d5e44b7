"""``modelbus dead-letters``: list, show, edit, replay and remove dead jobs and unreadable messages."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelbus.commands.operation.dead_letter_editing import changed, edited_by_hand, parsed, replayed_text
from modelbus.commands.operation.dead_letter_printing import given_fields, print_letter, print_letters
from modelbus.commands.terminal.options import AsJson, Directory, NoColor, Url
from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.session import open_once
from modelbus.commands.terminal.times import given_time
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from modelbus.client.synchronous.client import Client

app = typer.Typer(name="dead-letters", help="Dead jobs, and messages that could not be read.", no_args_is_help=True)

LetterId = Annotated[str, typer.Argument(metavar="ID", help="The dead letter's id.")]
LetterIds = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="The dead letters' ids.")]
Kind = Annotated[str | None, typer.Option(help="Only job or message.")]
Queue = Annotated[str | None, typer.Option(help="Only this queue, such as train.")]
Before = Annotated[str | None, typer.Option(help="Only older ones: a time, or an age such as 7d.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=200, help="Maximum number of dead letters.")]
File = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, allow_dash=True, help="A file of JSON; - reads standard input."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change one field, such as hyperparameters.max_iter=500."),
]


@app.command("list")
def list_letters(
    kind: Kind = None,
    queue: Queue = None,
    before: Before = None,
    limit: Limit = 50,
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = None,
    as_json: AsJson = False,
    no_color: NoColor = False,
) -> None:
    """List dead letters, the newest first.

    For example:

    - `modelbus dead-letters list --kind message --queue train`
    """
    chosen: Any = kind
    with open_once(url, directory) as client:
        found = client.dead_letters.page(kind=chosen, queue=queue, before=given_time(before), limit=limit)
    printer = Printer(as_json=as_json, no_color=no_color)
    printer.show(given_fields(found), lambda: print_letters(printer, found.dead_letters))


@app.command()
def show(
    letter_id: LetterId,
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = None,
    as_json: AsJson = False,
    no_color: NoColor = False,
) -> None:
    """Show a dead letter: the reason, what was sent, the attempts, the history and the last log lines.

    For example:

    - `modelbus dead-letters show 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    with open_once(url, directory) as client:
        letter = client.dead_letters.get(letter_id)
    printer = Printer(as_json=as_json, no_color=no_color)
    printer.show(given_fields(letter), lambda: print_letter(printer, letter, no_color=no_color))


@app.command()
def edit(
    letter_id: LetterId,
    file: File = None,
    changes: Set = None,
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = None,
    as_json: AsJson = False,
    no_color: NoColor = False,
) -> None:
    """Edit what a replay will send: in $EDITOR, or by --file or --set. What was sent first is kept too.

    For example:

    - `modelbus dead-letters edit 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10 --set hyperparameters.max_iter=500`
    """
    from modelbus.shared.errors import InvalidCommand

    with open_once(url, directory) as client:
        letter = client.dead_letters.get(letter_id)
        field = "spec" if letter.kind == "job" else "body"
        text = file.read_text() if file and str(file) != "-" else sys.stdin.read() if file else replayed_text(letter)
        if changes:
            text = json.dumps(changed(parsed(text), changes))
        elif file is None:
            text = edited_by_hand(text)
        try:
            letter = client.dead_letters.edit(letter_id, **{field: parsed(text)})
        except InvalidCommand as error:
            raise InvalidCommand("\n".join([error.message, *map(_fault, error.details)])) from error
    printer = Printer(as_json=as_json, no_color=no_color)
    printer.show(given_fields(letter), lambda: print_letter(printer, letter, no_color=no_color))


@app.command()
def replay(
    letter_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The dead letters' ids.")],
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again, as they were sent or as they were edited; prints the jobs' correlation ids.

    For example:

    - `modelbus dead-letters replay 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    with open_once(url, directory) as client:
        for letter_id in letter_ids:
            for job in client.dead_letters.replay(letter_id):
                typer.echo(json.dumps(given_fields(job.record)) if as_json else job.correlation_id)


@app.command()
def purge(
    letter_ids: LetterIds = None,
    kind: Kind = None,
    queue: Queue = None,
    before: Before = None,
    all_letters: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    is_sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Remove dead letters for good: those with the given ids, or all that the options choose.

    For example:

    - `modelbus dead-letters purge --kind message --before 7d`
    """
    if letter_ids and (kind or queue or before or all_letters):
        raise typer.BadParameter("give ids, or choose by --kind, --queue, --before or --all; not both")
    if not (letter_ids or kind or queue or before or all_letters):
        raise typer.BadParameter("no dead letters are chosen: give ids, --kind, --queue, --before or --all")
    chosen: Any = kind
    moment = given_time(before)
    printer = Printer(as_json=as_json)
    with open_once(url, directory) as client:
        if not is_sure:
            count = _chosen(client, letter_ids or [], kind, queue, moment)
            if count == 0:
                printer.show({"purged": 0}, lambda: printer.say("no dead letters match; none was removed"))
                return
            typer.confirm(f"Remove {_counted(count)} for good?", abort=True, err=True)
        for letter_id in letter_ids or []:
            client.dead_letters.remove(letter_id)
        removed = len(letter_ids or [])
        if not letter_ids:
            removed = client.dead_letters.purge(kind=chosen, queue=queue, before=moment, is_all=all_letters)
    printer.show({"purged": removed}, lambda: printer.say(f"{_counted(removed)} removed"))


def _fault(detail: dict[str, Any]) -> str:
    return f"  {detail.get('where')}: {detail.get('problem')}"


def _chosen(client: "Client", letter_ids: list[str], kind: Any, queue: str | None, before: str | None) -> int:
    """How many dead letters a purge would remove."""
    if letter_ids:
        return len(letter_ids)
    return len(client.dead_letters.list(kind=kind, queue=queue, before=before, limit=None))


def _counted(count: int) -> str:
    return f"{count:,} dead {'letter' if count == 1 else 'letters'}"
