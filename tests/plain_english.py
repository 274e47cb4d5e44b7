"""The words of the project: every text that users read, and phrases of translated English that none may have.

``python -m tests.plain_english [ROOM...]`` lists the findings in some rooms, or in the whole project, with their number
by room.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
CODE: Final = ("gateway", "trainer", "predictor", "evaluator", "shared", "modelbus", "examples")
DOCUMENTS: Final = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs", "examples", "deploy")
EVERYTHING: Final = tuple(dict.fromkeys((*CODE, *DOCUMENTS)))
_LINKS: Final = "modelbus/"
"""Some folders of this package are links to other rooms, which are read there."""
_FENCED: Final = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
_CODE_SPAN: Final = re.compile(r"``[^`]+``|`[^`\n]+`")


class Phrase(NamedTuple):
    """A phrase that no text may have."""

    pattern: str
    """A regular expression; case does not matter."""
    better: str
    """What to write instead."""
    example: str
    """A text with the phrase."""


class Text(NamedTuple):
    """A text that users read."""

    path: str
    line: int
    words: str


class Finding(NamedTuple):
    """A phrase in a text."""

    text: Text
    found: str
    better: str

    def __str__(self) -> str:
        """Where, what, and what to write instead."""
        return f"{self.text.path}:{self.text.line}: {self.found!r}: {self.better}"


_START: Final = r"(?:^|[.;:!?] )"
"""The beginning of a sentence or of a part of one."""

PHRASES: Final = (
    Phrase(r"\bso many\b", "name the number: 'as many', 'at most 5 rows'", "So many rows are read at most."),
    Phrase(r"\bgraver\b", "'more severe', 'this level and above'", "only this level and graver ones"),
    Phrase(
        r"(?<!there )\b(?:is|are|was|were) no (?!longer|more\b|less|fewer|larger|better|worse|different|matter)\w",
        "'is not a ...', 'is not valid'",
        "'x' is no moment",
    ),
    Phrase(r"(?<!there )\bis (?-i:none)\b", "'is not one', or name the thing", "a key that is none"),
    Phrase(r"\bspoken here\b", "'is not supported'", "version 2 is not spoken here"),
    Phrase(r"\bputs? aside\b", "'quarantined'", "the message is put aside"),
    Phrase(r"\w\(e?s\)", "the plural that agrees with the number (shared/plural.py)", "3 row(s) were left out"),
    Phrase(r"\b(?:has|have) not(?=\s*(?:[.,;:)]|$))", "'does not have'", "a category that the training table has not"),
    Phrase(
        _START + r"who (?:takes|asks|sends|has|reads|misses|knows|wants|waits|reaches|receives|binds|may|can|is)\b"
        r"(?![^.]*\?)",
        "a noun as the subject: 'a client that ...'",
        "Who takes nothing for a minute is cut off.",
    ),
    Phrase(r"\b(?:to|by|for|of) who\b", "a noun: 'the client', 'the sender'", "304 to who has it"),
    Phrase(r"\bwhoever\b", "a noun: 'the sender', 'anyone who'", "whoever made them"),
    Phrase(
        r"\b(?:is|are) to be (?:\w+ed|read|found|had|made|told|kept|sent|seen|done|taken|given|held|left|known)\b",
        "'must be', 'should be', 'can be'",
        "how a file is to be read",
    ),
    Phrase(r"\bwithout a word\b", "'silently'", "nothing is changed without a word"),
    Phrase(r"\ball but (?:gives?|does?|some)\b", "'almost', 'nearly', 'most'", "it all but gives the target away"),
    Phrase(r"\btells? (?:of|nothing|that)\b", "'reports', 'contains', 'shows that'", "alerts tell of its classes"),
    Phrase(r"\bwhat (?:was|is|were) asked\b", "'the request', 'the command'", "failed by what was asked"),
    Phrase(r"(?<!margin )\bby which\b", "'that', 'with', or another sentence", "a text by which it is known"),
    Phrase(
        r"(?:^|[.;] )of (?:them|these|those|which|a|an|the|what|two|text|numbers?|rows?|jobs?)\b(?! which)",
        "begin with the noun: 'The rows of ...', 'For a job, ...'",
        "Of them, how many lack the truth.",
    ),
    Phrase(r"\b(?:stands?|stood) (?:in|on|beside|there|above|behind)\b", "'is in', 'depends on'", "others stand on it"),
    Phrase(r"\bas (?:they|it) stood\b", "'unchanged'", "cells as they stood"),
    Phrase(r"\blies? (?:in|on|there|ready|beside)\b", "'is in', 'is stored in'", "a file that lies in GridFS"),
    Phrase(
        r"\bas (?:[\w.'-]+ ){1,4}(?:has|have) (?:it|them)\b", "'in the format of ...', 'like ...'", "as JSON has it"
    ),
    Phrase(r"\bbeside\b", "'in addition to', 'next to', 'with'", "a field beside the file"),
    Phrase(r"\bless (?:those|what|null)\b", "'except', 'without'", "all others less those that are excluded"),
    Phrase(r"\bmend(?:s|ed|ing)?\b", "'correct', 'fix'", "Mend the lines at fault."),
    Phrase(r"\ball the same\b", "'anyway', 'still'", "jobs are accepted all the same"),
    Phrase(r"\bagain and again\b", "'repeatedly'", "it trains again and again"),
    Phrase(
        r"\bfrom (?:(?:\d+|one) on\b(?! to)|a [\w-]+ on(?=\s*(?:[.,;:)]|$)))",
        "'of at least 0', '0 or more'",
        "numbers from 0 on",
    ),
    Phrase(
        r"\b(?:redis|mongodb|broker|server|store|database|gateway) (?:is|was|are) away\b",
        "'is unavailable', 'is not responding'",
        "when MongoDB is away",
    ),
    Phrase(r"\bneither more nor less\b", "'neither higher nor lower'", "neither more nor less is better"),
    Phrase(r"\btakes? nothing\b", "'does not read', 'needs nothing'", "a reader that takes nothing"),
    Phrase(r"\b(?:it|which|that) (?:is|was) of (?!course)", "'applies to', 'belongs to'", "it is of two classes"),
    Phrase(r"\b(?:is|are) not there\b(?! (?:is|are))", "'does not exist', 'no longer exists'", "the file is not there"),
    Phrase(
        r"\bthat there (?:is|are)(?=\s*(?:[.,;:)]|$))", "'that exist', or the noun alone", "all fields that there are"
    ),
    Phrase(r"\bis not taken\b", "'is not supported', 'is not accepted'", "a body of text/html is not taken"),
    Phrase(r"\b(?:to|not) be asked as\b", "'host x is not allowed'", "it is not to be asked as 'x'"),
    Phrase(
        r"(?:^|[.,;:] )(?:known|expected) are\b",
        "'expected one of ...'",
        "unknown parameter 'deep'; known are limit, cursor",
    ),
    Phrase(r"\bis the least\b", "'at least'", "of which a body is the least"),
    Phrase(
        r"\bknow(?:s)? no (?!longer|bounds)\w", "'does not have', 'does not support'", "metrics that know no weights"
    ),
    Phrase(r"\bat the (?:earliest|least)\b", "'at least', 'not before'", "one column at the least"),
)


def texts(rooms: Sequence[str] = EVERYTHING) -> Iterator[Text]:
    """The texts in some rooms: strings and shown docstrings of the code, and the prose of Markdown documents.

    Args:
        rooms: Folders or files, relative to the project's root.
    """
    for path in _files(rooms):
        place = path.relative_to(ROOT).as_posix()
        yield from _of_code(path, place) if path.suffix == ".py" else _of_document(path, place)


def findings(rooms: Sequence[str] = EVERYTHING) -> list[Finding]:
    """The phrases in the texts of some rooms."""
    return [found for text in texts(rooms) for found in faults_of(text)]


def faults_of(text: Text) -> list[Finding]:
    """The phrases in a text."""
    plain = " ".join(_CODE_SPAN.sub("`x`", text.words).split())
    found = [(phrase, match) for phrase in PHRASES if (match := re.search(phrase.pattern, plain, re.IGNORECASE))]
    return [
        Finding(text, plain[max(0, match.start() - 30) : match.end() + 30], phrase.better) for phrase, match in found
    ]


def _files(rooms: Sequence[str]) -> Iterator[Path]:
    for room in rooms:
        whole = ROOT / room
        for path in sorted(whole.rglob("*")) if whole.is_dir() else [whole]:
            place = path.relative_to(ROOT).as_posix()
            is_link = place.startswith(_LINKS) and any(one.is_symlink() for one in path.parents)
            if path.suffix in (".py", ".md") and not is_link:
                yield path


def _of_code(path: Path, place: str) -> Iterator[Text]:
    tree = ast.parse(path.read_text())
    docstrings, inner = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstrings |= {one.value for one in node.body if _is_string(one)} - _shown(node)
        if isinstance(node, ast.JoinedStr):
            inner |= {one for one in ast.walk(node) if one is not node}
    for node in ast.walk(tree):
        if node in docstrings or node in inner:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield from _paragraphs(place, node.lineno, node.value)
        elif isinstance(node, ast.JoinedStr):
            words = "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)
            yield from _paragraphs(place, node.lineno, words)


def _is_string(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _shown(node: ast.AST) -> set[ast.expr]:
    """Docstrings that documentation or messages show: of classes and their fields, of routes and of commands."""
    if isinstance(node, ast.ClassDef):
        return {one.value for one in node.body if isinstance(one, ast.Expr)}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(_is_call, node.decorator_list)):
        return {one.value for one in node.body[:1] if isinstance(one, ast.Expr)}
    return set()


def _is_call(decorator: ast.expr) -> bool:
    """Whether a function is declared to be shown: ``@route(...)``, ``@app.command(...)``."""
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(decorator, ast.Call) and ast.unparse(name).rpartition(".")[2] in ("route", "command", "callback")


def _of_document(path: Path, place: str) -> Iterator[Text]:
    prose = _FENCED.sub(lambda fence: "\n" * fence[0].count("\n"), path.read_text())
    for text in _paragraphs(place, 1, prose):
        # each cell of a table begins anew
        yield text._replace(words=re.sub(r" ?\| ", "; ", text.words.strip("| \n")))


def _paragraphs(place: str, first: int, words: str) -> Iterator[Text]:
    line = first
    for part in re.split(r"(\n\s*\n|\n(?=\s*(?:[*|#-] |\d+\. )))", words):
        if part.strip():
            yield Text(place, line, part)
        line += part.count("\n")


def main() -> int:
    """Print the findings in the given rooms."""
    found = findings(sys.argv[1:] or EVERYTHING)
    counts = Counter(one.text.path.split("/")[0] for one in found)
    lines = [*map(str, found), *(f"{count:5} {room}" for room, count in sorted(counts.items()))]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
