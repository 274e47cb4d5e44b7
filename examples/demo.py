"""The demo that a newcomer runs first: ``modelbus demo``, which lives in ``modelbus/demo``."""

import typer

from modelbus.commands.local.demo import demo

if __name__ == "__main__":
    typer.run(demo)
