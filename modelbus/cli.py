"""The command line: the list of its commands. Each is in a file of its own in ``modelbus/commands``."""

import io
import os
import sys

import typer
import typer.main

from modelbus.commands.local.demo import demo
from modelbus.commands.local.status import status
from modelbus.commands.local.up import up
from modelbus.commands.local.version import version
from modelbus.commands.operation import dead_letters
from modelbus.commands.operation.events import events
from modelbus.commands.operation.keys import keys
from modelbus.commands.operation.logs import logs
from modelbus.commands.operation.publish import publish
from modelbus.commands.resources import datasets, estimators, evaluations, jobs, models
from modelbus.commands.tasks.drift import drift
from modelbus.commands.tasks.evaluate import evaluate
from modelbus.commands.tasks.explain import explain
from modelbus.commands.tasks.learning_curve import learning_curve
from modelbus.commands.tasks.plots import plots
from modelbus.commands.tasks.predict import predict
from modelbus.commands.tasks.train import train
from modelbus.commands.terminal import exits
from modelbus.commands.terminal.error_printing import print_error
from modelbus.commands.terminal.own_words import CommandWords, in_own_words
from modelbus.shared.errors import ModelbusError

app = typer.Typer(
    name="modelbus",
    help="Train, serve and evaluate scikit-learn models over a message bus.",
    epilog="""Start here:

- `modelbus up` (in a terminal of its own; leave it running)

- `modelbus datasets upload shop.csv`

- `modelbus train shop price --estimator Ridge --model prices`

- `modelbus predict prices --row size=2.0,color=red`

- `modelbus evaluate prices shop`

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no gateway or server answers, 130 Ctrl-C.""",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

LOCAL_STACK = "Local stack"
OPERATION = "Operation"
TASKS = "Train, predict, evaluate, explain"
RESOURCES = "Resources"

app.command(rich_help_panel=LOCAL_STACK)(up)
app.command(rich_help_panel=LOCAL_STACK)(demo)
app.command(rich_help_panel=LOCAL_STACK)(status)
app.command(rich_help_panel=TASKS)(train)
app.command(rich_help_panel=TASKS)(predict)
app.command(rich_help_panel=TASKS)(evaluate)
app.command(rich_help_panel=TASKS)(explain)
app.command(rich_help_panel=TASKS)(drift)
app.command(rich_help_panel=TASKS)(learning_curve)
app.command(rich_help_panel=TASKS)(plots)
app.add_typer(datasets.app, rich_help_panel=RESOURCES)
app.add_typer(estimators.app, rich_help_panel=RESOURCES)
app.add_typer(models.app, rich_help_panel=RESOURCES)
app.add_typer(evaluations.app, rich_help_panel=RESOURCES)
app.add_typer(jobs.app, rich_help_panel=RESOURCES)
app.command(rich_help_panel=OPERATION)(logs)
app.command(rich_help_panel=OPERATION)(events)
app.command(rich_help_panel=OPERATION)(publish)
app.add_typer(dead_letters.app, rich_help_panel=OPERATION)
app.add_typer(keys, name="keys", rich_help_panel=OPERATION)
app.command()(version)


def main() -> None:
    """Run the command that the arguments name; an error that Modelbus raised on purpose becomes one sentence."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 ends no command
    try:
        app()
    except ModelbusError as error:
        as_json = "--json" in sys.argv
        words = CommandWords.of_arguments(typer.main.get_command(app), sys.argv[1:])
        print_error(error if as_json else in_own_words(error, words), as_json=as_json)
        sys.exit(exits.code_of(error))
    except BrokenPipeError:
        # The reader of the output has seen enough, and nothing may be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(exits.FAILED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print_error(ModelbusError(f"{where}{error.strerror or error}"), as_json="--json" in sys.argv)
        sys.exit(exits.FAILED)
