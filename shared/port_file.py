"""Reports the port on which a service listens, for whoever started it with port 0."""

import os
from pathlib import Path

from modelbus.shared.settings import Settings


def write_port_file(settings: Settings, port: int) -> None:
    """Write the port to the file that the settings name; atomically, so that nobody reads half a number."""
    if settings.port_file:
        path = Path(settings.port_file)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        partial.write_text(str(port))
        partial.rename(path)
