"""What the documentation shows is run as a reader would run it: page after page, in one folder, against one stack."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from modelbus import Client
from modelbus.stack import LocalStack
from tests.e2e.api import Api
from tests.snippets import ROOT, Snippet, read_pages, run_snippets
from tools import notebooks

PAGES = [page for page in read_pages() if run_snippets(page)]
ADDRESS = re.compile(r"(?:localhost|127\.0\.0\.1):8000")
"""Where the stack listens that a reader has started."""
BLOCK_TIMEOUT_S = 300
"""For blocks of a shell that follow each other; docs/walk.md has some fifty commands in a row."""
SHOWN = {
    "README.md": ["prediction", "job.finished"],
    "docs/client.md": ["toy-prices@1", "rows.0.size", "unknown_model"],
    "docs/cli.md": ["rents@1"],
    "docs/evaluation.md": ['"best_threshold":{', '"id":"theirs"'],
    "docs/dead-letters.md": ["no message"],
    "docs/walk.md": ["best candidate", "B - A", "leaving@4 is champion now", "yes: age", "estimator_rejected"],
}
"""What the blocks of a page print, among other things."""
# An answer that tells of an error must fail its block.
CURL_SETTINGS = "fail-with-body\nshow-error\n"


@pytest.fixture(scope="module")
def folder(stack: LocalStack) -> Path:
    """The reader's folder, in which the stack runs, as a checkout is."""
    folder = stack.layout.root.parent
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".curlrc").write_text(CURL_SETTINGS)
    return folder


@pytest.fixture(scope="module")
def tutorials(folder: Path) -> list[str]:
    """The tutorials, run one after the other; the outputs of each as text."""
    return [str([cell.get("outputs") for cell in notebooks.run(name, folder).cells]) for name in notebooks.IN_ORDER]


@pytest.mark.timeout(400)
def test_the_tutorials_run(tutorials: list[str], api: Api) -> None:
    first, second = tutorials
    assert "churn@1" in first
    assert "churn@2" in second
    assert "image/svg+xml" in second
    assert api.get("/models/churn").document["versions"] == [1, 2]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("tutorials")
def test_every_block_of_a_page_runs(
    page: str,
    folder: Path,
    stack: LocalStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert stack.gateway_url is not None
    monkeypatch.chdir(folder)
    address = stack.gateway_url.removeprefix("http://")
    space: dict[str, object] = {"__name__": "__main__"}
    for language, blocks in itertools.groupby(run_snippets(page), key=lambda one: one.language):
        if language == "python":
            for block in blocks:
                _run_python(block, address, space)
        else:
            sys.stdout.write(_run_shell(list(blocks), address, folder))
    for client in (one for one in space.values() if isinstance(one, Client)):
        client.close()
    printed = capsys.readouterr().out
    assert [words for words in SHOWN.get(page, []) if words not in printed] == []


def _run_python(block: Snippet, address: str, space: dict[str, object]) -> None:
    lines_above = "\n" * block.line
    exec(compile(lines_above + ADDRESS.sub(address, block.code), str(ROOT / block.page), "exec"), space)


def _run_shell(blocks: list[Snippet], address: str, folder: Path) -> str:
    """Run blocks that follow each other, as one session: what the first has set, the next one uses."""
    script = "\n".join(f": '{block.place}'\n{block.code}\necho" for block in blocks)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CURL_HOME": str(folder),
    }
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", ADDRESS.sub(address, script)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=BLOCK_TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
