"""Finding the running stack: that of the working directory, or of the nearest folder above it."""

import fcntl
import os
from pathlib import Path

from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY, Layout
from modelbus.stack_folder.state import StackState, read_state


def is_locked(path: Path) -> bool:
    """Whether a stack runs in the folder of this lock."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def meant_folder(directory: Path = DEFAULT_DIRECTORY) -> Path:
    """The folder of the stack to use.

    The default is searched for in the working directory and the folders above it, as git does: the nearest one in which
    a stack of this user runs. Another user's stack is ignored, since data and keys would be sent to it.
    """
    if directory == DEFAULT_DIRECTORY and not _runs_for_this_user(directory):
        for above in Path.cwd().parents:
            if _runs_for_this_user(above / directory):
                return above / directory
    return directory


def running_stack(directory: Path = DEFAULT_DIRECTORY) -> StackState | None:
    """The state of the running stack in ``meant_folder``; None if none runs."""
    layout = Layout(meant_folder(directory))
    state = read_state(layout.state)
    return state if state is not None and is_locked(layout.lock) else None


def _runs_for_this_user(folder: Path) -> bool:
    try:
        return folder.stat().st_uid == os.getuid() and is_locked(Layout(folder).lock)
    except OSError:
        return False
