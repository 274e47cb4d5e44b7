"""The paths of the local stack: every path under ``.modelbus/`` is named here and nowhere else."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEFAULT_DIRECTORY = Path(".modelbus")


@dataclass(frozen=True)
class Layout:
    """The paths of one stack.

    Attributes:
        root: The folder of the stack; may be relative to the working directory.
    """

    root: Path

    @property
    def lock(self) -> Path:
        """Held by the process that runs the stack."""
        return self.root / "lock"

    @property
    def run(self) -> Path:
        """Files that are valid only while the stack runs, and the ports of the last run."""
        return self.root / "run"

    @property
    def state(self) -> Path:
        """Process ids, ports and URLs of the running stack."""
        return self.run / "state.json"

    @property
    def ports(self) -> Path:
        """The servers' ports of the last run."""
        return self.run / "ports.json"

    @property
    def logs(self) -> Path:
        """One file for each process, and ``stack.log`` for the stack itself."""
        return self.root / "logs"

    @property
    def binaries(self) -> Path:
        """Copies of embedded servers that could not be run in place."""
        return self.root / "bin"

    @property
    def redis_data(self) -> Path:
        """Redis' append-only file."""
        return self.root / "redis"

    @property
    def mongo_data(self) -> Path:
        """MongoDB's data files."""
        return self.root / "mongo"

    def port_file(self, service: str) -> Path:
        """The file into which a service writes the port that it listens on."""
        return self.run / f"{service}.port"

    def log_file(self, name: str) -> Path:
        """The log of one process."""
        return self.logs / f"{name}.log"

    def logged_names(self) -> Iterator[str]:
        """Yield the name of every process that has a log, in alphabetical order."""
        for path in sorted(self.logs.glob("*.log")):
            yield path.stem

    def prepare(self) -> None:
        """Create the folders, readable by this user only."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.run, self.logs, self.redis_data, self.mongo_data):
            folder.mkdir(mode=0o700, exist_ok=True)
