"""An error about a limit names the setting that raises it."""

import re
from pathlib import Path

import pytest

from modelbus.evaluator.ingest.faults import too_long, too_many_columns
from modelbus.shared.bus.transport import MalformedEnvelope, open_envelope
from modelbus.shared.settings import Settings
from tests.problems import assert_is_problem
from tests.unit.gateway.conftest import served

ROOT = Path(__file__).parents[3]
ROOMS = ("shared", "gateway", "trainer", "predictor", "evaluator")
NO_SETTINGS = {"MODELBUS_URL", "MODELBUS_SECRETS_DIR"}
"""Read before there are settings."""
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/datasets?name=any", "/datasets/preview"])
@pytest.mark.parametrize("kind", ["text/csv", "multipart/form-data; boundary=b"])
async def test_a_file_that_is_too_large_is_refused_by_the_setting(path: str, kind: str) -> None:
    async with served(upload_limit_bytes=10) as gateway:
        answer = await gateway.ask("POST", path, b"a" * 100_000, {"Content-Type": kind})

    assert_is_problem(answer, 413, "limit_exceeded")
    assert "raise MODELBUS_UPLOAD_LIMIT_BYTES" in answer.detail


async def test_a_command_that_is_too_large_is_refused_by_the_setting() -> None:
    async with served(message_limit_bytes=2048) as gateway:
        answer = await gateway.ask("POST", "/models", b'{"model": "' + b"x" * 2000 + b'"}', JSON)

    assert_is_problem(answer, 413, "limit_exceeded")
    assert "half of MODELBUS_MESSAGE_LIMIT_BYTES" in answer.detail


async def test_too_many_rows_are_refused_by_the_setting() -> None:
    async with served(predict_rows_limit=2) as gateway:
        answer = await gateway.ask("POST", "/models/any/predict", {"rows": [{"a": 1}] * 3})

    assert_is_problem(answer, 413, "limit_exceeded")
    assert "raise MODELBUS_PREDICT_ROWS_LIMIT" in answer.detail


def test_a_table_and_a_message_beyond_their_limits_are_refused_by_the_settings() -> None:
    with pytest.raises(MalformedEnvelope, match="MODELBUS_MESSAGE_LIMIT_BYTES"):
        open_envelope(b" " * 100, "train", 10)
    assert "MODELBUS_COLUMN_LIMIT" in too_many_columns(11, 10).message
    assert "MODELBUS_LINE_LIMIT_BYTES" in too_long(3, 10).message


def test_every_setting_that_a_sentence_names_is_one() -> None:
    known = {f"MODELBUS_{name.upper()}" for name in Settings.model_fields} | NO_SETTINGS
    named = {
        setting: path.name
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for setting in re.findall(r"MODELBUS_[A-Z_]*[A-Z]", path.read_text())
    }

    assert {setting: place for setting, place in named.items() if setting not in known} == {}
