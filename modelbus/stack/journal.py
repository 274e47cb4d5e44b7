"""The stack's own log, ``stack.log``: one JSON object a line, as in the services' logs."""

import contextlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Journal:
    """Appends lines to one file; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, event: str, level: str = "info", **facts: Any) -> None:
        """Log one action of the stack and its facts."""
        line = {
            "event": event,
            "level": level,
            "timestamp": datetime.now(UTC).isoformat(),
            "service": "stack",
            "pid": os.getpid(),
            **facts,
        }
        with contextlib.suppress(OSError), self._path.open("ab", buffering=0) as file:  # a full disk stops no restart
            file.write(json.dumps(line, ensure_ascii=False, default=str).encode() + b"\n")
