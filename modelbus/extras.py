"""The extras of the package, and the error where one is not installed.

``pip install modelbus`` installs the client and the command line; pyproject.toml says what each extra adds.
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
"""By extra, modules that are all importable only if the extra is installed."""


class MissingExtra(ModelbusError, ImportError):
    """The operation needs packages that are not installed."""

    code = "missing_extra"


def require(extra: str, what: str, *, modules: Sequence[str] = (), install: str | None = None) -> None:
    """Make sure that an extra is installed, without importing it.

    Args:
        extra: One of ``MODULES``.
        what: What needs it, as the subject of a sentence: ``"modelbus up"``.
        modules: The needed modules of the extra; all if empty.
        install: The extras to name in the error, if more than this one: ``"server,embedded"``.

    Raises:
        MissingExtra: It is not installed; the message says how to install it.
    """
    missing = next((module for module in modules or MODULES[extra] if not is_installed(module)), None)
    if missing is not None:
        raise MissingExtra(
            f"{what} needs packages that are not installed, such as {missing}: "
            f"pip install 'modelbus[{install or extra}]'"
        )


def require_or_exit(extra: str, what: str) -> None:
    """The same at the start of a program: a missing extra ends it with one sentence and no traceback.

    Args:
        extra: One of ``MODULES``.
        what: What needs it: ``"python -m modelbus.trainer"``.

    Raises:
        SystemExit: It is not installed; the exit status is 1.
    """
    try:
        require(extra, what)
    except MissingExtra as error:
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201 - the log is not configured yet
        raise SystemExit(1) from None


def is_installed(module: str) -> bool:
    """Whether a module could be imported, without importing it. Some imported modules, such as kombu, have no spec."""
    if module in sys.modules:
        return sys.modules[module] is not None
    return find_spec(module) is not None
