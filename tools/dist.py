"""Builds what is published, the wheel and the source archive, into dist/, and checks both: ``python -m tools.dist``.

The package's services are links to folders of the top level (docs/adr/0028). Whether both archives hold their files,
and nothing of the top level beside, is what can go wrong.
"""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DIST: Final = ROOT / "dist"
ROOMS: Final = ("gateway", "trainer", "predictor", "evaluator", "shared")


def build(folder: Path, into: Path, *, only: str | None = None) -> None:
    """Build the archives of a project.

    Args:
        folder: Where its pyproject.toml is.
        into: Where the archives go.
        only: ``wheel`` or ``sdist``; both if None.
    """
    what = [] if only is None else ["--target", only]
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(into), *what]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def faults(wheel: Path, archive: Path) -> list[str]:
    """What is wrong with the archives, one sentence each.

    Args:
        wheel: The wheel.
        archive: The source archive; a wheel is built from it and compared with the other.
    """
    content = _content(wheel)
    tops = {name.partition("/")[0] for name in content}
    found = [f"{wheel.name} has {top} beside the package" for top in tops if not _is_meant(top)]
    found += [f"{wheel.name} lacks modelbus.{room}" for room in ROOMS if f"modelbus/{room}/__init__.py" not in content]
    found += [f"{wheel.name} lacks modelbus/py.typed"] if "modelbus/py.typed" not in content else []
    with tarfile.open(archive) as opened:
        found += [f"{archive.name} has the link {one.name}" for one in opened if one.issym() or one.islnk()]
    again = _wheel_of(archive)
    changed = sorted(name for name in content.keys() | again.keys() if content.get(name) != again.get(name))
    return found + [f"{name} differs in the wheel that is built from {archive.name}" for name in changed]


def main() -> int:
    """Build and check; the faults go to standard error."""
    for old in DIST.glob("modelbus-*"):
        old.unlink()
    build(ROOT, DIST)
    (wheel,), (archive,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    found = faults(wheel, archive)
    for one in (wheel, archive):
        sys.stdout.write(f"{one.relative_to(ROOT)}  {one.stat().st_size / 1e6:.1f} MB\n")
    sys.stderr.write("".join(f"{fault}\n" for fault in found))
    return bool(found)


def _is_meant(top: str) -> bool:
    return top == "modelbus" or top.endswith(".dist-info")


def _content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def _wheel_of(archive: Path) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        (project,) = Path(folder).iterdir()
        build(project, project / "dist", only="wheel")
        return _content(next((project / "dist").glob("*.whl")))


if __name__ == "__main__":
    sys.exit(main())
