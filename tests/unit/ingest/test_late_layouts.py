"""How a file is laid out where its first 64 KiB do not show it: handled, or reported with the line and the option."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from modelbus.evaluator.ingest import IngestedTable, Limits
from modelbus.evaluator.ingest.sources.delimited.repeated_header import RepeatedHeader
from modelbus.shared.errors import MalformedTable
from tests.unit.ingesting import read

WIDTH = 300
LIMITS = Limits(column_limit=WIDTH, line_limit_bytes=1024 * 1024)
NAMES = [f"a_long_name_{'of_a_column_' * 20}{number}" for number in range(WIDTH)]
BODY = "".join(f"{number},{number}.5\n" for number in range(8_000))
"""More than 64 KiB."""


def late(tmp_path: Path, text: str, **options: Any) -> tuple[IngestedTable, dict[str, list[Any]]]:
    return read(tmp_path, text, declared={"limits": LIMITS}, **options)


def wide_rows(end: str = "", separator: str = ",") -> str:
    return "".join(separator.join([str(number)] * WIDTH) + end + "\n" for number in range(3))


LONG_HEADERS = {
    "plain": (",".join(NAMES) + "\n" + wide_rows(), ""),
    "a delimiter at the end of each row": (",".join(NAMES) + "\n" + wide_rows(","), "each row ends with a delimiter"),
    "units": (",".join(NAMES) + "\n" + ",".join(["[kg]"] * WIDTH) + "\n" + wide_rows(), "line 2 holds units"),
    "a title": ("Report\n" + ",".join(NAMES) + "\n" + wide_rows(), "line 1 is skipped as a title"),
    "spaces": (" ".join(NAMES) + "\n" + wide_rows(separator="  "), "runs of spaces"),
    "no line feed at the end": (",".join(NAMES) + "\n" + wide_rows(",").rstrip("\n"), "each row ends with a delimiter"),
}


@pytest.mark.parametrize(("text", "warning"), LONG_HEADERS.values(), ids=LONG_HEADERS.keys())
def test_the_layout_below_a_long_header_is_found(tmp_path: Path, text: str, warning: str) -> None:
    table, cells = late(tmp_path, text)

    assert {column.type for column in table.columns} == {"integer"}
    assert [cells[NAMES[0]], cells[NAMES[-1]]] == [[0, 1, 2]] * 2
    assert len(table.columns) == WIDTH
    assert [warning in one for one in table.warnings] == ([True] if warning else [])


def test_the_layout_below_many_comments_is_found(tmp_path: Path) -> None:
    table, cells = late(tmp_path, "# a comment of some length\n" * 4_000 + "id,x\n[s],[kg]\n1,2\n3,4\n")

    assert cells == {"id": [1, 3], "x": [2, 4]}
    assert any("lines 1 to 4000 begin with '#'" in warning for warning in table.warnings)


@pytest.mark.parametrize("word", ["word ", "word\n"])
def test_the_layout_behind_a_long_first_record_is_found(tmp_path: Path, word: str) -> None:
    long = word * 20_000

    _, cells = late(tmp_path, f'id,t\n[s],[m],\n1,"{long}",\n2,x,\n')

    assert cells == {"id": [1, 2], "t": [long, "x"]}


def test_a_header_is_found_again_anywhere(tmp_path: Path) -> None:
    for text in (f"id,x\n{BODY}id,x\n{BODY}", f"id,x\n{BODY}{BODY}id,x\n"):
        table, cells = late(tmp_path, text)

        assert {column.type for column in table.columns} == {"integer", "real"}
        assert len(cells["id"]) == 16_000
        assert any("repeats the header and is skipped" in warning for warning in table.warnings)


def test_a_header_that_comes_alone_in_the_last_block_is_left_out() -> None:
    repeated = RepeatedHeader(["id", "x"], None)
    blocks = [{"id": ["1", "2"], "x": ["a", "b"]}, {"id": ["id"], "x": ["x"]}]

    found = [repeated.without(pa.RecordBatch.from_pydict(block)) for block in blocks]

    assert [batch.num_rows for batch in found] == [2, 0]
    assert repeated.count == 1


def test_a_header_that_a_table_of_text_repeats_is_reported_with_its_line_and_the_option(tmp_path: Path) -> None:
    text = "a,b\n" + "x,y\n" * 20_000 + "a,b\nz,z\n"

    table, cells = late(tmp_path, text)
    again, without = late(tmp_path, text, repeated_header="skip")

    [warning] = [one for one in table.warnings if "repeats the header" in one]
    assert warning == "line 20002 repeats the header and is kept as a row; repeated_header=skip skips such lines"
    assert (len(cells["a"]), len(without["a"])) == (20_002, 20_001)
    assert any("line 20002 repeats the header and is skipped" in one for one in again.warnings)


REFUSED = {
    "delimiters at the ends of rows": (f"id,x\n{BODY}1,2,\n3,4,\n", "the header with a delimiter at its end"),
    "a comment": (f"id,x\n{BODY}# a note\n", "comment='#'"),
    "a title": (f"id,x\n{BODY}Second part\n{BODY}", "1 field; expected 2 fields"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_begins_late_is_refused_with_its_line_and_what_would_be_right(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(MalformedTable) as caught:
        late(tmp_path, text)

    assert "line 8002" in caught.value.message
    assert words in caught.value.message


ALERTS = {
    "a comment as wide as the rows": (f"id,x\n{BODY}# a note,3\n", "comment='#'"),
    "units": (f"id,x\n{BODY}[s],[kg]\n", "line 8002 turns 2 columns into text"),
    "a title that a spreadsheet padded": (f"id,x\n{BODY}Second part,\n", "'Second part' (line 8002)"),
}


@pytest.mark.parametrize(("text", "words"), ALERTS.values(), ids=ALERTS.keys())
def test_what_begins_late_and_is_as_wide_as_the_rows_is_reported_with_its_line(
    tmp_path: Path, text: str, words: str
) -> None:
    table, _ = late(tmp_path, text)

    [message] = [alert.message for alert in table.alerts if alert.code == "number_like_text"]
    assert "line 8002" in message
    assert words in message
