"""The documentation runs as printed: README, the tutorials, then each page, in one folder and on one new stack."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelbus import Client
from modelbus.stack import LocalStack
from tests.e2e.api import Api
from tests.snippets import README, ROOT, Snippet, read_pages, run_snippets
from tests.stack_fixtures import started
from tools import notebooks

PAGES = [page for page in read_pages() if run_snippets(page) and page != README]
ADDRESS = re.compile(r"(?:localhost|127\.0\.0\.1):8000")
"""The address of a reader's stack."""
BLOCK_TIMEOUT_S = 300
"""For blocks of a shell that follow each other; docs/walk.md has some fifty commands in a row."""
SHOWN = {
    README: ["prediction", "prices@", "job.finished"],
    "docs/client.md": ["toy-prices@1", "rows.0.size", "unknown_model"],
    "docs/cli.md": ["rents@1"],
    "docs/evaluation.md": ['"best_threshold":{', '"id":"theirs"'],
    "docs/dead-letters.md": ["no message"],
    "docs/walk.md": ["best candidate", "B - A", "leaving@4 is champion now", "yes: age", "estimator_rejected"],
}
"""Texts that the blocks of a page print."""
# An HTTP error must fail its block.
CURL_SETTINGS = "fail-with-body\nshow-error\n"
SHELLS = {
    "bash": (["bash", "-s"], "set -euxo pipefail"),
    # interactive, as in a terminal: a comment is then an argument, and a pattern without a match is an error
    "zsh": (["zsh", "-f", "-i", "-s"], "PS1=; PS2=; setopt errexit nounset pipefail"),
}
"""The command of each shell, which reads standard input, and the settings that end it at the first error."""


@pytest.fixture(scope="module")
def reader_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A new stack with the settings that `modelbus up` has: nothing is in it."""
    with started(LocalStack(tmp_path_factory.mktemp("reader") / ".modelbus", is_persistent=False)) as stack:
        yield stack


@pytest.fixture(scope="module")
def folder(reader_stack: LocalStack) -> Path:
    """The reader's folder, where the stack runs; it stands for a checkout."""
    folder = reader_stack.layout.root.parent
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".curlrc").write_text(CURL_SETTINGS)
    return folder


@pytest.fixture(scope="module")
def tutorials(folder: Path) -> list[str]:
    """The tutorials, run one after the other; the outputs of each as text."""
    return [str([cell.get("outputs") for cell in notebooks.run(name, folder).cells]) for name in notebooks.IN_ORDER]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("shell", SHELLS)
def test_the_readme_runs_as_printed_in_each_shell_and_a_second_time(
    shell: str, folder: Path, reader_stack: LocalStack, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which(shell) is None and not os.environ.get("CI"):
        pytest.skip(f"{shell} is not installed")
    _run_page(README, folder, reader_stack, shell)
    printed = capsys.readouterr().out
    assert [text for text in SHOWN[README] if text not in printed] == []


@pytest.mark.timeout(400)
def test_the_tutorials_run(tutorials: list[str], reader_stack: LocalStack) -> None:
    first, second = tutorials
    assert "churn@1" in first
    assert "churn@2" in second
    assert "image/svg+xml" in second
    assert Api(reader_stack.gateway_url).get("/models/churn").document["versions"] == [1, 2]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("tutorials")
def test_every_block_of_a_page_runs(
    page: str, folder: Path, reader_stack: LocalStack, capsys: pytest.CaptureFixture[str]
) -> None:
    _run_page(page, folder, reader_stack, "bash")
    printed = capsys.readouterr().out
    assert [text for text in SHOWN.get(page, []) if text not in printed] == []


def _run_page(page: str, folder: Path, stack: LocalStack, shell: str) -> None:
    """Run a page's blocks in their order; what they print goes to standard output."""
    assert stack.gateway_url is not None
    address = stack.gateway_url.removeprefix("http://")
    space: dict[str, object] = {"__name__": "__main__"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for language, blocks in itertools.groupby(run_snippets(page), key=lambda one: one.language):
            if language == "python":
                for block in blocks:
                    _run_python(block, address, space)
            else:
                sys.stdout.write(_run_shell(list(blocks), address, folder, shell))
    for client in (one for one in space.values() if isinstance(one, Client)):
        client.close()


def _run_python(block: Snippet, address: str, space: dict[str, object]) -> None:
    lines_above = "\n" * block.line
    exec(compile(lines_above + ADDRESS.sub(address, block.code), str(ROOT / block.page), "exec"), space)


def _run_shell(blocks: list[Snippet], address: str, folder: Path, shell: str) -> str:
    """Run consecutive blocks in one session: a variable of the first is known in the second."""
    command, settings = SHELLS[shell]
    script = "\n".join([settings, *(f": '{block.place}'\n{block.code}\necho" for block in blocks)])
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CURL_HOME": str(folder),
    }
    done = subprocess.run(
        command, input=ADDRESS.sub(address, script) + "\n", cwd=folder, env=environment, capture_output=True, text=True,
        check=False, timeout=BLOCK_TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
