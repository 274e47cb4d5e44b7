"""Comments that have as many fields as the rows: told as comments, never as marks of missing values."""

from pathlib import Path

import pytest

from modelbus.evaluator.ingest.odd_cells.comment_rows import comment_mark
from tests.unit.ingesting import ingested, read, types

ROWS = [f"{number},{number % 7}" for number in range(30)]


@pytest.mark.parametrize(
    "comment",
    ["# note, 3", "#note, x", "# a, b", "  # a,3", "// a,3", "% of all,3", "## a,", "# 12,3"],
)
@pytest.mark.parametrize("rows", [ROWS, ["1,2", "3,4"], ["x,2", "y,4"], ["x,2024-01-31", "y,2024-02-01"]])
def test_a_comment_among_the_rows_is_told_with_its_option(tmp_path: Path, comment: str, rows: list[str]) -> None:
    half = len(rows) // 2
    text = "\n".join(["n,t", *rows[:half], comment, *rows[half:]]) + "\n"

    table, _ = ingested(tmp_path, text)
    mark = comment_mark(comment.partition(",")[0]) or ""
    alerts = [alert for alert in table.alerts if alert.code in ("number_like_text", "date_like_text")]
    mended, cells = read(tmp_path, text, comment=mark)
    plain, expected = ingested(tmp_path, "\n".join(["n,t", *rows]) + "\n")

    if types(table) != types(plain):
        assert alerts, table
        assert any(f"comment={mark!r}" in alert.message for alert in alerts), alerts
        assert any(f"line {half + 2}" in alert.message for alert in alerts), alerts
    assert not any("missing_marks" in alert.message or "total" in alert.message for alert in alerts), alerts
    assert cells == expected
    assert types(mended) == types(plain)


@pytest.mark.parametrize("odd", ["#DIV/0!", "#N/K", "#REF!", "#NAME?"])
def test_errors_of_spreadsheets_are_no_comments(tmp_path: Path, odd: str) -> None:
    table, _ = ingested(tmp_path, "\n".join(["n,t", *ROWS[:9], f"{odd},3", *ROWS[9:]]))

    [message] = [alert.message for alert in table.alerts if alert.column == "n"]
    assert f'missing_marks=["{odd}"]' in message
    assert "comment" not in message


def test_hashtags_are_no_comments(tmp_path: Path) -> None:
    table, _ = ingested(tmp_path, "tag,n\n#a,1\n#b,2\n#c,oops\n#d,3\n" + "".join(f"#t,{k}\n" for k in range(30)))

    assert not any("comment" in alert.message for alert in table.alerts)
