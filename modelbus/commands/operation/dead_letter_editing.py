"""Editing what the replay of a dead letter sends: in an editor, or field by field."""

import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from modelbus.commands.terminal.session import json_or_text

if TYPE_CHECKING:
    from modelbus.client.letters import DeadLetter


def replayed_text(letter: "DeadLetter") -> str:
    """What a replay would send now, as JSON where it is JSON."""
    document = letter.replayed
    if isinstance(document, str) and letter.edited_body is None:
        try:
            document = json.loads(document)
        except ValueError:
            return str(document)
    return json.dumps(document, indent=2, ensure_ascii=False)


def edited_by_hand(text: str) -> str:
    """The text as the user's editor leaves it.

    Raises:
        Abort: It was not changed.
    """
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="modelbus-") as folder:
        path = Path(folder) / "dead-letter.json"
        path.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*editor, str(path)], check=True)  # noqa: S603 - the user's own editor
        except (OSError, subprocess.CalledProcessError) as error:
            raise typer.BadParameter(f"the editor {editor[0]!r} failed: {error}; set EDITOR, or use --set") from error
        edited = path.read_text(encoding="utf-8")
    if edited == text:
        typer.echo("Nothing was changed.", err=True)
        raise typer.Abort
    return edited


def changed(document: Any, changes: list[str]) -> Any:
    """The document with some fields set.

    Args:
        document: A JSON object; it is changed.
        changes: ``path=value`` each; the path's parts are separated by points.

    Raises:
        BadParameter: A change has another form, or its path leads through a value that is not an object.
    """
    for change in changes:
        path, equals, value = change.partition("=")
        if not equals or not isinstance(document, dict):
            raise typer.BadParameter(f"--set takes PATH=VALUE and changes a JSON object; given: {change!r}")
        *parents, last = path.split(".")
        place: Any = document
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise typer.BadParameter(f"--set {change}: {parent} is not an object")
        place[last] = json_or_text(value)
    return document


def parsed(text: str) -> Any:
    """The text's JSON document.

    Raises:
        InvalidCommand: It is not JSON.
    """
    from modelbus.shared.contracts.exact_json import read_exactly
    from modelbus.shared.errors import InvalidCommand

    try:
        return read_exactly(text)
    except ValueError as error:
        raise InvalidCommand(f"not valid JSON: {error}") from error
