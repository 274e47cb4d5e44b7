"""Becomes another program that ends with its parent; run as a script of its own: ``launcher.py PARENT COMMAND...``.

On Linux the kernel sends SIGTERM when the parent's thread that started this process ends, even by SIGKILL.
The same could be done between fork and exec, but Python code there may deadlock when the parent has threads.
Imports nothing of Modelbus: it must start in milliseconds.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1
EXIT_CANNOT_EXECUTE = 126


def main() -> None:
    """Replace this process with the command, or print why that failed."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        end_with_parent()
    if os.getppid() != parent:  # it ended before the kernel could be asked
        sys.exit(0)
    try:
        os.execvp(command[0], command)  # noqa: S606 - to run a given command is what this is for
    except OSError as error:
        sys.stderr.write(f"cannot execute {command[0]}: {error.strerror}\n")
        sys.exit(EXIT_CANNOT_EXECUTE)


def end_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent ends."""
    import ctypes  # here, because only Linux needs it

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


if __name__ == "__main__":
    main()
