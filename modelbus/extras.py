"""The extras of the package, and what is said where one is not installed.

``pip install modelbus`` brings the client and the command line; pyproject.toml says what each extra brings besides.
"""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from modelbus.shared.errors import ModelbusError

MODULES: Final = {
    "frames": ("pandas", "pyarrow"),
    "queue": ("kombu", "orjson", "pydantic_settings", "pymongo", "redis", "structlog"),
    "server": ("aiohttp", "kombu", "matplotlib", "pandas", "pyarrow", "pymongo", "redis", "sklearn", "skops"),
}
"""By extra, modules that are there if it is installed, and not all there if it is not."""


class MissingExtra(ModelbusError, ImportError):
    """What was asked for needs packages that are not installed."""

    code = "missing_extra"


def require(extra: str, what: str, *, modules: Sequence[str] = (), install: str | None = None) -> None:
    """Make sure that an extra is installed; nothing of it is imported.

    Args:
        extra: One of ``MODULES``.
        what: What needs it, as the subject of a sentence: ``"modelbus up"``.
        modules: What of the extra is needed; all of it if empty.
        install: The extras to name, where it takes more than this one: ``"server,embedded"``.

    Raises:
        MissingExtra: It is not; says how to install it.
    """
    missing = next((module for module in modules or MODULES[extra] if not is_installed(module)), None)
    if missing is not None:
        raise MissingExtra(
            f"{what} needs packages that are not installed, such as {missing}: "
            f"pip install 'modelbus[{install or extra}]'"
        )


def require_or_exit(extra: str, what: str) -> None:
    """The same for a program that begins: what is missing is said in one sentence, without a trace.

    Args:
        extra: One of ``MODULES``.
        what: What needs it: ``"python -m modelbus.trainer"``.

    Raises:
        SystemExit: It is not installed; the exit status is 1.
    """
    try:
        require(extra, what)
    except MissingExtra as error:
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201 - there is no log before there is a service
        raise SystemExit(1) from None


def is_installed(module: str) -> bool:
    """Whether a module could be imported; it is not. Some that were imported, as kombu, have no spec any more."""
    if module in sys.modules:
        return sys.modules[module] is not None
    return find_spec(module) is not None
