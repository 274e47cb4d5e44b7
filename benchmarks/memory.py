"""The peak of resident memory of processes and of what they start, from ``/proc``."""

import contextlib
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_INTERVAL_S = 0.2


def peak_bytes(process_id: int | str) -> int:
    """The most resident memory that a process ever had (``VmHWM``), in bytes; 0 where it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


class PeakWatch:
    """Looks at some processes and all that descends from them five times a second, until its context is left."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        """Args:
        processes: Process ids by name.
        """
        self._names = {process_id: name for name, process_id in processes.items()}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peaks: dict[str, int] = {}
        """Bytes by name; of a process's children, ``name: fork server``, ``name: job`` and the like, the largest."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_INTERVAL_S):
            children = _children()
            for process_id, name in self._names.items():
                self._look(process_id, name)
                for child in children.get(process_id, []):
                    self._look(child, f"{name}: {_role(child)}")
                    # the fork server's children are the jobs
                    for job in children.get(child, []):
                        self._look(job, f"{name}: job")

    def _look(self, process_id: int, name: str) -> None:
        self.peaks[name] = max(self.peaks.get(name, 0), peak_bytes(process_id))


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # the name stands in brackets and may hold anything; state and parent come behind it
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            found.setdefault(parent, []).append(int(stat.parent.name))
    return found


def _role(process_id: int) -> str:
    try:
        command = Path(f"/proc/{process_id}/cmdline").read_text()
    except OSError:
        return "child"
    return next((role for role in ("forkserver", "resource_tracker") if role in command), "child").replace("_", " ")
