"""Free text as words: what counts as one, how it is spelled, how much it weighs. For learning and for serving.

A text is brought into one form (NFKC, case folded), then cut into words: runs of letters, digits and marks, with the
apostrophes inside. Any other sign but the usual punctuation is a word of its own (``!``, ``$``, an emoji), and so is
each character of scripts that put no blanks between words. A number of five digits or more stands for its length: no
order number occurs twice, but that there is one says something.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

LONGEST_TEXT: Final = 100_000
"""Characters of a text that are read; what follows is passed over, so that no text takes longer than 20 ms or so."""

_MARKS = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06ed"
    r"\u0900-\u0963\u0981-\u0d7f\u200c\u200d"
)
"""Vowel signs and accents that Python's regular expressions do not count among the letters."""
_QUOTES_AND_DASHES = r"\u00ab\u00bb\u2010-\u201f\u3001\u3002\ufe0e\ufe0f"
_WORD = re.compile(rf"[\w{_MARKS}]+(?:'[\w{_MARKS}]+)*|[^\w\s.,;:()\"'\-{_QUOTES_AND_DASHES}{_MARKS}]")
_SIMPLE_WORD = re.compile(r"\w+(?:'\w+)*|[^\w\s.,;:()\"'-]")
"""The same for ASCII, which most texts are."""
WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana and Han: scripts that put no blanks between words."""
_LONG_NUMBER = re.compile(r"\d{5}")
_LONG_LENGTH = 5
_SPELLED_LENGTH = 32
_SHORTEST, _LONGEST = 3, 4
DAMPENED: Final = np.array([0.0, *(1 + math.log(count) for count in range(1, 1000))])
"""How much a word counts that occurs so often in a text: 1 plus the logarithm; more often is as often as the last."""


def split_words(text: str) -> list[str]:
    """The words of a text, in their order; of one form for all spellings that look alike."""
    text = text[:LONGEST_TEXT]
    if text.isascii():
        words = _SIMPLE_WORD.findall(text.lower())
    else:
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = text[:LONGEST_TEXT].replace("\u2019", "'")
        words = _WORD.findall(WITHOUT_BLANKS.sub(r" \g<0> ", text))
    if not _LONG_NUMBER.search(text):
        return words
    return [f"#{len(word)}" if len(word) >= _LONG_LENGTH and word.isdecimal() else word for word in words]


def join_pairs(words: Sequence[str]) -> list[str]:
    """Each word with the one behind it; no word has a blank in it, so a pair is never taken for one."""
    return list(map(" ".join, pairwise(words)))


def spell(word: str) -> list[str]:
    """The runs of three and four characters that a word is spelled by, its beginning and end marked."""
    marked = f"<{word[:_SPELLED_LENGTH]}>"
    return [
        marked[start : start + length]
        for length in range(_SHORTEST, _LONGEST + 1)
        for start in range(len(marked) - length + 1)
    ]


def dampened(count: int) -> float:
    """``DAMPENED`` for one count."""
    return float(DAMPENED[min(count, len(DAMPENED) - 1)])


def rarity(text_count: int, count: int) -> float:
    """The weight of a term by how many of so many texts have it (inverse document frequency, smoothed)."""
    return math.log((1 + text_count) / (1 + count)) + 1
