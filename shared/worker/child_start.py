"""The start of child processes: they die with their service, and write logs and output to the service's pipes.

Their functions are found by name, so that the service itself does not import them.
"""

import ctypes
import faulthandler
import importlib
import os
import resource
import signal
import sys
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from modelbus.shared.observing.logs import configure_logs

_PR_SET_PDEATHSIG: Final = 1


def call(named: str, *arguments: Any) -> None:
    """Call a function by name, so that the service does not need to import it.

    Args:
        named: The function, as ``module:function``.
        arguments: Its arguments.
    """
    found(named)(*arguments)


def found(named: str) -> Any:
    """The function with a name such as ``module:function``; imports its module."""
    module, _, function = named.partition(":")
    return getattr(importlib.import_module(module), function)


def begin(service: str, log_level: str, printed: Connection, logged: Connection) -> None:
    """Prepare a forked process: it dies with its service and writes to its pipes.

    Args:
        service: The service name in log lines.
        log_level: The minimum level that is logged.
        printed: Receives everything that is printed.
        logged: Receives log lines, which the service writes with its own.
    """
    _die_with_parent()
    _take_over_output(service, log_level, printed, logged)


def limit_memory(limit_bytes: int) -> None:
    """Limit the address space to ``limit_bytes`` in addition to that of the preloaded libraries."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    ceiling = pages * resource.getpagesize() + limit_bytes
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def announce(function: str, service: str, log_level: str) -> None:
    """Call a function that logs what the children of a service have loaded, so that the service does not import it.

    Args:
        function: The function, as ``module:function``, without arguments.
        service: The service name in log lines.
        log_level: The minimum level that is logged.
    """
    configure_logs(service, log_level)
    call(function)


def _die_with_parent() -> None:
    """End when the service ends, even by SIGKILL: an orphan would work for a result that cannot be recorded.

    The signal is sent when the fork server exits, which it does when the other end of its pipe is closed.
    """
    _let_go_of_fork_server()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _let_go_of_fork_server() -> None:
    # multiprocessing hands each child the service's end of that pipe: kept here, it would keep the fork server alive
    # after the service, and with it this process.
    server: Any = forkserver._forkserver
    held, server._forkserver_alive_fd = server._forkserver_alive_fd, None
    if held is not None:
        os.close(held)


def _take_over_output(service: str, log_level: str, printed: Connection, logged: Connection) -> None:
    """Send log lines, output of Python and C, and tracebacks of crashes to the parent."""
    sink = cast("BinaryIO", os.fdopen(os.dup(logged.fileno()), "wb", buffering=0))
    configure_logs(service, log_level, sink)
    os.dup2(printed.fileno(), 1)
    os.dup2(printed.fileno(), 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, errors="replace", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="replace", closefd=False)
    faulthandler.enable(sys.stderr, all_threads=False)
