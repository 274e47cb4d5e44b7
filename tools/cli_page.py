"""Writes the reference in docs/cli.md from the command line's own help: ``python -m tools.cli_page``.

``--check`` only says whether it is up to date. What stands above the marker is written by hand.
"""

import argparse
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer.main

from modelbus.cli import app

PAGE: Final = Path(__file__).parents[1] / "docs" / "cli.md"
MARKER: Final = "<!-- Below: made by tools/cli_page.py from `--help`. -->"
_EVERYWHERE: Final = frozenset({"help", "url", "api_key", "as_json"})
"""Options that the hand-written part explains once."""


def reference() -> str:
    """The reference: each command with what it does, its examples, its arguments and its options."""
    sections = [_section(path, command) for path, command in commands(typer.main.get_command(app), "modelbus")]
    return "\n\n".join(sections) + "\n"


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield each command that does something, with how it is typed; groups are gone through."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from commands(one, f"{path} {name}")


def page() -> str:
    """The page as it should be."""
    written, _, _ = PAGE.read_text(encoding="utf-8").partition(MARKER)
    return f"{written}{MARKER}\n\n{reference()}"


def _section(path: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name not in _EVERYWHERE]
    usage = " ".join([path, *(_argument(one) for one in arguments)])
    rows = [*(_row(one, _argument(one)) for one in arguments), *(_row(one, _option(one)) for one in options)]
    table = ["| | |", "| --- | --- |", *rows] if rows else []
    return "\n".join([f"## {usage}", "", inspect.cleandoc(command.help or ""), *([""] if table else []), *table])


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name).upper()
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> str:
    return ", ".join(sorted(parameter.opts, key=len, reverse=True))


def _row(parameter: Any, name: str) -> str:
    text = " ".join(str(parameter.help or "").split()).replace("|", "\\|")
    default = parameter.show_default if isinstance(parameter.show_default, str) else None
    return f"| `{name}` | {text}{f' Default: {default}.' if default else ''} |"


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description="Write the reference of the command line.")
    parser.add_argument("--check", action="store_true", help="change nothing; say whether it is up to date")
    fresh = page()
    if not parser.parse_args().check:
        PAGE.write_text(fresh, encoding="utf-8")
        return 0
    if fresh != PAGE.read_text(encoding="utf-8"):
        sys.stderr.write("docs/cli.md is out of date: run python -m tools.cli_page\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
