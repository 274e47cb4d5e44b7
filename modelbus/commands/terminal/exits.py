"""Exit codes: what a program that runs the command line can rely on (docs/cli.md)."""

from typing import Final

OK: Final = 0
"""Done."""
FAILED: Final = 1
"""Refused, or the job failed; also: what was asked about is not ready."""
USAGE: Final = 2
"""The command line itself is wrong."""
UNREACHABLE: Final = 3
"""No gateway answers, or something else does."""
INTERRUPTED: Final = 130
"""Ctrl-C."""
