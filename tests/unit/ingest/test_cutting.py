"""The beginning of a file, cut anywhere: its whole lines are what can be read."""

from pathlib import Path

import pytest

from modelbus.evaluator.ingest import cut_last_line
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.errors import MalformedTable

LINES = "a,b\n1,ä\n2,ö\n"


def whole(tmp_path: Path, data: bytes, media_type: str | None = None, **options: str) -> bytes:
    path = tmp_path / "source"
    path.write_bytes(data)
    cut_last_line(path, ParseOptions.model_validate(options), media_type)
    return path.read_bytes()


@pytest.mark.parametrize("beyond", range(1, 6))
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16-le", "utf-16-be"])
def test_a_cut_line_is_taken_off(tmp_path: Path, encoding: str, beyond: int) -> None:
    sound = LINES.encode(encoding)
    data = sound + "3,x".encode(encoding)[:beyond]
    assert whole(tmp_path, data, encoding=encoding) == sound
    assert whole(tmp_path, data, f"text/csv; charset={encoding}") == sound


def test_a_byte_order_mark_tells_as_well(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        sound = LINES.encode(encoding)
        assert whole(tmp_path, sound + b"3") == sound


def test_a_single_line_stays(tmp_path: Path) -> None:
    assert whole(tmp_path, b"a,b") == b"a,b"


def test_the_beginning_of_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable, match="is read as a whole"):
        whole(tmp_path, b"PAR1\x15\x04")
