"""The command line as a person or a program runs it: in this process, which is fast, or in one of its own."""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from modelbus import cli

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its standard output, which must be one JSON document."""
        return json.loads(self.out)


class Terminal:
    """Runs ``modelbus`` against one gateway, 80 columns wide."""

    def __init__(
        self, url: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self._url = url
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MODELBUS_")}
        more = {} if self._url is None else {"MODELBUS_URL": self._url}
        return {**kept, **more, "COLUMNS": "80", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}

    def run(self, *arguments: str, given: str = "") -> Done:
        """Run a command in this process."""
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["modelbus", *arguments])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode()), encoding="utf-8"))
            patch.chdir(self.folder)
            for name in os.environ.keys() - self.environment.keys():
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            self._capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                cli.main()
        shown = self._capsys.readouterr()
        return Done(int(ended.value.code or 0), shown.out, shown.err)

    def ok(self, *arguments: str, given: str = "") -> Done:
        """Run a command that must succeed."""
        done = self.run(*arguments, given=given)
        assert done.code == 0, done
        return done

    def looked_at(self, *arguments: str) -> Done:
        """Run a command that must succeed, as on a terminal; what it shows, without bold and dim."""
        with self._monkeypatch.context() as patch:
            patch.setattr("rich.console.Console.is_terminal", True)
            done = self.ok(*arguments)
        return replace(done, out=re.sub(r"\x1b\[[0-9;]*m", "", done.out))

    def json(self, *arguments: str, given: str = "") -> Any:
        """Run a command that must succeed, with ``--json``; its document."""
        return self.ok(*arguments, "--json", given=given).document

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "modelbus", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
