"""The environments of the benchmark of `auto`: one for each measured package, and one with the tables.

They are in a cache folder (``MODELBUS_BENCH_CACHE``, ``~/.cache/modelbus-bench`` by default), never in the
project's own environment, and are created once.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.auto import auto_autogluon, auto_flaml, auto_tables

PACKAGES: dict[str, Sequence[str]] = {
    "tables": auto_tables.PACKAGES,
    "flaml": auto_flaml.PACKAGES,
    "autogluon": auto_autogluon.PACKAGES,
}
"""What each needs, by name."""


def cache_directory() -> Path:
    """Where environments, tables and results are kept."""
    given = os.environ.get("MODELBUS_BENCH_CACHE")
    directory = Path(given) if given else Path.home() / ".cache" / "modelbus-bench"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def environment(name: str) -> Path:
    """The Python of an environment; makes it, if it is not there."""
    directory = cache_directory() / name
    python, stamp = directory / "bin" / "python", directory / ".installed"
    if not stamp.exists():
        print(f"creating the environment {directory}")
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}") or "uv"
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(directory)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *PACKAGES[name]], check=True)
        stamp.touch()
    return python
