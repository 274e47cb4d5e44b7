"""How gravely the end of a job is logged: one function says it, wherever a job ends."""

import logging
from pathlib import Path

import pytest

from modelbus.shared.contracts.records.job_records import JobStatus
from modelbus.shared.errors import error_types
from modelbus.shared.worker.finishing import level_of

ROOT = Path(__file__).parents[3]
GRAVE = {"crashed", "internal", "out_of_memory", "timed_out"}


@pytest.mark.parametrize("code", sorted({kind.code for kind in error_types()}))
def test_a_failed_job_is_a_warning_and_one_that_a_limit_or_a_crash_ended_an_error(code: str) -> None:
    assert level_of("failed", code) == (logging.ERROR if code in GRAVE else logging.WARNING)
    assert level_of("dead", code) == logging.ERROR


@pytest.mark.parametrize("status", ["succeeded", "cancelled", "running", "queued"])
def test_what_went_as_it_was_meant_to_is_told_and_no_more(status: JobStatus) -> None:
    assert level_of(status, None) == logging.INFO


def test_an_attempt_that_is_repeated_is_a_warning() -> None:
    assert level_of("queued", "store_unavailable") == logging.WARNING


@pytest.mark.parametrize("room", ["gateway", "trainer", "predictor", "evaluator", "shared"])
def test_no_end_is_logged_beside_that_function(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        for line in path.read_text().splitlines():
            is_logged = "log." in line and ('"job.finished"' in line or '"job.failed"' in line)
            assert not is_logged or "log.log(level" in line or 'status="succeeded"' in line, f"{path}: {line}"
