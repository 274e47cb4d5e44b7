"""The house: rooms stand on each other in one order, none is crowded, and a file's name says which file it is."""

from collections import defaultdict
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = ("modelbus", "gateway", "trainer", "predictor", "evaluator", "shared")
FILE_LIMIT = 20
DOORS = (
    "modelbus/commands/",
    "gateway/routes/",
    "modelbus/client/",
    "evaluator/handlers/",
    "trainer/handlers/",
    "predictor/handlers/",
    "shared/contracts/commands/",
)
"""Here a file is named after what it is about, as its siblings behind the other doors are."""
ON_PURPOSE = {"errors.py"}
"""For users in ``modelbus``, for all in ``shared``."""


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("modelbus", exclude_type_checking_imports=True)


def packages() -> list[str]:
    found = {module.rpartition(".")[0] for module in graph().modules if "." in module}
    return sorted(one for one in found if len(graph().find_children(one)) > 1)


def files(*endings: str) -> list[Path]:
    """What is kept in the repository's rooms, each file once."""
    return [
        path
        for folder in (*FOLDERS, "tests", "benchmarks", "tools", "examples")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in endings and not path.parent.is_symlink()
    ]


@pytest.mark.parametrize("package", packages())
def test_no_room_stands_on_one_that_stands_on_it(package: str) -> None:
    assert graph().nominate_cycle_breakers(package) == set()


def test_no_room_is_crowded() -> None:
    counts: defaultdict[Path, int] = defaultdict(int)
    for path in files(".py", ".md", ".mjs"):
        counts[path.parent.resolve().relative_to(ROOT)] += 1

    assert {str(folder): count for folder, count in counts.items() if count > FILE_LIMIT} == {}


def test_a_files_name_says_which_file_it_is() -> None:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            place = str(path.resolve().relative_to(ROOT))
            if path.name not in ON_PURPOSE and not path.name.startswith("__") and not place.startswith(DOORS):
                found[path.name].add(place)

    assert {name: sorted(places) for name, places in found.items() if len(places) > 1} == {}
