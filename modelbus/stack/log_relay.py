"""Shows the logs of several processes in one terminal as they are written, each line with its service's name."""

import contextlib
import threading
from pathlib import Path
from typing import TextIO

from modelbus.shared.observing.log_text import parse_line, render_line
from modelbus.stack.log_tail import FileTail

PAUSE_S = 0.05


class LogRelay:
    """Follows log files in a thread of its own and writes new lines to a stream."""

    def __init__(self, stream: TextIO, *, use_color: bool = False) -> None:
        """Args:
        stream: The output.
        use_color: Whether the output shows colours.
        """
        self._stream = stream
        self._use_color = use_color
        self._tails: dict[str, FileTail] = {}
        self._is_stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, service: str, path: Path) -> None:
        """Show the lines that are written to a file from now on; call it before ``start``."""
        self._tails[service] = FileTail(path)

    def start(self) -> None:
        """Begin."""
        self._is_stopping.clear()
        self._thread = threading.Thread(target=self._run, name="log-relay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Show the remaining lines and end."""
        if self._thread is None:
            return
        self._is_stopping.set()
        self._thread.join()
        self._thread = None
        self._tails.clear()

    def _run(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the terminal has gone; the files go on
            while not self._is_stopping.wait(PAUSE_S):
                self._show(is_last=False)
            self._show(is_last=True)
        for tail in self._tails.values():
            tail.close()

    def _show(self, *, is_last: bool) -> None:
        lines = [
            parse_line(service, text)
            for service, tail in self._tails.items()
            for text in (tail.read_rest() if is_last else tail.read_lines())
        ]
        if lines:
            shown = (render_line(line, use_color=self._use_color) for line in lines)
            self._stream.write("\n".join(shown) + "\n")
            self._stream.flush()
