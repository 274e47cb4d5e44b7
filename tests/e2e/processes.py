"""Looking at the processes of a service."""

from pathlib import Path

from modelbus.stack import LocalStack


def group_of(stack: LocalStack, service: str) -> set[int]:
    """The ids of a service's processes: itself, its fork server, and the children that do its jobs."""
    leader = stack.service(service).pid
    return {pid for pid in _all_pids() if _group(pid) == leader}


def _all_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _group(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[2]) if fields[0] != "Z" else None
