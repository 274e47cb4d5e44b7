"""Detection of free-text columns, in contrast to names, codes and categories.

The rule for the cells that have a value:
- half of them have six words or more; a word has a letter and no digit and is surrounded by spaces; in scripts without
  spaces between words, two characters count as one word;
- there are more than 40 distinct cells, and at least a fifth of the cells are distinct: repeated text is a category,
  however long;
- at least half of the words occur in other cells too: random text has no words in common.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from modelbus.shared.tabular.encoding.free_text.free_text_words import WITHOUT_BLANKS

LOOKED_AT_TEXTS: Final = 1000
"""Maximum distinct texts that are examined."""
MINIMUM_WORDS: Final = 6
MINIMUM_DISTINCT: Final = 40
DISTINCT_FRACTION: Final = 0.2

LONGEST_LOOKED_AT: Final = 2000
"""Maximum characters of each text that are examined."""
_SHARED_WORDS: Final = 0.5


@dataclass(frozen=True)
class WordCounts:
    """Statistics of the words of some texts."""

    median: int
    """The number of words of the median text; half of the texts have at least as many."""
    shared: float
    """The fraction of all words that occur in another text too."""


def count_words(texts: Collection[str]) -> WordCounts:
    """Count the words of distinct texts, at least one."""
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
        counts: The statistics of the column's distinct texts.
        distinct: The number of distinct texts, as far as they were counted.
        present: The number of cells with a value among which they were counted.
    """
    return (
        counts.median >= MINIMUM_WORDS
        and counts.shared >= _SHARED_WORDS
        and distinct > MINIMUM_DISTINCT
        and distinct >= DISTINCT_FRACTION * present
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
