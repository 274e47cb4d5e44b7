"""Columns that stayed text although nearly all of their cells are numbers, dates or booleans, and the reason.

Every cell counts for a column's type, so that one odd cell makes text of a million numbers. The alerts name
those cells with their lines and the option that reads the column. Only columns whose sampled texts look so are gone
through once more: plain text costs next to nothing.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelbus.evaluator.ingest.cells.booleans import boolean_words
from modelbus.evaluator.ingest.cells.numerals import DIGITS_AND_SIGNS, has_leading_zero
from modelbus.evaluator.ingest.cells.texts import other_bytes, try_cast
from modelbus.evaluator.ingest.odd_cells.beyond_range import are_beyond_range
from modelbus.evaluator.ingest.odd_cells.comment_rows import comment_mark, find_comments
from modelbus.evaluator.ingest.odd_cells.date_forms import are_dates, likely_date_format
from modelbus.evaluator.ingest.odd_cells.mending import (
    NO_COMMENTS,
    NOTHING_GIVEN,
    Comments,
    are_numbers_otherwise,
    boolean_alert,
    date_alert,
    number_alert,
    shared_alert,
)
from modelbus.evaluator.ingest.odd_cells.odd_cells import OddCells, find_odd_cells
from modelbus.evaluator.ingest.table import ColumnPlan
from modelbus.shared.contracts import NumberForm, ParseOptions
from modelbus.shared.contracts.commands.datasets import TableFormat
from modelbus.shared.contracts.records.dataset_records import Alert, ColumnSchema
from modelbus.shared.tabular.cells.foreign_characters import cells_in_plain_characters, in_plain_characters
from modelbus.shared.tabular.cells.likely_forms import NUMBER_FRACTION, LikelyNumbers, likely_numbers
from modelbus.shared.tabular.cells.marks import MISSING_MARKS
from modelbus.shared.tabular.cells.written_numbers import are_written_so
from modelbus.shared.tabular.cells.zero_padding import LEADING_ZERO, ZeroPadding
from modelbus.shared.tabular.tables.row_groups import read_group

_DELIMITED: Final = ("csv", "tsv")
_SAMPLED_TEXTS: Final = 300
_SAMPLED_GROUPS: Final = 8
_FEWEST_FRACTION: Final = NUMBER_FRACTION / 2
"""With fewer numbers than this, the sample was not typical of the column."""
_COLUMN_LIMIT: Final = 300
"""Maximum number of columns that are examined closely."""
_REPLACED: Final = frozenset({"identifier_like", "date_like_text", "rare_classes", "class_imbalance"})
"""Alerts that are wrong of a column that is none of text: it is not to be left out, nor does it hold classes."""

LinesOf = Callable[[Collection[int]], dict[int, int]]


@dataclass(frozen=True)
class WrittenTable:
    """A dataset that was written, and the file that it was made of."""

    path: Path
    """Its Parquet file."""
    plans: Sequence[ColumnPlan]
    format: TableFormat
    delimiter: str | None
    lines_of: LinesOf
    """The line of each of some rows of the dataset; none where the file has no lines."""
    number_like: Collection[str]
    """Columns of text whose sampled values may be numbers or dates."""
    marks: tuple[str, ...] = MISSING_MARKS
    """Cells that mean "no value" among numbers."""
    options: ParseOptions = NOTHING_GIVEN
    """The options of the upload."""


def with_almost_typed(alerts: Sequence[Alert], columns: Sequence[ColumnSchema], table: WrittenTable) -> list[Alert]:
    """The alerts, and one for each column that stayed text for a few cells, in place of what is wrong of such a column.

    Args:
        alerts: What was noticed already.
        columns: The columns' profile.
        table: The dataset.
    """
    found = almost_typed_alerts(columns, table)
    told = {name for names, _ in found for name in names}
    kept = [alert for alert in alerts if alert.column not in told or alert.code not in _REPLACED]
    return [*kept, *(alert for _, alert in found)]


def almost_typed_alerts(columns: Sequence[ColumnSchema], table: WrittenTable) -> list[tuple[list[str], Alert]]:
    """An alert for each such column, or for all that the same rows keep text, with the names of those columns."""
    suspects = [
        schema
        for plan, schema in zip(table.plans, columns, strict=True)
        if plan.type == "text" and not plan.is_declared and schema.type == "text"
    ]
    if not suspects:
        return []
    with pq.ParquetFile(str(table.path)) as file:
        comments = find_comments(_cells(file, table.plans[0].name)) if _may_have_comments(table) else {}
        found = (_look(file, schema, table, comments) for schema in suspects)
        looks = [look for look in found if look is not None][:_COLUMN_LIMIT]
    lines = table.lines_of({row for look in looks for row in look.rows})
    return _told(looks, lines, table, comments)


def _may_have_comments(table: WrittenTable) -> bool:
    first = table.plans[0]
    return table.format in _DELIMITED and first.type == "text" and not first.is_declared


@dataclass(frozen=True)
class _Look:
    """One column that is nearly of another type than text."""

    odd: OddCells
    kind: str
    """numbers, dates or booleans."""
    numbers: LikelyNumbers | None = None
    date_format: str | None = None

    @property
    def has_other_numbers(self) -> bool:
        """Whether its odd cells are numbers too, written in another way: hardly those of a second header."""
        return self.numbers is not None and are_numbers_otherwise(self.odd, self.numbers.form)

    @property
    def rows(self) -> list[int]:
        shown = [*self.odd.first, *([self.odd.example] if self.odd.example else [])]
        return [*self.odd.rows, *(row for row, _ in shown)]


def _look(file: pq.ParquetFile, schema: ColumnSchema, table: WrittenTable, comments: Collection[int]) -> _Look | None:
    words = boolean_words({str(one["value"]): one["count"] for one in schema.top}, schema.distinct)
    if words is not None:
        odd = _odd(file, schema.name, table, lambda cells: pc.is_in(pc.ascii_lower(cells), value_set=pa.array(words)))
        return _Look(odd, "booleans") if odd.count and _fraction(odd, comments) >= NUMBER_FRACTION else None
    if schema.name not in table.number_like:
        return None
    sample = _sample(file, schema.name, comments)
    numbers = likely_numbers(sample)
    if numbers is not None:
        return _look_at_numbers(file, schema.name, table, numbers, _percent_fraction(sample))
    date_format = likely_date_format(sample)
    if date_format is None:
        return None
    odd = _odd(file, schema.name, table, lambda cells: are_dates(cells, date_format))
    return _Look(odd, "dates", None, date_format) if odd.count and _fraction(odd, comments) >= NUMBER_FRACTION else None


def _fraction(odd: OddCells, comments: Collection[int]) -> float:
    """How many of the cells with a value are of the type, those of the first comments left out."""
    others = odd.value_count - sum(row in comments for row in odd.rows)
    return (odd.value_count - odd.count) / others if others else 0.0


def _percent_fraction(sample: Counter[str]) -> float:
    """How many of the texts have a percent sign."""
    return sum(count for text, count in sample.items() if "%" in in_plain_characters(text)) / sample.total()


def _look_at_numbers(
    file: pq.ParquetFile, name: str, table: WrittenTable, numbers: LikelyNumbers, percent_fraction: float
) -> _Look | None:
    padding = ZeroPadding()
    is_percent_mixed = numbers.form.percent == "number"

    def are_numbers(cells: pa.Array) -> pa.Array:
        if numbers.form == NumberForm() and _are_sure_numbers(cells):
            padding.add(_lengths(cells), are_padded=False)
            return pa.array(np.ones(len(cells), dtype=bool))
        cells = cells_in_plain_characters(cells)
        is_padded = pc.match_substring_regex(cells, pattern=LEADING_ZERO)
        padding.add(_lengths(cells.filter(is_padded)), are_padded=True)
        padding.add(_lengths(cells.filter(pc.invert(is_padded))), are_padded=False)
        are_odd = pc.or_(is_padded, are_beyond_range(cells)) if numbers.form == NumberForm() else is_padded
        if is_percent_mixed:  # those of the rarer kind
            has_percent = pc.match_substring(cells, "%")
            are_odd = pc.or_(are_odd, pc.invert(has_percent) if percent_fraction > 0.5 else has_percent)
        return pc.and_(are_written_so(cells, numbers.form), pc.invert(are_odd))

    odd = _odd(file, name, table, are_numbers)
    if padding.are_codes or odd.fraction < _FEWEST_FRACTION:
        return None
    is_plain_throughout = not odd.count and numbers.form.is_plain and numbers.form.decimal_mark == "."
    # of text formats the narrowing has said why: numbers that are too long; in the others text was given as text
    if is_plain_throughout and table.format in _DELIMITED:
        return None
    return _Look(odd, "numbers", numbers)


def _lengths(cells: pa.Array) -> list[tuple[int, int]]:
    counts = pc.value_counts(pc.utf8_length(cells)).to_pylist()
    return [(one["values"], one["counts"]) for one in counts]


def _are_sure_numbers(cells: pa.Array) -> bool:
    """Whether all cells are plain numbers, found fast."""
    return (
        not other_bytes(cells, DIGITS_AND_SIGNS + b".eE")
        and not has_leading_zero(cells)
        and try_cast(cells, pa.float64()) is not None
        and not pc.any(are_beyond_range(cells)).as_py()
    )


def _odd(file: pq.ParquetFile, name: str, table: WrittenTable, are_fit: Callable[[pa.Array], pa.Array]) -> OddCells:
    return find_odd_cells(name, _cells(file, name), table.marks, are_fit)


def _cells(file: pq.ParquetFile, name: str) -> Iterator[pa.Array]:
    for number in range(file.num_row_groups):
        yield from read_group(file, number, [name]).column(0).chunks


def _sample(file: pq.ParquetFile, name: str, left_out: Collection[int]) -> Counter[str]:
    """Some hundred texts of a column, from each part of the file, those of some rows left out."""
    step = -(-file.num_row_groups // _SAMPLED_GROUPS)
    per_group = max(1, _SAMPLED_TEXTS * step // file.num_row_groups)
    counts: Counter[str] = Counter()
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    for number in range(0, file.num_row_groups, step):
        cells = read_group(file, number, [name]).column(0)
        if left_out:
            rows = np.arange(len(cells)) + sum(sizes[:number])
            cells = cells.filter(pa.array(~np.isin(rows, list(left_out))))
        cells = cells.drop_null()
        every = max(1, len(cells) // per_group)
        counts.update(cells.take(pa.array(range(0, len(cells), every))).to_pylist())
    return counts


def _told(
    looks: Sequence[_Look], lines: dict[int, int], table: WrittenTable, comments: Mapping[int, str]
) -> list[tuple[list[str], Alert]]:
    """One alert for columns that the same few rows keep text, one for each of the others."""
    by_rows: dict[tuple[int, ...], list[_Look]] = {}
    for look in looks:
        is_alone = not look.odd.count or look.has_other_numbers
        by_rows.setdefault((0, id(look)) if is_alone else (look.odd.count, *look.odd.rows), []).append(look)
    found = []
    for same in by_rows.values():
        if len(same) > 1 and same[0].odd.count == len(same[0].odd.rows):
            marks = [comments.get(row) for row in same[0].odd.rows]
            alert = shared_alert([look.odd for look in same], lines, marks[0] if None not in marks else None)
            found.append(([look.odd.name for look in same], alert))
        else:
            found += [([look.odd.name], _alert(look, lines, table, comments)) for look in same]
    return found


def _alert(look: _Look, lines: dict[int, int], table: WrittenTable, comments: Mapping[int, str]) -> Alert:
    odd = look.odd
    of_comments = _comments_among(odd, comments, is_first=odd.name == table.plans[0].name)
    if look.kind == "booleans":
        return boolean_alert(odd, lines, of_comments)
    if look.numbers is None:
        return date_alert(odd, look.date_format or "", lines, of_comments)
    has_file_options = table.format in _DELIMITED
    return number_alert(
        odd, look.numbers.form, lines, has_file_options=has_file_options, comments=of_comments, given=table.options
    )


def _comments_among(odd: OddCells, comments: Mapping[int, str], *, is_first: bool) -> Comments:
    """Those odd cells of a column that are parts of comments."""
    texts = {text for row, text in odd.first if row in comments}
    if not texts:
        return NO_COMMENTS
    if is_first:
        texts |= {text for text in odd.texts if comment_mark(text) is not None}
    return Comments(next(comments[row] for row, _ in odd.first if row in comments), frozenset(texts))
