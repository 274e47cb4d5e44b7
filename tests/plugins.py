"""The plug-ins of the tests: a distribution in ``tests/plugin``, and others that a test makes up."""

import os
from pathlib import Path

from modelbus.stack.service_processes import python_path

PLUGIN_FOLDER = Path(__file__).parent / "plugin"


def with_packages(site: Path) -> dict[str, str]:
    """The variable that lets services find the packages of a folder, besides all that they find anyway."""
    inherited = python_path().get("PYTHONPATH") or os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(site), inherited]))}


def write_distribution(folder: Path, name: str, entry_points: dict[str, str], code: str = "") -> None:
    """Install a distribution into a folder: entry points of the group by name, and a module of the given code."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(code)
    information = folder / f"{module}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{key} = {value}" for key, value in entry_points.items()]
    (information / "entry_points.txt").write_text("\n".join(["[modelbus.estimators]", *lines, ""]))
