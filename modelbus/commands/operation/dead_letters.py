"""``modelbus dead-letters``: what could not be done or read: look at it, mend it, send it again, remove it."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from modelbus.commands.terminal.options import AsJson, Directory, NoColor, Url
from modelbus.commands.terminal.session import json_or_text, open_once
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY

if TYPE_CHECKING:
    from pydantic import BaseModel

    from modelbus.client.letters import DeadLetter, DeadLetterSummary

app = typer.Typer(name="dead-letters", help="Dead jobs, and messages that could not be read.", no_args_is_help=True)

REASON_LIMIT = 60

LetterId = Annotated[str, typer.Argument(metavar="ID", help="The dead letter's id.")]
LetterIds = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="The dead letters' ids.")]
Kind = Annotated[str | None, typer.Option(help="job or message.")]
Queue = Annotated[str | None, typer.Option(help="Only of this queue, such as train.")]
Before = Annotated[str | None, typer.Option(help="Only older ones: a time, or an age such as 7d.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=200, help="How many at most.")]
File = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, allow_dash=True, help="JSON; - reads stdin.")]
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
        found = client.dead_letters.page(kind=chosen, queue=queue, before=before, limit=limit)
    if as_json:
        typer.echo(json.dumps(_told(found), indent=2))
    else:
        _print_list(found.dead_letters, Console(no_color=no_color or None, highlight=False, soft_wrap=True))


@app.command()
def show(
    letter_id: LetterId,
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = None,
    as_json: AsJson = False,
    no_color: NoColor = False,
) -> None:
    """Show a dead letter: why, attempts, history, what was sent, its last log lines.

    For example:

    - `modelbus dead-letters show 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    with open_once(url, directory) as client:
        letter = client.dead_letters.get(letter_id)
    _print_letter(letter, as_json=as_json, no_color=no_color)


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
    """Mend what a replay will send; opens $EDITOR unless --file or --set says how. What was sent is kept too.

    For example:

    - `modelbus dead-letters edit 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10 --set hyperparameters.max_iter=500`
    """
    from modelbus.shared.errors import InvalidCommand

    with open_once(url, directory) as client:
        letter = client.dead_letters.get(letter_id)
        field = "spec" if letter.kind == "job" else "body"
        text = file.read_text() if file and str(file) != "-" else sys.stdin.read() if file else _present(letter)
        if changes:
            text = json.dumps(_changed(_parsed(text), changes))
        elif file is None:
            text = _edited_by_hand(text)
        try:
            letter = client.dead_letters.edit(letter_id, **{field: _parsed(text)})
        except InvalidCommand as error:
            raise InvalidCommand("\n".join([error.message, *map(_fault, error.details)])) from error
    _print_letter(letter, as_json=as_json, no_color=no_color)


@app.command()
def replay(
    letter_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The dead letters' ids.")],
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again, as they were or as they were edited; prints the jobs' correlation ids.

    For example:

    - `modelbus dead-letters replay 0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10`
    """
    with open_once(url, directory) as client:
        for letter_id in letter_ids:
            for job in client.dead_letters.replay(letter_id):
                typer.echo(json.dumps(_told(job.record)) if as_json else job.correlation_id)


@app.command()
def purge(
    letter_ids: LetterIds = None,
    kind: Kind = None,
    queue: Queue = None,
    before: Before = None,
    all_letters: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    is_sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Remove dead letters for good: those named, or all that are meant.

    For example:

    - `modelbus dead-letters purge --kind message --before 7d`
    """
    if letter_ids and (kind or queue or before or all_letters):
        raise typer.BadParameter("name dead letters, or say which are meant by options; not both")
    if not is_sure:
        typer.confirm("Remove them for good?", abort=True)
    chosen: Any = kind
    with open_once(url, directory) as client:
        for letter_id in letter_ids or []:
            client.dead_letters.remove(letter_id)
        count = len(letter_ids or [])
        if not letter_ids:
            count = client.dead_letters.purge(kind=chosen, queue=queue, before=before, is_all=all_letters)
    typer.echo(json.dumps({"purged": count}) if as_json else f"{count} removed")


def _told(record: "BaseModel | None") -> Any:
    """What the gateway told, as JSON."""
    return record and record.model_dump(mode="json", exclude_unset=True)


def _print_list(letters: "list[DeadLetterSummary]", console: Console) -> None:
    if not letters:
        console.print("There are no dead letters.")
        return
    table = Table("id", "kind", "queue", "time", "event", "edited", "reason", box=None, pad_edge=False)
    for letter in letters:
        reason = " ".join(str(letter.reason or letter.code).split())
        short = reason if len(reason) <= REASON_LIMIT else reason[: REASON_LIMIT - 1] + "…"
        what = letter.command or f"{letter.size_bytes} bytes"
        is_edited = "yes" if letter.is_edited else ""
        at = f"{letter.at:%Y-%m-%dT%H:%M:%S}"
        cells = (letter.id, letter.kind, letter.queue, at, what, is_edited, short)
        table.add_row(*(_plain(cell) for cell in cells))
    console.print(table)


def _print_letter(letter: "DeadLetter", *, as_json: bool, no_color: bool) -> None:
    from modelbus.commands.operation.logs import show_lines

    told = _told(letter)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for name, value in told.items():
        if name in ("lines", "history", "links", "base64") or value is None:
            continue
        shown = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        typer.echo(f"{name}: {_printable(shown)}")
    typer.echo("history:")
    for entry in letter.history:
        facts = " ".join(f"{name}={value}" for name, value in entry.items() if name not in ("at", "event"))
        typer.echo(f"  {entry['at'][:19]} {entry['event']} {_printable(facts)}")
    if letter.lines:
        typer.echo("last log lines:")
        show_lines(letter.lines, no_color=no_color)


def _present(letter: "DeadLetter") -> str:
    """What a replay would send now, as JSON where it is that."""
    document = letter.replayed
    if isinstance(document, str) and letter.edited_body is None:
        try:
            document = json.loads(document)
        except ValueError:
            return str(document)
    return json.dumps(document, indent=2, ensure_ascii=False)


def _edited_by_hand(text: str) -> str:
    """The text as somebody left it in an editor.

    Raises:
        Abort: It was left as it was.
    """
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="modelbus-") as folder:
        path = Path(folder) / "dead-letter.json"
        path.write_text(text)
        subprocess.run([*editor, str(path)], check=True)  # noqa: S603 - the user's own editor
        edited = path.read_text()
    if edited == text:
        typer.echo("Nothing was changed.", err=True)
        raise typer.Abort
    return edited


def _changed(document: Any, changes: list[str]) -> Any:
    for change in changes:
        path, equals, value = change.partition("=")
        if not equals or not isinstance(document, dict):
            raise typer.BadParameter(f"--set takes PATH=VALUE, for a JSON object; not {change!r}")
        *parents, last = path.split(".")
        place: Any = document
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise typer.BadParameter(f"--set {change}: {parent} is no object")
        place[last] = json_or_text(value)
    return document


def _parsed(text: str) -> Any:
    from modelbus.shared.contracts.exact_json import read_exactly
    from modelbus.shared.errors import InvalidCommand

    try:
        return read_exactly(text)
    except ValueError as error:
        raise InvalidCommand(f"this is not JSON: {error}") from error


def _fault(detail: dict[str, Any]) -> str:
    return f"  {detail.get('where')}: {detail.get('problem')}"


def _plain(cell: object) -> str:
    return escape(_printable(str(cell)))


def _printable(text: str) -> str:
    from modelbus.shared.observing.log_text import printable

    return "\n".join(printable(line) for line in text.split("\n"))
