"""The lines of records, counted by chunks: the same as the scanner of records says."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelbus.evaluator.ingest.sources.delimited import record_lines
from modelbus.evaluator.ingest.sources.delimited.quoted_records import RecordRules, RecordScanner, lines_of_rows
from modelbus.evaluator.ingest.sources.delimited.record_lines import lines_of_records
from modelbus.evaluator.ingest.sources.text_stream import Utf8Stream, chunks, physical_lines

RECORDS = st.sampled_from(
    ["1,x\n", '"a\nb",2\n', '3,"y ""z"" \n\n"\n', "\n", "   \n", " 4,5\n", ",\n", '"",""\n', "é,ü\n"]
)


@settings(max_examples=300, deadline=None)
@given(
    records=st.lists(RECORDS, max_size=30), ends=st.booleans(), size=st.integers(1, 40), first_line=st.integers(1, 9)
)
def test_lines_are_counted_as_the_scanner_counts_them(
    records: list[str], ends: bool, size: int, first_line: int
) -> None:
    data = "".join(records).encode().removesuffix(b"" if ends else b"\n")
    wanted = range(len(records))
    rules = RecordRules(b",", ["a", "b"], 10**6)
    scanner = RecordScanner(physical_lines(Utf8Stream(io.BytesIO(data), "utf-8")), rules, first_line=first_line)
    expected = lines_of_rows(scanner, wanted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_lines, "chunks", lambda stream: chunks(stream, size))
        stream = Utf8Stream(io.BytesIO(data), "utf-8")
        assert lines_of_records(stream, wanted, first_line=first_line, has_quotes=True) == expected


def test_text_with_carriage_returns_is_left_to_the_scanner() -> None:
    stream = Utf8Stream(io.BytesIO(b"1,2\r3,4\r\n"), "utf-8")

    assert lines_of_records(stream, [1], first_line=2, has_quotes=True) is None
