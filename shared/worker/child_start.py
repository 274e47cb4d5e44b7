"""How a child process begins, whatever it does: it dies with its service, and logs and prints into the service's pipes.

What it does is found by name, so that the service itself imports none of it.
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
    """Call a function by its name: what a child is started with whose work the service does not import.

    Args:
        named: The function, as ``module:function``.
        arguments: What it takes.
    """
    found(named)(*arguments)


def found(named: str) -> Any:
    """What a name such as ``module:function`` stands for; its module is imported."""
    module, _, function = named.partition(":")
    return getattr(importlib.import_module(module), function)


def begin(service: str, log_level: str, printed: Connection, logged: Connection) -> None:
    """Make a process that was just forked one that dies with its service and writes to its pipes.

    Args:
        service: For the log lines.
        log_level: The least level that is logged.
        printed: Where everything goes that is printed.
        logged: Where log lines go: the service writes them, with its own.
    """
    _die_with_parent()
    _take_over_output(service, log_level, printed, logged)


def limit_memory(limit_bytes: int) -> None:
    """Let the process add ``limit_bytes`` to the address space that the preloaded libraries take already."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    ceiling = pages * resource.getpagesize() + limit_bytes
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def announce(function: str, service: str, log_level: str) -> None:
    """Say what a service's children have, in a child: so that the service itself need not import it.

    Args:
        function: As ``module:function``; it takes nothing.
        service: For the log lines.
        log_level: The least level that is logged.
    """
    configure_logs(service, log_level)
    call(function)


def _die_with_parent() -> None:
    """End when the service ends, even by SIGKILL: an orphan would burn the machine for a result nobody can record.

    The signal comes when the fork server exits, which it does as soon as nobody holds the other end of its pipe.
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
    """Send log lines, and what is printed by Python or C, to the parent; also where a library was when it crashed."""
    sink = cast("BinaryIO", os.fdopen(os.dup(logged.fileno()), "wb", buffering=0))
    configure_logs(service, log_level, sink)
    os.dup2(printed.fileno(), 1)
    os.dup2(printed.fileno(), 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, errors="replace", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="replace", closefd=False)
    faulthandler.enable(sys.stderr, all_threads=False)
