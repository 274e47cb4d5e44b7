"""A free-text column: each word and word pair has a row in a learnt table, and a text is the sum of its rows.

The outputs are a linear projection of the text's terms, weighted by TF-IDF and scaled to length 1 (ADR 0026):
- scores: predictions of a ridge regression of the target on the terms, if there is a target;
- coordinates along the leading singular vectors of the training texts.

The last output is the number of words. An unknown word is the sum of its runs of three and four characters, which the
rows of known words include too: an inflected or misspelt word is close to the right one.

Each text is summed by itself, term by term in the order of the table, whether it is alone or in a table: the last bits
of a matrix product would depend on the number of rows.
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
"""The rows of a word's runs in the table, and their weights, a vector of length 1."""


@dataclass(frozen=True, eq=False)
class Terms:
    """The vocabulary of a column."""

    known: list[str]
    """Words, and word pairs separated by a space."""
    rarities: Floats
    """Their weights, shape (n_known,)."""
    unknown_rarity: float
    """The weight of any other word."""
    runs: list[str]
    """The known runs of characters."""
    run_rarities: Floats
    """Their weights, shape (n_runs,)."""

    @cached_property
    def index(self) -> dict[str, int]:
        """The position of each known term."""
        return {term: position for position, term in enumerate(self.known)}

    def pairs_of(self, ids: Indices) -> Indices:
        """The positions of the known pairs among adjacent words, given the positions of these, or -1."""
        keys, indices = self._pairs
        if len(ids) < 2 or not len(keys):
            return ids[:0]
        # positions count from 1, so that an unknown word never gives the key of a known pair
        wanted = (ids[:-1] + 1) * (len(self.known) + 1) + (ids[1:] + 1)
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found: Indices = indices[at[keys[at] == wanted]]
        return found

    @cached_property
    def _pairs(self) -> tuple[Indices, Indices]:
        """The keys of the known pairs of known words, ascending, and the pairs' positions."""
        found = []
        for position, term in enumerate(self.known):
            first, blank, second = term.partition(" ")
            if blank and first in self.index and second in self.index:
                key = (self.index[first] + 1) * (len(self.known) + 1) + self.index[second] + 1
                found.append((key, position))
        keys, indices = np.array(sorted(found), dtype=np.int64).reshape(-1, 2).T
        return np.ascontiguousarray(keys), np.ascontiguousarray(indices)

    def spelled(self, word: str) -> Spelling:
        """The runs of a word; positions count from the first run."""
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
    """The distinct terms of a text with their weights."""

    indices: Indices
    """Positions of the known terms, ascending."""
    weights: Floats
    """Their weights."""
    others: list[str]
    """Unknown words."""
    other_weights: list[float]
    """Their weights."""

    @property
    def length(self) -> float:
        """The length of the vector of weights, by which a text's sum is divided."""
        known = float(np.add.reduce(self.weights * self.weights))
        return math.sqrt(known + sum(weight * weight for weight in self.other_weights))


def weigh(words: Sequence[str], terms: Terms) -> WeighedText:
    """Weight the terms of a text by their frequency in it and their rarity elsewhere."""
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
    """The distinct indices, ascending, and their counts; twice as fast as ``np.unique``."""
    if not len(indices):
        return indices, indices
    indices = np.sort(indices)
    starts = np.flatnonzero(np.concatenate([[True], indices[1:] != indices[:-1]]))
    return indices[starts], np.diff(np.append(starts, len(indices)))


@dataclass(frozen=True, eq=False)
class FreeTextColumn:
    """Encodes a text as the weighted sum of its terms' rows, divided by its length, scaled and clipped."""

    column: SignatureColumn
    terms: Terms
    table: Table
    """Shape (n_known + n_runs, n_projected): the rows of the known terms, then of the runs of characters."""
    names: list[str]
    """Names of the outputs, without the column's name: the projected ones, then ``words`` if there is one."""
    has_words: bool
    """Whether there is an output for the number of words, because it varied in training."""
    center: Floats
    scale: Floats
    """Outputs are centred and divided by these, shape (n_outputs,)."""
    low: float
    high: float
    """Outputs are clipped to these."""
    fill: Floats
    """The outputs for a missing text, shape (n_outputs,)."""
    has_indicator: bool
    """Whether there is an additional last output, 1.0 if the text is missing."""
    score_count: int
    """The number of projected outputs, the first ones, that were learnt from the target."""

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
        """Encode a whole column to shape (n_rows, n_outputs), with a mask of the rows in which no term is known."""
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
        """The learnt numbers, without the table."""
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
        # half precision is only for storage; single precision is faster to add
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
        """The rows of the table that make up a text, and their weights."""
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
    """The number of cells of the table that belongs to these ``floats``."""
    has_words, _, _, width, known_count, run_count = map(int, floats[:6])
    return (known_count + run_count) * (width - has_words)


def describe(column: object) -> dict[str, Any] | None:
    """A free-text column in the form of a version's record; None for any other column."""
    if not isinstance(column, FreeTextColumn):
        return None
    return {
        "column": column.column.name,
        "feature_count": len(column.feature_names),
        "term_count": len(column.terms.known),
    }


def is_scored(column: object) -> bool:
    """Whether a column is free text with scores, which were learnt from the target."""
    return isinstance(column, FreeTextColumn) and column.score_count > 0
