"""Progress bars: the time left comes first, nothing stays behind, and nothing is shown where nobody looks."""

import io
import os
import pty
import re
import sys
import termios
from types import SimpleNamespace
from typing import Any

import pytest

from modelbus.client import progress
from modelbus.client.progress import job_display, time_left, upload_display
from modelbus.client.typed_answers import JobReport
from modelbus.gateway.description import examples

NOTHING: Any = None


def report(status: str = "running", fraction: float | None = None, **more: Any) -> JobReport:
    told = {"fraction": fraction, "message": "fold 2 <of> 5", **more.pop("progress", {})}
    return JobReport.model_validate({**examples.JOB, "status": status, "progress": told, **more}, extra="ignore")


SEARCH = {"scoring": "r2", "done": 3, "total": 9, "remaining_s": 3725.0, "candidate_count": 3}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00 left"), (42.4, "0:42 left"), (61, "1:01 left"), (3725, "1:02:05 left")]
)
def test_a_time_left_is_written_as_on_a_clock(seconds: float, text: str) -> None:
    assert time_left(seconds) == text


@pytest.mark.parametrize(("is_shown", "is_forced"), [(None, False), (None, True), (True, False), (False, True)])
def test_nothing_is_shown_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_shown: bool | None, is_forced: bool
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    if is_forced:
        monkeypatch.setenv("FORCE_COLOR", "1")
    with job_display(is_shown) as show:
        show(report(fraction=0.5))
    with upload_display(is_shown, "shop.csv", 100) as told:
        told(50)
    assert capsys.readouterr() == ("", "")


class Screen:
    """The visible text of a terminal, as far as a bar writes to it."""

    def __init__(self) -> None:
        self.lines, self.line, self.column = [""], 0, 0
        self.seen = ""

    def write(self, text: str) -> None:
        for control, final, letters in re.findall(r"\x1b\[([?\d;]*)([A-Za-z])|([^\x1b])", text):
            if letters:
                self._put(letters)
            elif final == "A":
                self.line = max(0, self.line - int(control or 1))
            elif final == "K":
                self.lines[self.line] = ""
        self.seen += "\n".join(self.lines)

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self.line, self.column = self.line + 1, 0
            if self.line == len(self.lines):
                self.lines.append("")
        else:
            line = self.lines[self.line].ljust(self.column)
            self.lines[self.line] = line[: self.column] + letter + line[self.column + 1 :]
            self.column += 1


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A terminal as standard error; gives what it showed."""
    leader, follower = pty.openpty()
    attributes = termios.tcgetattr(follower)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(follower, termios.TCSANOW, attributes)
    stream = os.fdopen(follower, "w", encoding="utf-8")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")

    def screen() -> Screen:
        stream.close()
        found, text = Screen(), b""
        try:
            while chunk := os.read(leader, 65536):
                text += chunk
        except OSError:  # the other end is closed
            pass
        os.close(leader)
        found.write(text.decode())
        return found

    return screen


def test_a_terminal_shows_the_time_left_first_and_keeps_nothing(terminal: Any) -> None:
    with job_display(None) as show:
        show(report("queued", estimated_start_s=75.0))
        show(report(fraction=0.5, progress={"tuning": SEARCH}))
    with upload_display(None, "shop.csv", 100) as told:
        told(50)
    screen = terminal()
    assert [line for line in screen.lines if line.strip()] == []


def test_the_line_of_a_terminal_begins_with_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = SimpleNamespace(monotonic=lambda: 100.0)
    monkeypatch.setattr(progress, "time", now)
    added = SimpleNamespace(add_task=lambda *_, **__: 0, update=lambda *_, **__: None)
    bar = progress._TerminalBar(added)  # type: ignore[arg-type]
    assert bar.time_text(12.0) == "0:12"
    bar.show(0.5, 3725.0, "training")
    assert bar.time_text(12.0) == "1:02:05 left"


def test_the_time_left_follows_from_the_fraction(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.5, 30.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    pace = progress._Pace()
    assert pace.remaining_s(0.5) is None, "too early to say"
    assert pace.remaining_s(0.75) == pytest.approx(10.0)


class Handle:
    """An output of a notebook."""

    def __init__(self, shown: list[Any]) -> None:
        self.shown = shown

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(bundle)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A notebook; gives what its output has shown."""
    shown: list[Any] = []

    def display(bundle: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        shown.append(bundle)
        return Handle(shown)

    monkeypatch.setattr(progress, "_notebook_display", lambda: display)
    return shown


def test_a_notebook_shows_the_time_left_first_and_keeps_nothing(
    notebook: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with job_display(None) as show:
        show(report("queued", estimated_start_s=75.0))
        show(report(fraction=0.5, progress={"tuning": SEARCH}))
    waiting, queued, running, end = notebook
    assert waiting["text/plain"] == "waiting"
    assert queued["text/plain"] == "1:15 left waiting for a worker"
    assert running["text/plain"] == "1:02:05 left training: fold 2 <of> 5 50%"
    assert running["text/html"] == (
        '1:02:05 left <progress max="1" value="0.5000"></progress> 50% training: fold 2 &lt;of&gt; 5'
    )
    assert end == {}
    assert capsys.readouterr() == ("", "")


def test_a_bar_is_gone_after_an_error_too(notebook: list[Any]) -> None:
    with pytest.raises(RuntimeError), upload_display(None, "shop.csv", None):
        raise RuntimeError
    assert notebook[-1] == {}


def test_no_notebook_is_seen_outside_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert progress._notebook_display() is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))
    assert progress._notebook_display() is None, "IPython in a terminal"


def test_a_dumb_terminal_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "dumb")
    with job_display(None) as show:
        show(report(fraction=0.5))
    assert stream.getvalue() == ""
