"""Runs the notebooks in ``examples/notebooks`` and keeps their outputs in them: ``python -m tools.notebooks``.

A local stack is started for it. Progress bars are left out of what is kept.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

from modelbus.stack import LocalStack

NOTEBOOKS: Final = Path(__file__).parents[1] / "examples" / "notebooks"
IN_ORDER: Final = ("a_first_model", "monitoring_a_model")
"""The second goes on with what the first has made."""
CELL_TIMEOUT_S: Final = 120
_PROGRESS_BAR: Final = "white-space:pre;overflow-x:auto"


def run(name: str, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a folder, below which or above which a stack runs; returns it with its outputs.

    Raises:
        CellExecutionError: A cell failed; says which and how.
    """
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        config=Config(KernelManager={"transport": "ipc", "ip": str(folder / f"{name}-kernel")}),
        timeout=CELL_TIMEOUT_S,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def keep(name: str, notebook: nbformat.NotebookNode) -> None:
    """Write a notebook back, without progress bars."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if _PROGRESS_BAR not in str(one.get("data", {}))]
    nbformat.write(notebook, NOTEBOOKS / f"{name}.ipynb")


def main() -> int:
    """Run all notebooks, one after the other."""
    with tempfile.TemporaryDirectory() as folder, LocalStack(Path(folder) / ".modelbus", is_persistent=False):
        for name in IN_ORDER:
            keep(name, run(name, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
