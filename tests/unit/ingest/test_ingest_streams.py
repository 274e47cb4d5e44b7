"""A file read as UTF-8: whatever its encoding, a reader gets as many bytes as it asks for, and whole characters."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelbus.evaluator.ingest import Limits
from modelbus.evaluator.ingest.sources.text_stream import CHUNK_BYTES, Utf8Stream
from modelbus.evaluator.ingest.sources.text_survey import SurveyedStream
from modelbus.shared.errors import ModelbusError
from tests.unit.ingesting import ingested

_TEXTS = st.text(alphabet='ab,\n"\u00e9\u20ac', max_size=60)
_LIMITS = Limits(column_limit=2000, line_limit_bytes=1024)


@given(text=_TEXTS, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]), size=st.integers(1, 9))
@example(text="aé€" * 20, encoding="utf-8", size=4)
@example(text="a" * 40 + "é", encoding="cp1252", size=9)
def test_each_read_but_the_last_one_gives_what_was_asked_for(text: str, encoding: str, size: int) -> None:
    source = io.BytesIO(text.encode(encoding))
    declared = encoding.removesuffix("-sig")
    makers: list[Callable[[], Utf8Stream]] = [
        lambda: Utf8Stream(source, encoding),
        lambda: SurveyedStream(source, delimiter=b",", encoding=declared, limits=_LIMITS),
    ]
    for make in makers:
        stream = make()  # rewinds the file
        reads = list(iter(partial(stream.read, size), b""))
        assert all(len(read) == size for read in reads[:-1])
        assert b"".join(reads).decode() == text


@given(text=_TEXTS, size=st.integers(1, 9), pieces=st.integers(1, 9))
def test_a_reader_has_whole_characters_when_the_file_ends_inside_one(text: str, size: int, pieces: int) -> None:
    stream = SurveyedStream(io.BytesIO(text.encode() + b"\xe2\x82"), delimiter=b",", encoding="utf-8", limits=_LIMITS)
    reads = [stream.read(size) for _ in range(pieces)]
    rest = list(iter(partial(stream.read, size), b""))
    assert b"".join(reads + rest).decode() == text
    with pytest.raises(ModelbusError, match="is not UTF-8"):
        stream.finish(lambda: None)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("line", [0, CHUNK_BYTES // 17])
def test_a_large_file_may_have_few_characters_beyond_ascii(
    tmp_path: Path, encoding: str, count: int, line: int
) -> None:
    # the bytes that they take in UTF-8 beyond what was read at once were a piece of their own, without a line's end
    lines = ["1234567,abcdefgh\n"] * (3 * CHUNK_BYTES // 17)
    lines[line] = f"1234567,{'é' * count:x>8}\n"
    table, frame = ingested(tmp_path, ("a,b\n" + "".join(lines)).encode(encoding))
    assert table.row_count == len(lines)
    assert frame["b"][line] == f"{'é' * count:x>8}"
