"""A column of free text: its words and pairs of words, each with a row of a learnt table; a text is their sum.

The outputs are a linear projection of the text's terms, weighted as TF-IDF has it and brought to length 1 (ADR 0026):

- scores: what a ridge regression of the target on the terms answers, where there is a target;
- coordinates: along the leading singular vectors of the training texts.

A last output is the number of words. A word that is not among the terms is summed up of its spelling, runs of three and
four characters, as the rows of known words are too: an inflected or misspelt word is near the right one.

Each text is summed up by itself, term after term in the order of the table, whether it comes alone or with a
table: no product of matrices, whose last bits depend on how many rows there are.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.cells.columns import Mask, Reading, cast_of
from modelbus.shared.tabular.encoding.free_text.free_text_words import DAMPENED, dampened, spell, split_words
from modelbus.shared.tabular.encoding.scaled import Floats, Notes

Table = npt.NDArray[np.float16]
Indices = npt.NDArray[np.int64]

_CACHED_WORDS = 20_000
Spelling = tuple[list[int], list[float]]
"""The rows of the table that a word is spelled by, and how much each counts; together of length 1."""


@dataclass(frozen=True, eq=False)
class Terms:
    """What a text is looked up in."""

    known: list[str]
    """Words, and pairs of words with a blank between."""
    rarities: Floats
    """How much each counts, shape (n_known,)."""
    unknown_rarity: float
    """How much a word counts that is not among them."""
    runs: list[str]
    """Runs of characters by which words are spelled."""
    run_rarities: Floats
    """How much each counts, shape (n_runs,)."""

    @cached_property
    def index(self) -> dict[str, int]:
        """The position of each known term."""
        return {term: position for position, term in enumerate(self.known)}

    def pairs_of(self, ids: Indices) -> Indices:
        """The positions of the known pairs among words that stand side by side, by the positions of these or -1."""
        keys, indices = self._pairs
        if len(ids) < 2 or not len(keys):
            return ids[:0]
        # the numbers from 1 on, so that a word that is not known makes no key of a known pair
        asked = (ids[:-1] + 1) * (len(self.known) + 1) + (ids[1:] + 1)
        at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
        found: Indices = indices[at[keys[at] == asked]]
        return found

    @cached_property
    def _pairs(self) -> tuple[Indices, Indices]:
        """A key for each known pair of known words, rising, and the pair's position."""
        found = []
        for position, term in enumerate(self.known):
            first, blank, second = term.partition(" ")
            if blank and first in self.index and second in self.index:
                key = (self.index[first] + 1) * (len(self.known) + 1) + self.index[second] + 1
                found.append((key, position))
        keys, indices = np.array(sorted(found), dtype=np.int64).reshape(-1, 2).T
        return np.ascontiguousarray(keys), np.ascontiguousarray(indices)

    def spelled(self, word: str) -> Spelling:
        """A word by its spelling; the positions count from the first run on."""
        found = self._spellings.get(word)
        if found is None:
            if len(self._spellings) >= _CACHED_WORDS:
                self._spellings.clear()
            found = self._spellings[word] = self._spell(word)
        return found

    def _spell(self, word: str) -> Spelling:
        index, rarities = self._run_index, self._run_weights
        weights: dict[int, float] = {}
        for run in spell(word):
            position = index.get(run)
            if position is not None:
                weights[position] = weights.get(position, 0.0) + rarities[position]
        if not weights:
            return [], []
        length = math.sqrt(sum(weight * weight for weight in weights.values()))
        return list(weights), [weight / length for weight in weights.values()]

    @cached_property
    def _run_weights(self) -> list[float]:
        weights: list[float] = self.run_rarities.tolist()
        return weights

    @cached_property
    def _run_index(self) -> dict[str, int]:
        return {run: position for position, run in enumerate(self.runs)}

    @cached_property
    def _spellings(self) -> dict[str, Spelling]:
        return {}


@dataclass(frozen=True, eq=False)
class WeighedText:
    """A text's terms, each once."""

    indices: Indices
    """Positions of the known ones, rising."""
    weights: Floats
    """How much each of them counts."""
    others: list[str]
    """The words that are not among them."""
    other_weights: list[float]
    """How much each of them counts."""

    @property
    def length(self) -> float:
        """The root of the squared weights: what a text's sum is divided by."""
        known = float(np.add.reduce(self.weights * self.weights))
        return math.sqrt(known + sum(weight * weight for weight in self.other_weights))


def weigh(words: Sequence[str], terms: Terms) -> WeighedText:
    """Weigh the terms of a text by how often they occur in it, and how rare they are elsewhere."""
    index = terms.index
    found = [index.get(word, -1) for word in words]
    ids = np.array(found, dtype=np.int64)
    indices, counts = _counted(np.concatenate([ids[ids >= 0], terms.pairs_of(ids)]))
    weights = terms.rarities[indices] * DAMPENED[np.minimum(counts, len(DAMPENED) - 1)]
    if -1 not in found:
        return WeighedText(indices, weights, [], [])
    others = Counter([word for word, position in zip(words, found, strict=True) if position < 0])
    other_weights = [terms.unknown_rarity * dampened(count) for count in others.values()]
    return WeighedText(indices, weights, list(others), other_weights)


def _counted(indices: Indices) -> tuple[Indices, Indices]:
    """The different ones, rising, and how often each occurs; what ``np.unique`` does in twice the time."""
    if not len(indices):
        return indices, indices
    indices = np.sort(indices)
    starts = np.flatnonzero(np.concatenate([[True], indices[1:] != indices[:-1]]))
    return indices[starts], np.diff(np.append(starts, len(indices)))


@dataclass(frozen=True, eq=False)
class FreeTextColumn:
    """Each text by the sum of its terms' rows, divided by their length, shifted and clipped."""

    column: SignatureColumn
    terms: Terms
    table: Table
    """Shape (n_known + n_runs, n_projected): the rows of the known terms, then of the runs of characters."""
    names: list[str]
    """Of the outputs, without the column's name: the projected ones, then ``words`` where there is such an output."""
    has_words: bool
    """Whether there is an output for the number of words: it varied in training."""
    center: Floats
    scale: Floats
    """By these outputs are shifted and divided, shape (n_outputs,)."""
    low: float
    high: float
    """Outputs are clipped to these."""
    fill: Floats
    """What stands for a missing text, shape (n_outputs,)."""
    has_indicator: bool
    """Whether a last output, beside the others, tells 1.0 where the text was missing."""
    score_count: int
    """How many of the projected outputs, the first ones, were learnt from the target."""

    @property
    def feature_names(self) -> list[str]:
        """A name for each output."""
        missing = ["is missing"] if self.has_indicator else []
        return [f"{self.column.name}: {name}" for name in [*self.names, *missing]]

    def cell(self, value: Any, notes: Notes) -> Sequence[float]:
        """Encode one raw value; raises ``UncastableCell``."""
        text, is_coerced = self._cast(value)
        if is_coerced:
            notes.append(("coerced", self.column.name))
        if text is None:
            notes.append(("missing", self.column.name))
            return self._missing_outputs
        outputs, is_unseen = self._outputs(text)
        if is_unseen:
            notes.append(("unseen", self.column.name))
        found: list[float] = outputs.tolist()
        return [*found, 0.0] if self.has_indicator else found

    def encode(self, reading: Reading) -> tuple[Floats, Mask]:
        """Encode a whole column: shape (n_rows, n_outputs), and in which rows no term is known."""
        width = len(self.names)
        outputs = np.zeros((len(reading.values), width + self.has_indicator))
        unseen = np.zeros(len(outputs), dtype=np.bool_)
        for row, text in enumerate(reading.values):
            if text is None:
                outputs[row] = self._missing_outputs
            else:
                outputs[row, :width], unseen[row] = self._outputs(text)
        return outputs, unseen

    def floats(self) -> Floats:
        """What was learnt, as numbers, but for the table."""
        terms = self.terms
        flags = [self.has_words, self.has_indicator, self.score_count]
        sizes = [len(self.names), len(terms.known), len(terms.runs)]
        scalars = [self.low, self.high, terms.unknown_rarity]
        return np.concatenate(
            [flags, sizes, scalars, self.center, self.scale, self.fill, terms.rarities, terms.run_rarities]
        )

    def texts(self) -> list[str]:
        """The outputs' names, the known terms and the runs of characters."""
        return [*self.names, *self.terms.known, *self.terms.runs]

    @classmethod
    def load(cls, column: SignatureColumn, texts: list[str], floats: Floats, table: Table) -> "FreeTextColumn":
        """The inverse of ``floats`` and ``texts``; the ``table`` may have any shape."""
        has_words, has_indicator, scores, width, known_count, run_count = map(int, floats[:6])
        low, high, unknown_rarity = floats[6:9].tolist()
        ends = np.cumsum([9, width, width, width, known_count])
        _, center, scale, fill, rarities, run_rarities = np.split(floats, ends)
        names, known, runs = texts[:width], texts[width : width + known_count], texts[width + known_count :]
        return cls(
            column,
            Terms(known, rarities, unknown_rarity, runs, run_rarities),
            table.reshape(known_count + run_count, width - has_words),
            names,
            bool(has_words),
            center,
            scale,
            low,
            high,
            fill,
            bool(has_indicator),
            scores,
        )

    @cached_property
    def _cast(self) -> Any:
        return cast_of(self.column)

    @cached_property
    def _rows(self) -> npt.NDArray[np.float32]:
        # a processor adds up single precision, half precision is for the artifact
        return self.table.astype(np.float32)

    @cached_property
    def _missing_outputs(self) -> list[float]:
        outputs: list[float] = self.fill.tolist()
        return [*outputs, 1.0] if self.has_indicator else outputs

    def _outputs(self, text: str) -> tuple[Floats, bool]:
        """The outputs of one text, shape (n_outputs,), and whether none of its terms is known."""
        words = split_words(text)
        weighed = weigh(words, self.terms)
        indices, weights = self._rows_of(weighed)
        outputs = np.zeros(len(self.names))
        if len(indices):
            rows = self._rows.take(indices, axis=0)
            summed = np.add.reduce(rows * weights[:, None], axis=0)
            outputs[: len(summed)] = summed / weighed.length
        if self.has_words:
            outputs[-1] = math.log1p(len(words))
        outputs = (outputs - self.center) / self.scale
        return np.minimum(np.maximum(outputs, self.low), self.high), not len(weighed.indices)

    def _rows_of(self, weighed: WeighedText) -> tuple[Indices, Floats]:
        """The rows of the table that a text is the sum of, and how much each counts."""
        if not weighed.others:
            return weighed.indices, weighed.weights
        indices: list[int] = []
        weights: list[float] = []
        for word, weight in zip(weighed.others, weighed.other_weights, strict=True):
            runs, fractions = self.terms.spelled(word)
            indices += runs
            weights += [weight * fraction for fraction in fractions]
        runs_of_all = np.array(indices, dtype=np.int64) + len(self.terms.known)
        return np.concatenate([weighed.indices, runs_of_all]), np.concatenate([weighed.weights, weights])


def table_size(floats: Floats) -> int:
    """How many cells the table of a column has whose ``floats`` these are."""
    has_words, _, _, width, known_count, run_count = map(int, floats[:6])
    return (known_count + run_count) * (width - has_words)


def describe(column: object) -> dict[str, Any] | None:
    """What a version's record says of a column of free text; None of any other."""
    if not isinstance(column, FreeTextColumn):
        return None
    return {
        "column": column.column.name,
        "feature_count": len(column.feature_names),
        "term_count": len(column.terms.known),
    }


def is_scored(column: object) -> bool:
    """Whether a column is one of free text that has scores, which were learnt from the target."""
    return isinstance(column, FreeTextColumn) and column.score_count > 0
