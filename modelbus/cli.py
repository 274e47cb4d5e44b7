"""The command line: which commands there are. Each lives in a file of ``modelbus/commands`` and is only named here."""

import os
import sys

import typer

from modelbus.client.client_errors import GatewayUnreachable, UnexpectedAnswer
from modelbus.commands import datasets, dead_letters, estimators, jobs, models
from modelbus.commands.demo import demo
from modelbus.commands.evaluate import evaluate
from modelbus.commands.events import events
from modelbus.commands.keys import keys
from modelbus.commands.logs import logs
from modelbus.commands.predict import predict
from modelbus.commands.publish import publish
from modelbus.commands.status import status
from modelbus.commands.terminal import exits
from modelbus.commands.terminal.printing import print_error
from modelbus.commands.train import train
from modelbus.commands.up import up
from modelbus.commands.version import version
from modelbus.shared.errors import ModelbusError

app = typer.Typer(
    name="modelbus",
    help="Train, serve and evaluate scikit-learn models over a message bus.",
    epilog="""Start here, each line in turn:

- `modelbus up` (in another terminal; leave it running)

- `modelbus datasets upload shop.csv`

- `modelbus train shop price --estimator Ridge --model prices`

- `modelbus predict prices --row size=2.0,color=red`

- `modelbus evaluate prices shop`

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no gateway answers, 130 Ctrl-C.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

LOCAL_STACK = "Local stack"
OPERATION = "Operation"
ROUND = "Train, predict, evaluate"
THINGS = "What there is"

app.command(rich_help_panel=LOCAL_STACK)(up)
app.command(rich_help_panel=LOCAL_STACK)(demo)
app.command(rich_help_panel=LOCAL_STACK)(status)
app.command(rich_help_panel=ROUND)(train)
app.command(rich_help_panel=ROUND)(predict)
app.command(rich_help_panel=ROUND)(evaluate)
app.add_typer(datasets.app, rich_help_panel=THINGS)
app.add_typer(estimators.app, rich_help_panel=THINGS)
app.add_typer(models.app, rich_help_panel=THINGS)
app.add_typer(jobs.app, rich_help_panel=THINGS)
app.command(rich_help_panel=OPERATION)(logs)
app.command(rich_help_panel=OPERATION)(events)
app.command(rich_help_panel=OPERATION)(publish)
app.add_typer(dead_letters.app, rich_help_panel=OPERATION)
app.add_typer(keys, name="keys", rich_help_panel=OPERATION)
app.command()(version)


def main() -> None:
    """Run the command that the arguments name; an error that Modelbus raised on purpose becomes one sentence."""
    try:
        app()
    except ModelbusError as error:
        print_error(error, as_json="--json" in sys.argv)
        sys.exit(exit_code(error))
    except BrokenPipeError:
        # Whoever read the output has seen enough; there is nobody to tell, and nothing may be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(exits.FAILED)


def exit_code(error: ModelbusError) -> int:
    """The exit code of an error."""
    return exits.UNREACHABLE if isinstance(error, (GatewayUnreachable, UnexpectedAnswer)) else exits.FAILED
