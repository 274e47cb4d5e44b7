"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from modelbus.client.places import API_KEY_VARIABLE, URL_VARIABLE

Directory = Annotated[
    Path, typer.Option("--directory", "-d", help="The folder of the local stack.", envvar="MODELBUS_DIRECTORY")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="Print without colours.")]

GATEWAY = "Gateway"
"""The panel in which help shows the options that all commands have that ask a gateway."""

Url = Annotated[
    str | None,
    typer.Option(
        envvar=URL_VARIABLE,
        help="The gateway.",
        show_default="the local stack of this folder",
        rich_help_panel=GATEWAY,
        metavar="URL",
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(envvar=API_KEY_VARIABLE, help="A key, if it wants one.", rich_help_panel=GATEWAY, metavar="KEY"),
]
MoreFields = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", metavar="NAME=VALUE", help="Any other field of the command, as JSON."),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the job and do not wait for its end.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", min=0, help="Seconds to wait; the job goes on after that.", metavar="S")
]
Force = Annotated[bool, typer.Option("--force", help="Also when something else stands on it.")]
