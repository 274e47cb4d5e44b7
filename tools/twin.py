"""Makes the blocking client from the asynchronous one, so that each operation is written once.

``python -m tools.twin`` writes ``modelbus/client/synchronous``; ``--check`` only says whether it is up to date. What
cannot be had by changing words is in the two files ``blocking.py``, which are written by hand.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
WRITTEN: Final = ROOT / "modelbus" / "client" / "asynchronous"
MADE: Final = ROOT / "modelbus" / "client" / "synchronous"
BY_HAND: Final = frozenset({"__init__.py", "blocking.py"})

WORDS: Final = [
    (r"\basync (?=(def|with|for)\b)", ""),
    (r"\bawait\s+", ""),
    (r"\(\(([\w.]+\([^()]*\))\)\.", r"(\1."),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\b__aiter__\b", "__iter__"),
    (r"\b__anext__\b", "__next__"),
    (r"\bStopAsyncIteration\b", "StopIteration"),
    (r"\baclose\b", "close"),
    (r"\baread\b", "read"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\bAsync([A-Z]\w*)", r"\1"),
    (r"\basynchronous\b", "synchronous"),
]
"""Patterns and what stands for them, in the code and in its docstrings."""


def made_of(text: str, name: str) -> str:
    """The blocking form of an asynchronous module.

    Args:
        text: The module's source.
        name: Its file's name.
    """
    for pattern, replacement in WORDS:
        text = re.sub(pattern, replacement, text)
    return f"# Made from ../asynchronous/{name} by tools/twin.py: change it there, then run `make twin`.\n{text}"


def make(target: Path) -> None:
    """Write all blocking modules, formatted as everything else."""
    for path in _written():
        (target / path.name).write_text(made_of(path.read_text(), path.name))
    made = [str(target / path.name) for path in _written()]
    ruff = [str(Path(sys.executable).with_name("ruff"))]
    settings = ["--config", str(ROOT / "pyproject.toml"), "--quiet"]
    subprocess.run([*ruff, "check", "--select", "I", "--fix", *settings, *made], cwd=ROOT, check=True)
    subprocess.run([*ruff, "format", *settings, *made], cwd=ROOT, check=True)


def stale() -> list[str]:
    """The names of blocking modules that are not what the asynchronous ones make; also those of no such module."""
    # below the project, so that ruff takes its imports for the project's own
    with tempfile.TemporaryDirectory(dir=MADE.parent, prefix=".twin-") as folder:
        fresh = Path(folder)
        make(fresh)
        names = {path.name for path in _written()}
        there = {path.name for path in MADE.glob("*.py")} - BY_HAND
        changed = {name for name in names & there if (fresh / name).read_text() != (MADE / name).read_text()}
    return sorted(changed | (names ^ there))


def main() -> int:
    """Make the twin, or check it."""
    parser = argparse.ArgumentParser(description="Make the blocking client from the asynchronous one.")
    parser.add_argument("--check", action="store_true", help="change nothing; say whether it is up to date")
    if not parser.parse_args().check:
        make(MADE)
        return 0
    names = stale()
    if names:
        sys.stderr.write(f"modelbus/client/synchronous is out of date ({', '.join(names)}): run `make twin`\n")
    return bool(names)


def _written() -> list[Path]:
    return [path for path in sorted(WRITTEN.glob("*.py")) if path.name not in BY_HAND]


if __name__ == "__main__":
    sys.exit(main())
