"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Directory = Annotated[
    Path, typer.Option("--directory", "-d", help="The folder of the local stack.", envvar="MODELBUS_DIRECTORY")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Url = Annotated[
    str | None,
    typer.Option(help="The gateway.", envvar="MODELBUS_URL", show_default="the local stack's, else this machine's"),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="Print without colours.")]

DEFAULT_DIRECTORY = Path(".modelbus")
