"""Which text columns are free text: sentences that say something by their words, and no names, codes or categories.

The rule, of the cells that have a value:

- half of them have six words or more: a word has a letter and no digit, and blanks around it; of scripts that put no
  blanks between words, two characters are taken for one word;
- there are more than 40 different ones, and a fifth of the cells at least are different: what is said again and again
  is a category, however long;
- half of their words, or more, are in other cells too: what is generated at random has none in common.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from modelbus.shared.tabular.encoding.free_text.free_text_words import WITHOUT_BLANKS

LOOKED_AT_TEXTS: Final = 1000
"""So many different texts are looked at."""
FEWEST_WORDS: Final = 6
FEWEST_DIFFERENT: Final = 40
DIFFERENT_FRACTION: Final = 0.2

LONGEST_LOOKED_AT: Final = 2000
"""Characters of each that are looked at."""
_SHARED_WORDS: Final = 0.5


@dataclass(frozen=True)
class WordCounts:
    """The words of some texts."""

    median: int
    """How many the median text has; half of the texts have as many or more."""
    shared: float
    """The fraction of all words that another text has too."""


def count_words(texts: Collection[str]) -> WordCounts:
    """Count the words of different texts, one at least."""
    words = [_words(text[:LONGEST_LOOKED_AT]) for text in texts]
    counts = sorted((len(each) for each in words), reverse=True)
    holders: dict[str, int] = {}
    for each in words:
        for word in set(each):
            holders[word] = holders.get(word, 0) + 1
    shared = sum(holders[word] > 1 for each in words for word in each)
    return WordCounts(counts[(len(counts) - 1) // 2], shared / max(1, sum(counts)))


def is_free_text(counts: WordCounts, distinct: int, present: int) -> bool:
    """Whether a column is free text.

    Args:
        counts: Of different texts of the column.
        distinct: Different texts, as far as they were counted.
        present: Cells with a value among which they were counted.
    """
    return (
        counts.median >= FEWEST_WORDS
        and counts.shared >= _SHARED_WORDS
        and distinct > FEWEST_DIFFERENT
        and distinct >= DIFFERENT_FRACTION * present
    )


def _words(text: str) -> list[str]:
    words = [] if text.isascii() else WITHOUT_BLANKS.findall(text)[::2]
    if words:
        text = WITHOUT_BLANKS.sub(" ", text)
    pieces = text.lower().split()
    return words + [piece.strip(".,;:!?()\"'") for piece in pieces if _is_word(piece)]


def _is_word(piece: str) -> bool:
    return piece.isalpha() or (
        any(map(str.isalpha, piece)) and not any(map(str.isdigit, piece)) and "_" not in piece and len(piece) <= 40
    )
