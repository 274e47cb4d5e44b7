"""Commands of the local stack without one: what is missing, what is not running, what the demo leaves behind."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from modelbus import cli
from modelbus.commands.local.demo import _leave_folder, leave
from modelbus.commands.local.up import banner
from modelbus.stack import LocalStack, binaries


class Run:
    """A run of the demo that made something."""

    def __init__(self, *left: str) -> None:
        self.made = {"evaluations": ["e1"], "models": ["m1", "m2"], "datasets": []}
        self.left = list(left)
        self.is_cleaned = False

    def clean(self) -> list[str]:
        self.is_cleaned = True
        return self.left


def said(run: Any, *, keep: bool) -> str:
    file = io.StringIO()
    leave(run, Console(file=file, width=200), keep=keep)
    return file.getvalue()


def test_the_demo_removes_what_it_made_or_lists_what_is_left() -> None:
    run = Run()
    assert "removed: 1 evaluation, 2 models, 0 datasets" in said(run, keep=False)
    assert run.is_cleaned
    assert "not removed: m1" in said(Run("m1"), keep=False)


def test_the_demo_keeps_what_it_made_and_names_it() -> None:
    run = Run()
    shown = said(run, keep=True)
    assert not run.is_cleaned
    for line in ("evaluations: e1", "models: m1, m2", "datasets: none"):
        assert line in shown


@pytest.mark.parametrize(
    ("is_new", "keep", "is_left"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_the_folder_is_removed_if_the_demo_made_it(tmp_path: Path, is_new: bool, keep: bool, is_left: bool) -> None:
    folder = tmp_path / ".modelbus"
    folder.mkdir()
    (folder / "lock").touch()
    _leave_folder(folder, Console(file=io.StringIO()), is_new=is_new, keep=keep)
    assert folder.exists() == is_left


def run_modelbus(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["modelbus", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("arguments", [("up", "--port", "0"), ("demo",)], ids=" ".join)
def test_missing_servers_name_the_extra_with_its_brackets(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(binaries.shutil, "which", lambda _: None)
    monkeypatch.setattr(binaries, "find_embedded", lambda _: None)
    monkeypatch.setattr(binaries.platform, "system", lambda: "Linux")
    monkeypatch.setattr(binaries.platform, "machine", lambda: "x86_64")
    monkeypatch.delenv("MODELBUS_URL", raising=False)
    assert run_modelbus(monkeypatch, *arguments, "--directory", str(tmp_path / "stack")) == 1
    shown = capsys.readouterr()
    assert "pip install 'modelbus[embedded]'" in shown.out + shown.err


def test_status_says_how_to_start_a_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_modelbus(monkeypatch, "status", "--directory", str(tmp_path / "none")) == 1
    shown = capsys.readouterr().out
    assert str(tmp_path) in shown
    assert "Start one with: modelbus up" in shown


def test_the_ready_box_names_the_documentation_and_the_next_command(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path, bus_url="redis://:secret@bus/0", mongo_url="mongodb://u:secret@[/nope]/")
    stack._gateway_url = "http://127.0.0.1:1234"
    stack._bus_url, stack._mongo_url = "redis://:secret@bus/0", "mongodb://u:secret@[/nope]/"
    file = io.StringIO()
    Console(file=file, width=120).print(banner(stack))
    shown = file.getvalue()
    for text in ("http://127.0.0.1:1234/docs", "modelbus datasets upload", "modelbus logs --follow", "[/nope]", "TZ"):
        assert text in shown
    assert "secret" not in shown
