"""The user's side of Modelbus: command line, local stack and Python client; sees every other room, none imports it."""

from shared.version import VERSION

__version__ = VERSION

__all__ = ["__version__"]
