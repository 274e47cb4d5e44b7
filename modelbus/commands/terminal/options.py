"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from modelbus.client.places import API_KEY_VARIABLE, URL_VARIABLE

Directory = Annotated[
    Path, typer.Option("--directory", "-d", help="The local stack's folder.", envvar="MODELBUS_DIRECTORY")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="Print without colours.")]

GATEWAY = "Gateway"
"""The panel of `--help` for the options of every command that asks a gateway."""

Url = Annotated[
    str | None,
    typer.Option(
        envvar=URL_VARIABLE,
        help="The gateway's address.",
        show_default="the local stack of this folder",
        rich_help_panel=GATEWAY,
        metavar="URL",
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        envvar=API_KEY_VARIABLE, help="The API key, if the gateway needs one.", rich_help_panel=GATEWAY, metavar="KEY"
    ),
]
MoreFields = Annotated[
    list[str] | None,
    typer.Option(
        "--option", "-o", metavar="NAME=VALUE", help="Another field of the command, as JSON; may be repeated."
    ),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the job's id and do not wait.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", min=0, help="Seconds to wait; after that the job continues.", metavar="S")
]
Force = Annotated[bool, typer.Option("--force", help="Even if a model depends on it.")]
