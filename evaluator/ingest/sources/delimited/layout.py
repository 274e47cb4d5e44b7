"""How delimited text is laid out: titles and comments above the header, units below it, what separates fields.

It is inferred from the file's beginning. Where one meaning alone is possible, the file is read so, with a warning; else
one sentence says what it looks like, and which option reads it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from modelbus.evaluator.ingest.faults import Fault
from modelbus.evaluator.ingest.sources.delimited.rewriting import BETWEEN_SPACES, LineRewriter, LineRules
from modelbus.evaluator.ingest.sources.delimited.sampled_records import (
    SampledRecord,
    are_units,
    has_numbers,
    is_above_numbers,
    numeric_columns,
    read_records,
)
from modelbus.evaluator.ingest.sources.dialect import (
    DELIMITERS,
    NO_DELIMITER,
    find_delimiter,
    is_hint,
    likely_delimiters,
)
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.contracts.commands.datasets import SPACES

_RUN_WITHIN: Final = re.compile(r"\S {2,}\S")
_HEAD_LIMIT: Final = 30
"""Records of a title and what belongs to it, at most."""
_SAME_FRACTION: Final = 0.9
_SHOWN_LENGTH: Final = 60


@dataclass(frozen=True)
class Layout:
    """How a file is laid out."""

    delimiter: str | None
    """Between the fields; absent for a single column. `spaces` means runs of spaces and tabs."""
    rules: LineRules
    """What to rewrite before the text is read."""
    skip_below_header: int = 0
    """Records below the header that are skipped."""
    warnings: tuple[str, ...] = ()
    """What was found out, where it is not what a plain table has."""
    cause: Fault | None = None
    """What the text looks like, if it turns out not to be a table."""

    @property
    def separator(self) -> str | None:
        """What separates the fields of the rewritten text."""
        return BETWEEN_SPACES if self.delimiter == SPACES else self.delimiter


def find_layout(sample: str, options: ParseOptions) -> Layout:
    """Find the layout.

    Args:
        sample: The file's first complete lines.
        options: The options of the upload.
    """
    given = LineRules(
        b",",
        skip_lines=options.skip_lines or 0,
        comment=options.comment.encode() if options.comment else None,
        skip_initial_space=bool(options.skip_initial_space),
        has_quotes=options.has_quotes,
    )
    hint, sample = _without_hint(sample)
    if options.delimiter is None and hint is not None:
        options = options.model_copy(update={"delimiter": hint})
    text = _rewritten(sample, replace(given, skip_initial_space=False))
    # a quote behind a space is one, as far as the number of fields goes
    looked_at = replace(given, skip_initial_space=options.skip_initial_space is not False and options.has_quotes)
    delimiter, top = _delimiter_and_top(text, options, looked_at)
    rules = replace(given, delimiter=_byte_of(delimiter), is_spaced=delimiter == SPACES)
    if top.skip_lines:
        rules = replace(rules, skip_lines=top.skip_lines)
    layout = Layout(delimiter, rules, warnings=top.warnings, cause=top.cause)
    if delimiter == SPACES and options.delimiter is None:
        layout = _warned(layout, "the columns are separated by runs of spaces")
    layout = _with_initial_space(layout, sample, options)
    return _with_rows(layout, sample, options)


@dataclass(frozen=True)
class _Top:
    """What is above the header."""

    skip_lines: int = 0
    warnings: tuple[str, ...] = ()
    cause: Fault | None = None


def _without_hint(sample: str) -> tuple[str | None, str]:
    """Excel's word about the delimiter (`sep=;`), and the sample with a blank line in its place."""
    first = sample.splitlines(keepends=True)[:1]
    if not first or not is_hint(first[0].encode()):
        return None, sample
    return find_delimiter(first[0]), sample[len(first[0].rstrip("\r\n")) :]


def _byte_of(delimiter: str | None) -> bytes:
    return (BETWEEN_SPACES if delimiter == SPACES else delimiter or NO_DELIMITER).encode()


def _rewritten(sample: str, rules: LineRules) -> str:
    if not rules.are_needed:
        return sample
    rewriter = LineRewriter(rules)
    lines = sample.encode("utf-8", "surrogatepass").splitlines(keepends=True)
    return b"".join(map(rewriter.rewritten, lines)).decode("utf-8", "surrogatepass")


def _read(text: str, delimiter: str, given: LineRules) -> list[SampledRecord]:
    if delimiter == SPACES:
        rules = LineRules(BETWEEN_SPACES.encode(), is_spaced=True, has_quotes=given.has_quotes)
        return read_records(_rewritten(text, rules), BETWEEN_SPACES, has_quotes=given.has_quotes)
    return read_records(text, delimiter, has_quotes=given.has_quotes, skip_initial_space=given.skip_initial_space)


def _delimiter_and_top(text: str, options: ParseOptions, given: LineRules) -> tuple[str | None, _Top]:
    if options.delimiter is not None:
        return options.delimiter, _find_top(_read(text, options.delimiter, given), options)
    plain = find_delimiter(text)
    records = _read(text, plain, given) if plain is not None else []
    if plain is not None and _are_even(records):
        return plain, _find_top(records, options)
    # a title may well have a comma that no other line has
    for delimiter in likely_delimiters(text):
        tried = _read(text, delimiter, given)
        top = _find_top(tried, options)
        if top.skip_lines and _evenness(_behind(tried, top))[0] >= _SAME_FRACTION:
            return delimiter, top
    if plain is not None:
        return plain, _find_top(records, options)
    spaced = _read(text, SPACES, given)
    top = _find_top(spaced, options)
    if _are_spaced_numbers(_behind(spaced, top), options):
        return SPACES, top
    single = _find_top(_read(text, NO_DELIMITER, given), options)
    return None, single if single.skip_lines else _of_spaces(text, spaced)


def _are_even(records: Sequence[SampledRecord]) -> bool:
    return len({len(record.fields) for record in records}) == 1


def _evenness(records: Sequence[SampledRecord]) -> tuple[float, int]:
    """The fraction of the records that have as many fields as most, and how many that are; 0 for a single one."""
    width, count = _usual_width(records)
    return (count / len(records), width) if width > 1 else (0.0, 0)


def _usual_width(records: Sequence[SampledRecord]) -> tuple[int, int]:
    widths = Counter(len(record.fields) for record in records)
    return max(widths.items(), key=lambda one: (one[1], one[0])) if widths else (0, 0)


def _behind(records: Sequence[SampledRecord], top: _Top) -> Sequence[SampledRecord]:
    return [record for record in records if record.line > top.skip_lines]


def _find_top(records: Sequence[SampledRecord], options: ParseOptions) -> _Top:
    """What is above the header, among the records of a sample."""
    if options.skip_lines is not None or len(records) < 2:
        return _Top()
    width = _body_width(records)
    comments = _comment_count(records, width, options)
    titles = _titles(records[comments:], width, options)
    if not comments:
        return titles
    skip_lines = titles.skip_lines or records[comments].line - 1
    return replace(titles, skip_lines=skip_lines, warnings=(_of_comments(records[:comments]), *titles.warnings))


def _of_comments(records: Sequence[SampledRecord]) -> str:
    if len(records) == 1:
        return f"line {records[0].line} begins with '#' and is skipped as a comment"
    return f"lines {records[0].line} to {records[-1].line} begin with '#' and are skipped as comments"


def _body_width(records: Sequence[SampledRecord]) -> int:
    """How many fields the records have below whatever is at the top."""
    unmarked = [record for record in records if not record.is_marked] or records
    return _usual_width(unmarked[len(unmarked) // 2 :])[0]


def _comment_count(records: Sequence[SampledRecord], width: int, options: ParseOptions) -> int:
    """How many records at the beginning are comments."""
    count = next((index for index, record in enumerate(records) if not record.is_marked), 0)
    if not count or options.comment is not None:
        return 0
    # `#id,name` may be the header: it is one where it has as many fields as the rows, and no other header follows
    if options.has_header:
        may_be_header = len(records[count - 1].fields) == width
        return count - 1 if may_be_header and not is_above_numbers(records[count], records[count + 1 :]) else count
    # without a header, what is as wide as the rows is a row, but for words above numbers
    while (
        count and len(records[count - 1].fields) == width and not is_above_numbers(records[count - 1], records[count:])
    ):
        count -= 1
    return count


def _titles(records: Sequence[SampledRecord], width: int, options: ParseOptions) -> _Top:
    """Records above the header that have other fields than the rows."""
    first = records[0]
    if width < 2 or not options.has_header or not _is_title(first, width):
        return _Top()
    wide = [one for one in records if len(one.fields) == width]
    if len(first.fields) == width - 1 and not any(one.fields[-1].strip() for one in wide):
        return _Top()  # rows that end with a delimiter
    index = next((index for index, one in enumerate(records[:_HEAD_LIMIT]) if not _is_title(one, width)), None)
    if index is None or index + 1 >= len(records):
        return _Top()
    header, body = records[index], records[index + 1 :]
    if sum(len(one.fields) == width for one in body) < _SAME_FRACTION * len(body):
        return _Top()  # ragged rows
    skip_lines = header.line - 1
    shown = first.text.rstrip(f"{DELIMITERS} ")[:_SHOWN_LENGTH]
    if is_above_numbers(header, body):
        place_words = f"line {first.line} is" if index == 1 else f"lines {first.line} to {skip_lines} are"
        return _Top(skip_lines, (f"{place_words} skipped as a title above the header: {shown!r}",))
    if len(first.fields) == width:
        return _Top()
    problem = (
        f"{_fields(len(first.fields))}, {shown!r}, where the records below have {width}: it looks like a title above "
        f"the header, or a header with missing names"
    )
    expected = f"skip_lines={skip_lines} to skip it, or a name for each column"
    return _Top(cause=Fault(first.line, problem, expected))


def _is_title(record: SampledRecord, width: int) -> bool:
    """Whether a record cannot be the header: it has another number of fields than the rows, or fills only its first."""
    filled = [index for index, field in enumerate(record.fields) if field.strip()]
    is_padded = filled == [0] and width > 1 and len(record.fields) == width
    return is_padded or len(record.fields) != width


def _are_spaced_numbers(records: Sequence[SampledRecord], options: ParseOptions) -> bool:
    """Whether runs of spaces certainly separate columns: all rows have as many, most of them numbers."""
    if len(records) < 2 or not _are_even(records) or len(records[0].fields) < 2:
        return False
    width = len(records[0].fields)
    body = records[1:] if options.has_header else records
    if options.has_header and has_numbers(records[0]):
        return False
    numeric = len(numeric_columns(body))
    return numeric == width or (width > 2 and numeric * 2 >= width)


def _of_spaces(text: str, records: Sequence[SampledRecord]) -> _Top:
    """The warning about a single column whose lines all have the same number of parts."""
    width = len(records[0].fields) if records else 0
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and not _are_even(records) and sum(map(_has_run, lines)) >= _SAME_FRACTION * len(lines):
        warning = (
            "the lines look like fixed-width columns whose values contain spaces, and are read as a single column; put "
            "a delimiter between the columns, or quote such values and set delimiter=spaces"
        )
        return _Top(warnings=(warning,))
    if len(records) > 2 and records[0].is_marked and _are_even(records[1:]) and len(records[1].fields) > 1:
        warning = (
            f"the lines below the first one have {len(records[1].fields)} parts separated by spaces; if they are "
            "columns, set delimiter=spaces with comment='#' and has_header=false"
        )
        return _Top(warnings=(warning,))
    if len(records) < 2 or width < 2 or not _are_even(records):
        return _Top()
    warning = f"each line has {width} parts separated by spaces; if they are columns, set delimiter=spaces"
    return _Top(warnings=(warning,))


def _has_run(line: str) -> bool:
    return _RUN_WITHIN.search(line) is not None


def _with_initial_space(layout: Layout, sample: str, options: ParseOptions) -> Layout:
    """Ignore spaces behind delimiters where quotes follow them and all records then have the same width."""
    if options.skip_initial_space is not None or not options.has_quotes or layout.delimiter in (None, SPACES, " "):
        return layout
    assert layout.delimiter is not None
    if f'{layout.delimiter} "' not in sample.replace("  ", " ") and not sample.lstrip("\r\n").startswith(' "'):
        return layout
    text = _rewritten(sample, layout.rules)
    records = read_records(text, layout.delimiter, skip_initial_space=True, is_strict=True)
    plain = read_records(text, layout.delimiter)
    has_spaced_quote = any(field.lstrip().startswith('"') for record in plain for field in record.fields)
    if not records or not has_spaced_quote or _evenness(records)[0] < _SAME_FRACTION:
        return layout
    rules = replace(layout.rules, skip_initial_space=True)
    warning = "quotes follow a delimiter and a space; such spaces are skipped"
    return _warned(replace(layout, rules=rules), warning)


def _with_rows(layout: Layout, sample: str, options: ParseOptions) -> Layout:
    """Look at the row below the header, and at the ends of the rows."""
    separator = layout.separator or NO_DELIMITER
    records = read_records(_rewritten(sample, layout.rules), separator, has_quotes=options.has_quotes)
    if len(records) < 2 or not options.has_header:
        return replace(layout, skip_below_header=options.skip_below_header or 0)
    header, body = records[0], records[1:]
    width = len(header.fields)
    if layout.delimiter != SPACES and all(len(one.fields) == width + 1 and not one.fields[-1].strip() for one in body):
        rules = replace(layout.rules, end_delimiter=width)
        warning = "each row ends with a delimiter that the header lacks; it is ignored"
        layout = _warned(replace(layout, rules=rules, cause=None), warning)
    if options.skip_below_header is not None:
        return replace(layout, skip_below_header=options.skip_below_header)
    if len(body) > 1 and are_units(body[0]) and is_above_numbers(body[0], body[1:]):
        shown = next(field.strip() for field in body[0].fields if field.strip())
        layout = _warned(
            replace(layout, skip_below_header=1), f"line {body[0].line} holds units, such as {shown!r}, and is skipped"
        )
    return layout


def _warned(layout: Layout, warning: str) -> Layout:
    return replace(layout, warnings=(*layout.warnings, warning))


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
