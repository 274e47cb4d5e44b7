"""The documentation's blocks of code, and the reasons why some of them are not run.

``tests/e2e/documentation`` runs each block in sh or Python, page by page in the order of the site, unless the comment
``<!-- not run: REASON -->`` precedes it.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
README: Final = "README.md"
RUN: Final = frozenset({"sh", "python"})
"""Blocks in these languages are run; the others are for reading."""

_BLOCK: Final = re.compile(
    r"^(?:<!-- (?P<mark>.*?) -->\n\n)?```(?P<language>[^\n`]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
_REASON: Final = re.compile(r"not run: (.+)")


@dataclass(frozen=True)
class Snippet:
    """One block of code."""

    page: str
    line: int
    language: str
    code: str
    reason: str | None
    """Why it is not run; None if it is."""

    @property
    def place(self) -> str:
        """Where it begins."""
        return f"{self.page}:{self.line}"


def site_pages() -> list[str]:
    """Every page of the site's navigation, in its order, as files of the repository; the tutorials are notebooks."""
    with (ROOT / "zensical.toml").open("rb") as file:
        navigation: list[Any] = tomllib.load(file)["project"]["nav"]
    return [page.removesuffix(".md") + ".ipynb" if "/notebooks/" in page else page for page in _targets(navigation)]


def _targets(navigation: Any) -> Iterator[str]:
    if isinstance(navigation, str):
        yield navigation
        return
    for one in navigation.values() if isinstance(navigation, dict) else navigation:
        yield from _targets(one)


def read_pages() -> list[str]:
    """README and every page below docs, in the order of the site; those that are in no navigation come last."""
    below = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
    ordered = [page for page in site_pages() if page == README or page.startswith("docs/")]
    return [*ordered, *(page for page in below if page not in ordered)]


def snippets_of(page: str) -> list[Snippet]:
    """All blocks of code of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [_snippet(page, text, match) for match in _BLOCK.finditer(text)]


def _snippet(page: str, text: str, match: re.Match[str]) -> Snippet:
    reason = _REASON.fullmatch(match["mark"] or "")
    line = text.count("\n", 0, match.start("code"))
    return Snippet(page, line, match["language"], match["code"], reason[1] if reason else None)


def run_snippets(page: str) -> list[Snippet]:
    """The blocks of a page that are run."""
    return [one for one in snippets_of(page) if one.language in RUN and one.reason is None]
