"""The types of the package hold in a user's script: mypy --strict accepts right calls, and finds the wrong ones."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RIGHT, WRONG = "typed_script.py", "mistyped_script.py"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What mypy says of both scripts, outside of the checkout, so that it sees the installed package."""
    folder = tmp_path_factory.mktemp("user")
    for name in (RIGHT, WRONG):
        shutil.copy(HERE / name, folder)
    (folder / "mypy.ini").write_text("[mypy]\nstrict = true\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context", RIGHT, WRONG],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if ": error: " in line]


@pytest.mark.timeout(240)
def test_a_users_script_is_right_by_mypy_strict(told: list[str]) -> None:
    assert [line for line in told if line.startswith(RIGHT)] == []


@pytest.mark.timeout(240)
def test_mypy_finds_every_wrong_call_in_a_users_script(told: list[str]) -> None:
    found: dict[int, set[str]] = {}
    for line in told:
        match = re.fullmatch(rf"{re.escape(WRONG)}:(\d+): error: .*\[([\w-]+)\]", line)
        if match is not None:
            found.setdefault(int(match[1]), set()).add(match[2])
    lines = enumerate((HERE / WRONG).read_text().splitlines(), start=1)
    expected = {number: text.partition("# error: ")[2] for number, text in lines if "# error: " in text}
    assert {number: code for number, code in expected.items() if code not in found.get(number, set())} == {}
    assert found.keys() == expected.keys()
