"""The command line: which commands there are. Each lives in a file of ``modelbus/commands`` and is only named here."""

import sys

import typer
from rich.console import Console

from modelbus.commands import dead_letters
from modelbus.commands.keys import keys
from modelbus.commands.logs import logs
from modelbus.commands.status import status
from modelbus.commands.up import up
from modelbus.commands.version import version
from shared.errors import ModelbusError

EXIT_FAILED = 1

app = typer.Typer(
    name="modelbus",
    help="Train, serve and evaluate scikit-learn models over a message bus.",
    epilog="Start here: `modelbus up`, then open the address that it prints.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

LOCAL_STACK = "Local stack"
OPERATION = "Operation"

app.command(rich_help_panel=LOCAL_STACK)(up)
app.command(rich_help_panel=LOCAL_STACK)(status)
app.command(rich_help_panel=OPERATION)(logs)
app.add_typer(dead_letters.app, rich_help_panel=OPERATION)
app.add_typer(keys, name="keys")
app.command()(version)


def main() -> None:
    """Run the command that the arguments name; an error that Modelbus raised on purpose becomes one sentence."""
    try:
        app()
    except ModelbusError as error:
        console = Console(stderr=True)
        console.print("error:", style="bold red", end=" ")
        console.print(error.message, markup=False, highlight=False, soft_wrap=True)
        sys.exit(EXIT_FAILED)
