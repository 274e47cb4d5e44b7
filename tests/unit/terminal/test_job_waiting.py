"""Waiting for a job that does not end in time, is not waited for, or is interrupted."""

from typing import Any

import pytest
import typer

from modelbus.commands.terminal import exits
from modelbus.commands.terminal.job_waiting import started, waiting_for
from modelbus.commands.terminal.printing import Printer
from modelbus.commands.terminal.session import Session
from modelbus.errors import WaitTimedOut

ID = "0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10"


class Job:
    correlation_id = ID
    status = "running"


JOB: Any = Job()


def session(*, as_json: bool = False) -> Session:
    def connect() -> Any:
        raise AssertionError("no gateway is needed")

    return Session(connect, Printer(as_json=as_json))


def test_a_wait_that_is_too_short_names_the_command_that_waits_on() -> None:
    with (
        pytest.raises(WaitTimedOut, match=f"still running after 0.5 s.*modelbus jobs wait {ID}"),
        waiting_for(JOB, 0.5),
    ):
        raise WaitTimedOut("client.jobs.get(...)")


def test_ctrl_c_ends_the_wait_and_not_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, waiting_for(JOB, None):
        raise KeyboardInterrupt
    assert ended.value.exit_code == exits.INTERRUPTED
    said = capsys.readouterr().err
    for words in ("The job continues.", f"modelbus jobs wait {ID}", f"modelbus jobs cancel {ID}"):
        assert words in said


def test_a_job_that_is_not_waited_for_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    started(session(), JOB)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (f"{ID}\n", "")
    started(session(as_json=True), JOB)
    assert capsys.readouterr().out.split() == ["{", '"correlation_id":', f'"{ID}"', "}"]
