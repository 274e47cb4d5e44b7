"""``modelbus version``."""

import platform
from importlib import metadata

import typer

LIBRARIES = ("scikit-learn", "pandas", "kombu", "pymongo", "aiohttp")


def version() -> None:
    """Print the versions of Modelbus, Python and the main libraries, for a bug report."""
    from modelbus import __version__

    typer.echo(f"modelbus {__version__}")
    typer.echo(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in LIBRARIES:
        typer.echo(f"{name} {_installed(name)}")


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"
