"""One sentence for one cause of many faulty records: what the file looks like, and the option that reads it."""

from itertools import islice
from typing import Final

from modelbus.evaluator.ingest.faults import Fault
from modelbus.evaluator.ingest.sources.delimited.layout import Layout
from modelbus.evaluator.ingest.sources.delimited.quoted_records import Findings
from modelbus.evaluator.ingest.sources.text_stream import Utf8Stream, physical_lines
from modelbus.shared.contracts import ParseOptions

_MARKS: Final = ("#", "//", "%", "--", "!", ";")
"""What comments begin with."""
_FEWEST: Final = 2
_MANY_QUOTES: Final = 10
"""Of fewer, each may be a slip of its own."""


def explained(found: Findings, text: Utf8Stream, layout: Layout, options: ParseOptions) -> list[Fault]:
    """The faults, or one that says what they have in common.

    Args:
        found: The faults, one at least.
        text: The text from its beginning.
        layout: How it was taken to be laid out.
        options: The options of the upload.
    """
    faults = found.faults
    if layout.cause is not None and not any(fault.is_limit for fault in faults) and len(faults) >= _FEWEST:
        return [layout.cause]
    lines = _lines(text, faults)
    cause = _comments(faults, lines, options) or _delimiters(faults, lines, layout) or _quotes(faults, found, options)
    return faults if cause is None else [cause]


def _lines(text: Utf8Stream, faults: list[Fault]) -> dict[int, str]:
    wanted = {fault.line for fault in faults if fault.line is not None}
    numbered = enumerate(islice(physical_lines(text), max(wanted, default=0)), start=1)
    return {number: line.decode("utf-8", "replace").strip() for number, line in numbered if number in wanted}


def _comments(faults: list[Fault], lines: dict[int, str], options: ParseOptions) -> Fault | None:
    if options.comment is not None:
        return None
    for mark in _MARKS:
        if lines and all(line.startswith(mark) for line in lines.values()) and len(lines) == len(faults):
            first = faults[0].line
            problem = f"the line begins with {mark!r}, like a comment"
            if len(faults) > 1:
                problem = f"this and {_more(len(faults))} begin with {mark!r}, like comments"
            return Fault(first, problem, f"comment={mark!r} to skip them, or {faults[0].expected}")
    return None


def _more(count: int) -> str:
    return "1 more line" if count == 2 else f"{count - 1} more lines"


def _delimiters(faults: list[Fault], lines: dict[int, str], layout: Layout) -> Fault | None:
    """Rows that all end with a delimiter too many, where that begins late in the file."""
    separator = layout.separator
    if separator is None or len(faults) < _FEWEST or len({fault.problem for fault in faults}) > 1:
        return None
    if len(lines) < len(faults) or not all(line.endswith(separator.strip() or separator) for line in lines.values()):
        return None
    problem = f"{len(faults)} rows or more, this one first, have {faults[0].problem} and end with a delimiter"
    return Fault(faults[0].line, problem, f"{faults[0].expected}, or the header with a delimiter at its end as well")


def _quotes(faults: list[Fault], found: Findings, options: ParseOptions) -> Fault | None:
    if not options.has_quotes:
        return None
    if found.spaced_quote_line is not None and options.skip_initial_space is None:
        first = faults[0]
        problem = f"{first.problem}; line {found.spaced_quote_line} has a quote behind a space"
        return Fault(first.line, problem, f"skip_initial_space=true, if that is one, or {first.expected}", first.column)
    if len(faults) >= _MANY_QUOTES and all("quote" in fault.problem for fault in faults):
        first = faults[0]
        problem = f"{first.problem}, as in {len(faults) - 1} more records"
        return Fault(first.line, problem, f"{first.expected}; has_quotes=false takes quotes as text", first.column)
    return None
