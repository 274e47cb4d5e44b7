"""Words of free text, their spelling and their weights, for learning and for serving.

A text is normalized (NFKC, case folded) and split into words: runs of letters, digits and marks, with apostrophes
inside. Any other character except the usual punctuation is a word of its own (``!``, ``$``, an emoji), and so is each
character of scripts without spaces between words. A number of five or more digits is replaced by its length: an order
number does not occur twice, but its presence is informative.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

LONGEST_TEXT: Final = 100_000
"""Maximum characters of a text; the rest is ignored, so that no text takes longer than about 20 ms."""

_MARKS = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06ed"
    r"\u0900-\u0963\u0981-\u0d7f\u200c\u200d"
)
"""Vowel signs and accents that are not letters in Python's regular expressions."""
_QUOTES_AND_DASHES = r"\u00ab\u00bb\u2010-\u201f\u3001\u3002\ufe0e\ufe0f"
_WORD = re.compile(rf"[\w{_MARKS}]+(?:'[\w{_MARKS}]+)*|[^\w\s.,;:()\"'\-{_QUOTES_AND_DASHES}{_MARKS}]")
_SIMPLE_WORD = re.compile(r"\w+(?:'\w+)*|[^\w\s.,;:()\"'-]")
"""The same for ASCII, the most frequent case."""
WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, kana and Han: scripts without spaces between words."""
_LONG_NUMBER = re.compile(r"\d{5}")
_LONG_LENGTH = 5
_SPELLED_LENGTH = 32
_SHORTEST, _LONGEST = 3, 4
DAMPENED: Final = np.array([0.0, *(1 + math.log(count) for count in range(1, 1000))])
"""The weight of a word by its count in a text: 1 plus the logarithm; larger counts have the last weight."""


def split_words(text: str) -> list[str]:
    """The words of a text, in order, normalized so that equivalent spellings are equal."""
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
    """Each word with its successor; words contain no spaces, so a pair never equals a word."""
    return list(map(" ".join, pairwise(words)))


def spell(word: str) -> list[str]:
    """The runs of three and four characters of a word, with markers at its beginning and end."""
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
    """The weight of a term that ``count`` of ``text_count`` texts contain (smoothed inverse document frequency)."""
    return math.log((1 + text_count) / (1 + count)) + 1
