"""Strict parsing of numbers in the form of a column (see ``NumberForm``), for one text or many.

``plain_numeral`` converts a text to a plain numeral (``1,234.5`` → ``1234.5``, ``12 %`` → ``12e-2``), which is then
rounded to a double once; a division by 100 would round twice. Text that does not match the form is not a number.
"""

import re
from functools import cache
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from modelbus.shared.contracts.number_forms import NumberForm
from modelbus.shared.tabular.cells.foreign_characters import cells_in_plain_characters, in_plain_characters

SPACES: Final = "[ \u00a0\u202f\u2009]"
"""A space, a no-break space, a narrow no-break space and a thin space."""
_MARKS: Final = {",": ",", ".": r"\.", " ": SPACES, "'": "['\u2019]"}
_INFINITY: Final = r"^[+-]?(?i:inf(?:inity)?)$"
_HUNDREDTH: Final = "e-2"


@cache
def pattern_of(form: NumberForm) -> str:
    """The regular expression of the form's numbers, for Python and Arrow; combinations of signs are checked later."""
    sign = "[+-]?"
    before = after = inner = ""
    if form.unit is not None:
        unit = re.escape(form.unit)
        before, after, inner = f"(?:{unit}{SPACES}?)?", f"(?:{SPACES}?{unit})?", sign
    # as a number, 12 % is 12 with or without its sign; as a fraction it is another number
    percent = "" if form.percent is None else f"(?:{SPACES}?%){'?' if form.percent == 'number' else ''}"
    opened, minus, closed = (r"\(?", "-?", r"\)?") if form.has_accounting_signs else ("", "", "")
    return (
        f"^(?P<opened>{opened})(?P<sign>{sign})(?P<before>{before})(?P<inner>{inner})"
        f"(?P<number>{_digits(form)})"
        f"(?P<percent>{percent})(?P<after>{after})(?P<minus>{minus})(?P<closed>{closed})$"
    )


def _digits(form: NumberForm) -> str:
    point = _MARKS[form.decimal_mark]
    # a percent sign becomes an exponent itself
    exponent = "" if form.percent == "fraction" else "(?:[eE][+-]?[0-9]+)?"
    plain = rf"(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+){exponent}"
    if form.thousands_mark is None:
        return plain
    mark = _MARKS[form.thousands_mark]
    if form.grouping == "indian":
        grouped = rf"[1-9][0-9]?(?:{mark}[0-9]{{2}})*{mark}[0-9]{{3}}"
    else:
        grouped = rf"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+"
    return rf"(?:{grouped}(?:{point}[0-9]*)?|{plain})"


def plain_numeral(text: str, form: NumberForm) -> str | None:
    """The number in a text (without surrounding spaces) as a plain numeral; None if it does not match the form.

    Digits of other scripts, typographic signs and no-break spaces are read as their plain counterparts.
    """
    found = re.fullmatch(pattern_of(form), text)
    if found is None and not text.isascii():
        text = in_plain_characters(text)
        found = re.fullmatch(pattern_of(form), text)
    if found is None:
        return text if form.percent is None and re.fullmatch(_INFINITY, text) else None
    has = {name: bool(part) for name, part in found.groupdict().items()}
    signs = [has["sign"], has["inner"], has["minus"], has["opened"]]
    if sum(signs) > 1 or has["opened"] != has["closed"] or (has["before"] and has["after"]):
        return None
    is_negative = has["opened"] or has["minus"] or "-" in found["sign"] + found["inner"]
    return f"{'-' if is_negative else ''}{_without_marks(found['number'], form)}{_ending(form)}"


def _without_marks(number: str, form: NumberForm) -> str:
    if form.thousands_mark is not None:
        number = re.sub(_MARKS[form.thousands_mark], "", number)
    return number.replace(",", ".") if form.decimal_mark == "," else number


def _ending(form: NumberForm) -> str:
    return _HUNDREDTH if form.percent == "fraction" else ""


def described(form: NumberForm) -> str:
    """A description for people: `with a decimal point, ',' between thousands and a percent sign`."""
    comma = "comma" if form.decimal_mark == "," else "point"
    parts = [f"a decimal {comma}"]
    if form.thousands_mark is not None:
        between = "groups of digits (12,34,567)" if form.grouping == "indian" else "thousands"
        parts.append(f"{form.thousands_mark!r} between {between}")
    if form.percent is not None:
        parts.append("a percent sign")
    if form.unit is not None:
        parts.append(f"an optional {form.unit!r}")
    return f"with {', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else f"with {parts[0]}"


def plain_numerals(cells: pa.Array, form: NumberForm) -> pa.Array:
    """Trimmed text cells as plain numerals, as by ``plain_numeral``; null where that returns None."""
    if not len(cells):
        return cells
    cells = _readable(cells, form)
    found = pc.extract_regex(cells, pattern=pattern_of(form))
    parts: dict[str, Any] = {field.name: pc.struct_field(found, [index]) for index, field in enumerate(found.type)}
    has = {name: pc.not_equal(part, "") for name, part in parts.items()}
    sign_count = _sum_of([has[name] for name in ("sign", "inner", "minus", "opened")])
    is_sound = pc.and_(pc.less_equal(sign_count, 1), pc.equal(has["opened"], has["closed"]))
    is_sound = pc.and_(is_sound, pc.invert(pc.and_(has["before"], has["after"])))
    sign = pc.binary_join_element_wise(parts["sign"], parts["inner"], "")
    is_negative = pc.or_(pc.or_(has["opened"], has["minus"]), pc.equal(sign, "-"))
    digits = _digits_without_marks(parts["number"], form)
    plain = pc.binary_join_element_wise(pc.if_else(is_negative, "-", ""), digits, _ending(form), "")
    plain = pc.if_else(pc.and_(pc.is_valid(found), is_sound), plain, pa.scalar(None, pa.string()))
    if form.percent is not None or plain.null_count == cells.null_count:
        return plain
    return pc.coalesce(plain, pc.if_else(pc.match_substring_regex(cells, pattern=_INFINITY), cells, None))


def are_written_so(cells: pa.Array, form: NumberForm) -> pa.Array:
    """Which trimmed text cells (none null) are numbers of the form, shape (n_cells,)."""
    cells = _readable(cells, form)
    if form.unit is None and not form.has_accounting_signs:
        # the pattern is sufficient, because it contains only one sign
        found = pc.match_substring_regex(cells, pattern=pattern_of(form))
        return found if form.percent else pc.or_(found, pc.match_substring_regex(cells, pattern=_INFINITY))
    return pc.is_valid(plain_numerals(cells, form))


def _readable(cells: pa.Array, form: NumberForm) -> pa.Array:
    """The cells, with plain characters in those that the form does not read as they are."""
    if pc.all(pc.string_is_ascii(cells)).as_py() is not False:
        return cells
    is_read = pc.match_substring_regex(cells, pattern=pattern_of(form))
    return pc.if_else(is_read, cells, cells_in_plain_characters(cells))


def _sum_of(flags: list[Any]) -> Any:
    total = pc.cast(flags[0], pa.int8())
    for flag in flags[1:]:
        total = pc.add(total, pc.cast(flag, pa.int8()))
    return total


def _digits_without_marks(numbers: Any, form: NumberForm) -> Any:
    if form.thousands_mark is not None:
        numbers = pc.replace_substring_regex(numbers, pattern=_MARKS[form.thousands_mark], replacement="")
    return pc.replace_substring(numbers, pattern=",", replacement=".") if form.decimal_mark == "," else numbers
