"""What is said of a column that stayed text: the cells that kept it so, their lines, and the option that reads it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelbus.evaluator.ingest.odd_cells.beyond_range import is_beyond_range, is_rounded_by_real
from modelbus.evaluator.ingest.odd_cells.odd_cells import SHOWN_CELLS, OddCells
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.contracts.number_forms import NumberForm
from modelbus.shared.contracts.records.dataset_records import Alert
from modelbus.shared.tabular.cells.foreign_characters import in_plain_characters
from modelbus.shared.tabular.cells.likely_forms import best_form, is_ambiguous, likely_unit
from modelbus.shared.tabular.cells.written_numbers import plain_numeral
from modelbus.shared.tabular.cells.zero_padding import is_padded

_SHOWN_LENGTH: Final = 40
_MARK_LENGTH: Final = 20
_NAMED: Final = 3
_DIGIT = re.compile(r"[0-9]")
_ZEROS_BEFORE: Final = re.compile(r"(?<![0-9.])0+(?=[0-9])")

Lines = Mapping[int, int]
"""The line of a row; rows without one are reported by number."""


@dataclass(frozen=True)
class Comments:
    """Odd cells of rows that look like comments of the file."""

    mark: str = ""
    """What they begin with."""
    texts: frozenset[str] = frozenset()
    """The cells; none where no row looks so."""

    def without(self, texts: Mapping[str, int]) -> dict[str, int]:
        """The other ones of some texts."""
        return {text: count for text, count in texts.items() if text not in self.texts}

    def advice(self, lines: Lines, first: Sequence[tuple[int, str]]) -> list[str]:
        """What can be done about them."""
        if not self.texts:
            return []
        place = next((_place(row, lines) for row, text in first if text in self.texts), "such a row")
        return [f"{place} begins with {self.mark!r}: if it is a comment, comment={self.mark!r} leaves out such lines"]


NO_COMMENTS: Final = Comments()
NOTHING_GIVEN: Final = ParseOptions()


def number_alert(
    odd: OddCells,
    form: NumberForm,
    lines: Lines,
    *,
    has_file_options: bool,
    comments: Comments = NO_COMMENTS,
    given: ParseOptions = NOTHING_GIVEN,
) -> Alert:
    """The alert for a column of numbers that is text.

    Args:
        odd: Its cells that are not numbers of the form.
        form: How most of its numbers are written.
        lines: The lines of the shown rows.
        has_file_options: Whether options for the whole file apply; else those of the column alone do.
        comments: Its odd cells that are parts of comments.
        given: The options of the upload, which the advice does not repeat.
    """
    mended = _mended_form(odd, form)
    sentences = [_statement(odd, _kind(odd, form), lines) + _as_written(form, odd, lines)]
    if mended == NumberForm():
        sentences += [] if odd.count else [f"columns.{odd.name}.type=real reads it"]
    else:
        how = _file_option(mended, given) if has_file_options else _column_option(odd.name, mended)
        reads_all = _reads_all(odd, mended) and not any(map(is_padded, odd.texts))
        if how:
            sentences.append(f"{how} {'read' if ' and ' in how else 'reads'} {'it' if reads_all else 'some of them'}")
        else:
            mended = form  # the given options have not read the others
    sentences += _doubt(mended, odd) + _percent_doubt(mended) + _padded(odd, mended) + comments.advice(lines, odd.first)
    others = comments.without(odd.texts)
    left = {text: count for text, count in others.items() if plain_numeral(text, mended) is None}
    sentences += _beyond_range(odd, mended)
    sentences += _rest(odd.name, left, "real", has_file_options=has_file_options)
    return Alert(code="number_like_text", column=odd.name, message="; ".join(sentences))


def _kind(odd: OddCells, form: NumberForm) -> str:
    """The name of the column's usual cells; percent signs may distinguish them from the others."""
    if form.percent != "number" or odd.example is None:
        return "numbers"
    has_percent = "%" in in_plain_characters(odd.example[1])
    return f"numbers {'with' if has_percent else 'without'} a percent sign"


def _percent_doubt(form: NumberForm) -> list[str]:
    if form.percent != "number":
        return []
    return ["if the cells without a percent sign are fractions (0.12 for 12%), write all cells in one way instead"]


def are_numbers_otherwise(odd: OddCells, form: NumberForm) -> bool:
    """Whether all odd cells are numbers too, by a form that has more than the column's, or with a zero before them."""
    return _reads_all(odd, _mended_form(odd, form))


def _padded(odd: OddCells, form: NumberForm) -> list[str]:
    """What can be done about numbers with zeros before them, which no option of the file reads."""
    numbers = {text: plain for text in odd.texts if is_padded(text) and (plain := plain_numeral(text, form))}
    if not numbers:
        return []
    text, number = next(iter(numbers.items()))
    how = f"columns.{odd.name}.type=real reads such cells as numbers ({text} becomes {_ZEROS_BEFORE.sub('', number)})"
    return [f"{_shown(text)} has a leading zero, as codes have: {how}; if they are codes, the column is right as it is"]


def _beyond_range(odd: OddCells, form: NumberForm) -> list[str]:
    """What can be done about numbers that are too large."""
    texts = [text for text in odd.texts if is_beyond_range(text)] if form == NumberForm() else []
    if not texts:
        return []
    how = f"columns.{odd.name}.type=real"
    found = f"{_shown(texts[0])} is beyond the range of numbers: "
    if all(map(is_rounded_by_real, texts)):
        return [f"{found}{how} reads such cells rounded to 15 digits; if they are codes, the column is right as it is"]
    return [f"{found}{how} with on_bad_rows=skip skips the rows beyond the range of a double"]


def date_alert(odd: OddCells, date_format: str, lines: Lines, comments: Comments = NO_COMMENTS) -> Alert:
    """The alert for a column of dates that is text."""
    statement = _statement(odd, f"dates of the form {date_format}", lines)
    advice = comments.advice(lines, odd.first)
    advice += _rest(odd.name, comments.without(odd.texts), "datetime", has_file_options=True)
    return Alert(code="date_like_text", column=odd.name, message="; ".join([statement, *advice]))


def boolean_alert(odd: OddCells, lines: Lines, comments: Comments = NO_COMMENTS) -> Alert:
    """The alert for a column of two words for yes and no that is text."""
    advice = comments.advice(lines, odd.first)
    advice += _rest(odd.name, comments.without(odd.texts), "boolean", has_file_options=True)
    message = "; ".join([_statement(odd, "booleans", lines), *advice])
    return Alert(code="boolean_like_text", column=odd.name, message=message)


def shared_alert(columns: Sequence[OddCells], lines: Lines, comment_mark: str | None = None) -> Alert:
    """One alert for columns that the same few rows keep text.

    Args:
        columns: Their odd cells.
        lines: The lines of the rows.
        comment_mark: What the rows begin with, if they look like comments.
    """
    first = columns[0]
    places = " and ".join(_place(row, lines) for row in first.rows)
    shown = ", ".join(f"{one.name!r} ({_shown(one.first[0][1])})" for one in columns[:_NAMED])
    more = f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else ""
    verb = "turns" if first.count == 1 else "turn"
    message = f"{places} {verb} {len(columns)} columns into text: {shown}{more}; "
    if comment_mark is not None:
        one = "it is a comment" if first.count == 1 else "they are comments"
        message += f"if {one}, comment={comment_mark!r} leaves out lines that begin so"
    elif first.rows == list(range(len(first.rows))):
        message += f"if this is a second header, such as units, skip_below_header={len(first.rows)} leaves it out"
    else:
        message += (
            f"if it is not a row of the table (a total, for example), remove it, or give the types of the columns ("
            f"such as columns.{first.name}.type=real) with on_bad_rows=skip"
        )
    return Alert(code="number_like_text", column=first.name, message=message)


def _statement(odd: OddCells, kind: str, lines: Lines) -> str:
    fits = odd.value_count - odd.count
    if not odd.count:
        return f"column {odd.name!r} is text, though all {odd.value_count} values are {kind}"
    shown = ", ".join(f"{_shown(text)} ({_place(row, lines)})" for row, text in odd.first)
    more = odd.count - sum(odd.texts[text] for _, text in odd.first)
    again = odd.count - len(odd.first) - more
    if again or more:
        shown += f" and {again + more} more cells"
    return (
        f"column {odd.name!r} is text, though {fits} of {odd.value_count} values are {kind}: "
        f"{odd.count} {'is' if odd.count == 1 else 'are'} not, {shown}"
    )


def _as_written(form: NumberForm, odd: OddCells, lines: Lines) -> str:
    if odd.count or form == NumberForm() or odd.example is None:
        return ""
    row, text = odd.example
    return f", such as {_shown(text)} ({_place(row, lines)})"


def _mended_form(odd: OddCells, form: NumberForm) -> NumberForm:
    """The form with what the odd cells have beside it, where that reads some of them."""
    with_digits = {text: count for text, count in odd.texts.items() if _DIGIT.search(text)}
    if not with_digits:
        return form
    other = best_form(with_digits)
    candidate = form.model_copy(
        update={
            "thousands_mark": form.thousands_mark or _other_mark(other, form),
            "unit": form.unit or likely_unit(with_digits),
            "has_accounting_signs": form.has_accounting_signs or other.has_accounting_signs,
            # beside plain numbers a percent sign can only be left out
            "percent": form.percent or ("number" if other.percent else None),
        }
    )
    is_better = any(plain_numeral(text, candidate) is not None for text in with_digits)
    return _without_needless(candidate, form, with_digits) if is_better else form


def _other_mark(other: NumberForm, form: NumberForm) -> object:
    return None if other.thousands_mark == form.decimal_mark else other.thousands_mark


def _without_needless(candidate: NumberForm, form: NumberForm, texts: Mapping[str, int]) -> NumberForm:
    """The candidate without those parts that read none of the texts."""
    read = {text for text in texts if plain_numeral(text, candidate) is not None}
    for name in ("unit", "thousands_mark", "has_accounting_signs", "percent"):
        plainer = candidate.model_copy(update={name: getattr(form, name)})
        if all(plain_numeral(text, plainer) is not None for text in read):
            candidate = plainer
    return candidate


def _reads_all(odd: OddCells, form: NumberForm) -> bool:
    return all(plain_numeral(text, form) is not None for text in odd.texts)


def _file_option(form: NumberForm, given: ParseOptions) -> str:
    """The options that the file needs for the form, beside those that were given."""
    found = []
    if form.thousands_mark not in (None, given.thousands_mark):
        found.append(f"thousands_mark={form.thousands_mark!r}")
    if form.decimal_mark == "," and given.decimal_mark != ",":
        found.append("decimal_mark=','")
    if form.grouping not in ("thousands", given.grouping):
        found.append(f"grouping={form.grouping}")
    if form.percent == "number" != given.percent:
        found.append("percent=number (12% becomes 12, as 12 does)")
    elif form.percent is not None and given.percent is None:
        found.append("percent=fraction (12% becomes 0.12) or percent=number (12)")
    if form.unit is not None and form.unit not in given.units:
        found.append(f"units={json.dumps([form.unit], ensure_ascii=False)}")
    if form.has_accounting_signs and not given.has_accounting_signs:
        found.append("has_accounting_signs=true")
    return " and ".join(found)


def _column_option(name: str, form: NumberForm) -> str:
    said = {"type": "real", **form.model_dump(exclude_defaults=True)}
    return f"columns={json.dumps({name: said}, ensure_ascii=False)}"


def _doubt(form: NumberForm, odd: OddCells) -> list[str]:
    mark = form.thousands_mark
    if mark is None or odd.example is None:
        return []
    texts = {odd.example[1], *(text for text in odd.texts if plain_numeral(text, form) is not None)}
    if not is_ambiguous(form, texts) or all(mark not in text for text in texts):
        return []
    return [f"if {mark!r} is the decimal mark there, use decimal_mark={mark!r} instead"]


def _rest(name: str, texts: Mapping[str, int], kind: str, *, has_file_options: bool) -> list[str]:
    """What can be done about odd cells that no form reads."""
    words = [text for text in texts if _is_word(text)]
    others = [text for text in texts if text not in words]
    found = []
    if words and len(words) <= SHOWN_CELLS and has_file_options:
        shown = json.dumps(words, ensure_ascii=False)
        found.append(
            f"missing_marks={shown} reads {'it' if len(words) == 1 else 'them'} as missing (add the usual marks that "
            "occur in the file)"
        )
    elif words:
        others += words
    if others:
        are = "such cells" if words and not found else ", ".join(map(_shown, others[:_NAMED]))
        found.append(f"columns.{name}.type={kind} with on_bad_rows=skip skips the rows of {are}")
    return found


def _is_word(text: str) -> bool:
    """Whether a text may well mean "no value": not a number with something behind it."""
    digit_count = len(_DIGIT.findall(text))
    return digit_count * 2 < len(text) <= _MARK_LENGTH and not _DIGIT.match(text)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…")


def _place(row: int, lines: Lines) -> str:
    return f"line {lines[row]}" if row in lines else f"row {row + 1}"
