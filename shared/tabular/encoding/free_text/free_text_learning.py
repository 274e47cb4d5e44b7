"""Learning of a free-text column from the training rows (ADR 0026); not used for serving."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse
from sklearn.utils.extmath import randomized_svd

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.cells.columns import Reading
from modelbus.shared.tabular.encoding.free_text.free_text_ridge import Texts, cross_fit
from modelbus.shared.tabular.encoding.free_text.free_text_words import join_pairs, rarity, spell, split_words
from modelbus.shared.tabular.encoding.free_text.text_column import FreeTextColumn, Terms, weigh
from modelbus.shared.tabular.encoding.scaled import LIMIT, Floats

COMPONENTS: Final = 50
"""Maximum number of coordinates; there are fewer if there are fewer texts or terms."""
SCORE_LIMIT: Final = 50
"""Maximum number of scores; with more classes, they are mixed with random weights."""

_KNOWN_LIMIT: Final = 20_000
_RUN_LIMIT: Final = 15_000
_MINIMUM_TEXTS: Final = 2
"""Minimum number of texts that contain a term; a term of a single text does not help with others."""
_LEARNT_TEXTS: Final = 50_000
_LEARNT_CHARACTERS: Final = 20_000_000
"""Maximum texts and characters to learn from; the sample is spread over all rows."""
_LONGEST_LEARNT: Final = 10_000
"""Maximum characters of each text to learn from."""
_DECOMPOSED_TEXTS: Final = 5_000
_MINIMUM_SCORED: Final = 20
_NAMED_TERMS: Final = 3
_LARGEST_HALF: Final = 6e4


@dataclass(frozen=True, eq=False)
class _Sample:
    """The sample of texts to learn from."""

    rows: npt.NDArray[np.int64]
    """Their positions among all rows."""
    words: list[list[str]]
    """Their words."""


@dataclass(frozen=True, eq=False)
class _Projection:
    """The projection of the sampled texts."""

    weights: Floats
    """Weights of the features, shape (n_features, n_projected): for the scores first, then for the coordinates."""
    outputs: Floats
    """Outputs of the sampled texts, shape (n_texts, n_projected); scores exclude each text's own target."""
    score_count: int


def learn_free_text(
    column: SignatureColumn,
    reading: Reading,
    targets: Floats | None,
    splits: Any,
    *,
    is_unit: bool,
    seed: int,
) -> tuple[FreeTextColumn, Floats]:
    """Learn a free-text column.

    Args:
        column: Its name.
        reading: Its training values.
        targets: The target as numbers (see ``numeric_targets``); None without a target.
        splits: Makes the folds for the scores: from positions of rows to pairs of positions among those.
        is_unit: Whether outputs are scaled to 0..1.
        seed: Seed of the decomposition.

    Returns:
        The learnt column, and its outputs for the training rows, shape (n_rows, n_outputs), in which the scores of each
        row come from a regression that did not see its target.
    """
    if reading.missing.all():
        return _nothing(column), np.empty((len(reading.values), 0))
    sample = _sample(reading.values)
    terms, spelled = _learn_terms(sample.words)
    texts, words = _as_matrices(sample.words, terms, spelled)
    projection = _project(texts, sample.rows, targets, splits, seed)
    table = _table(words, terms, projection.weights)
    names = [*_names(table[: len(terms.known)], terms.known, projection.score_count), "words"]
    width = len(names)
    raw = FreeTextColumn(
        column,
        terms,
        table,
        names,
        has_words=True,
        center=np.zeros(width),
        scale=np.ones(width),
        low=-LIMIT,
        high=LIMIT,
        fill=np.zeros(width),
        has_indicator=False,
        score_count=projection.score_count,
    )
    return _scaled(raw, reading, sample, projection, is_unit=is_unit)


def numeric_targets(target: npt.NDArray[Any], *, is_classification: bool, seed: int) -> Floats | None:
    """Convert the target to numbers for regressions.

    Args:
        target: Class codes or numbers, shape (n_rows,).
        is_classification: Whether they are class codes.
        seed: Seed of the weights that mix more than ``SCORE_LIMIT`` classes.

    Returns:
        Shape (n_rows, n_scores): the number itself, 1 for the second of two classes, or one column per class. None if
        the target does not vary or has no finite spread.
    """
    if not is_classification:
        with np.errstate(over="ignore", invalid="ignore"):
            spread = float(np.std(target))
        return target.reshape(-1, 1) / spread if np.isfinite(spread) and spread > 0 else None
    classes, codes = np.unique(target, return_inverse=True)
    if len(classes) < 2:
        return None
    if len(classes) == 2:
        return codes.reshape(-1, 1).astype(np.float64)
    if len(classes) <= SCORE_LIMIT:
        return np.eye(len(classes))[codes]
    mixed: Floats = np.random.default_rng(seed).standard_normal((len(classes), SCORE_LIMIT))[codes]
    return mixed


def score_count(class_count: int) -> int:
    """The number of scores for a target; one for a number (0 classes)."""
    return 1 if class_count <= 2 else min(class_count, SCORE_LIMIT)


def _nothing(column: SignatureColumn) -> FreeTextColumn:
    """The column if no row has a text: it has no output."""
    none = np.zeros(0)
    table = np.empty((0, 0), dtype=np.float16)
    return FreeTextColumn(column, Terms([], none, 1.0, [], none), table, [], False, none, none, 0, 0, none, False, 0)


def _sample(values: npt.NDArray[Any]) -> _Sample:
    present = np.flatnonzero(np.fromiter((text is not None for text in values), np.bool_, len(values)))
    lengths = np.minimum([len(values[row]) for row in present.tolist()], _LONGEST_LEARNT)
    fraction = min(1.0, _LEARNT_TEXTS / len(present), _LEARNT_CHARACTERS / int(lengths.sum()))
    rows = present[np.unique(np.arange(0, len(present), 1 / fraction).astype(np.int64))]
    return _Sample(rows, [split_words(values[row][:_LONGEST_LEARNT]) for row in rows.tolist()])


def _learn_terms(texts: Sequence[Sequence[str]]) -> tuple[Terms, list[str]]:
    """The terms, and all distinct words, sorted."""
    words, pairs = Counter[str](), Counter[str]()
    for text in texts:
        words.update(set(text))
        pairs.update(set(join_pairs(text)))
    known = _most_frequent([*words.items(), *pairs.items()], _KNOWN_LIMIT)
    spellings, runs = Counter[str](), Counter[str]()
    for word, count in words.items():
        for run in set(spell(word)):
            spellings[run] += 1
            runs[run] += count
    shared = _most_frequent([(run, count) for run, count in runs.items() if spellings[run] > 1], _RUN_LIMIT)
    terms = Terms(
        [term for term, _ in known],
        np.array([rarity(len(texts), count) for _, count in known]),
        rarity(len(texts), 1),
        [run for run, _ in shared],
        np.array([rarity(len(texts), min(count, len(texts))) for _, count in shared]),
    )
    return terms, sorted(words)


def _most_frequent(counts: Sequence[tuple[str, int]], limit: int) -> list[tuple[str, int]]:
    frequent = [(term, count) for term, count in counts if count >= _MINIMUM_TEXTS]
    return sorted(frequent, key=lambda item: (-item[1], item[0]))[:limit]


def _as_matrices(texts: Sequence[Sequence[str]], terms: Terms, words: Sequence[str]) -> tuple[Texts, Any]:
    """The texts as a product of two matrices: texts by terms, and terms by features.

    Features are the known terms and the runs of characters. Terms here are the known terms and all other words.

    Returns:
        The product, and its second matrix, shape (n_terms, n_features).
    """
    first_other = len(terms.known)
    others = [word for word in words if word not in terms.index]
    index_of_other = {word: first_other + index for index, word in enumerate(others)}
    indices: list[int] = []
    weights: list[float] = []
    ends = [0]
    for text in texts:
        weighed = weigh(text, terms)
        length = weighed.length
        indices += weighed.indices.tolist()
        indices += [index_of_other[word] for word in weighed.others]
        weights += [weight / length for weight in (*weighed.weights.tolist(), *weighed.other_weights)]
        ends.append(len(indices))
    shape = (len(texts), first_other + len(others))
    counted = sparse.csr_array((weights, np.array(indices, dtype=np.int64), ends), shape=shape)
    features = _features(terms, others)
    return Texts(counted, features), features


def _features(terms: Terms, others: Sequence[str]) -> Any:
    """The features of each term: the term itself if it is known and, for a word, its runs of characters."""
    first_run = len(terms.known)
    indices: list[int] = []
    weights: list[float] = []
    ends = [0]
    for index, term in enumerate([*terms.known, *others]):
        is_known = index < first_run
        runs, fractions = ([], []) if " " in term else terms.spelled(term)
        indices += [*([index] if is_known else []), *(first_run + run for run in runs)]
        weights += [*([1.0] if is_known else []), *fractions]
        ends.append(len(indices))
    shape = (first_run + len(others), first_run + len(terms.runs))
    return sparse.csr_array((weights, np.array(indices, dtype=np.int64), ends), shape=shape)


def _project(texts: Texts, rows: npt.NDArray[np.int64], targets: Floats | None, splits: Any, seed: int) -> _Projection:
    scores, weights = np.empty((len(rows), 0)), np.empty((texts.features.shape[1], 0))
    if targets is not None and len(rows) >= _MINIMUM_SCORED and texts.features.shape[1]:
        wanted = targets[rows]
        scores, weights = cross_fit(texts, wanted - wanted.mean(axis=0), splits(rows))
        varies = scores.std(axis=0) > 0
        scores, weights = scores[:, varies], weights[:, varies]
    coordinates = _singular_vectors(texts, seed)
    projected = texts.project(coordinates)
    spread = projected.std(axis=0)
    # scaled by the same number, so that the first coordinates weigh most in distances, as they explain most
    largest = float(spread.max(initial=0.0)) or 1.0
    kept = spread > largest * 1e-6
    spread_of_scores = scores.std(axis=0)
    return _Projection(
        np.hstack([weights / spread_of_scores, coordinates[:, kept] / largest]),
        np.hstack([scores / spread_of_scores, projected[:, kept] / largest]),
        scores.shape[1],
    )


def _singular_vectors(texts: Texts, seed: int) -> Floats:
    """The leading right singular vectors of the texts, shape (n_features, n_components), with deterministic signs."""
    step = -(-texts.terms.shape[0] // _DECOMPOSED_TEXTS) or 1
    matrix = sparse.csr_matrix(texts.terms[::step] @ texts.features)
    count = min(COMPONENTS, *(size - 1 for size in matrix.shape))
    if count < 1 or not matrix.nnz:
        return np.empty((matrix.shape[1], 0))
    _, _, vectors = randomized_svd(matrix, count, n_iter=4, flip_sign=True, random_state=seed)
    transposed: Floats = np.ascontiguousarray(vectors.T)
    return transposed


def _table(features: Any, terms: Terms, weights: Floats) -> npt.NDArray[np.float16]:
    """One row per known term, including its spelling, and then one per run of characters."""
    known = features[: len(terms.known)] @ weights
    rows = np.vstack([known, weights[len(terms.known) :]])
    halves: npt.NDArray[np.float16] = np.clip(rows, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)
    return halves


def _names(table: npt.NDArray[np.float16], known: Sequence[str], scores: int) -> list[str]:
    """Names of the outputs: ``score``, and coordinates with the terms that influence them most."""
    names = ["score"] if scores == 1 else [f"score {index}" for index in range(scores)]
    for index in range(scores, table.shape[1]):
        top = np.argsort(-np.abs(table[:, index].astype(np.float32)), kind="stable")[:_NAMED_TERMS]
        named = ", ".join(known[term] for term in top.tolist())
        number = f"text {index - scores + 1}"
        names.append(f"{number} ({named})" if named else number)
    return names


def _scaled(
    raw: FreeTextColumn, reading: Reading, sample: _Sample, projection: _Projection, *, is_unit: bool
) -> tuple[FreeTextColumn, Floats]:
    """The column with centred outputs, or scaled to 0..1, and the outputs for the training rows."""
    missing = reading.missing
    outputs, _ = raw.encode(reading)
    outputs[sample.rows, : raw.score_count] = projection.outputs[:, : raw.score_count]
    present = outputs[~missing]
    center, scale = _center_and_scale(present, is_unit=is_unit)
    has_words = bool(present[:, -1].min() < present[:, -1].max())
    kept = slice(None) if has_words else slice(-1)
    low, high = (0.0, 1.0) if is_unit else (-LIMIT, LIMIT)
    center, scale, outputs = center[kept], scale[kept], outputs[:, kept]
    fill = np.minimum(np.maximum((present[:, kept].mean(axis=0) - center) / scale, low), high)
    outputs = np.minimum(np.maximum((outputs - center) / scale, low), high)
    outputs[missing] = fill
    learnt = replace(
        raw, names=raw.names[kept], has_words=has_words, center=center, scale=scale, low=low, high=high, fill=fill
    )
    if not missing.any():
        return learnt, outputs
    return replace(learnt, has_indicator=True), np.column_stack([outputs, missing])


def _center_and_scale(present: Floats, *, is_unit: bool) -> tuple[Floats, Floats]:
    if is_unit:
        center, scale = present.min(axis=0), np.ptp(present, axis=0)
    else:
        center, scale = present.mean(axis=0), np.ones(present.shape[1])
        scale[-1] = present[:, -1].std()  # the projected outputs are scaled already
    return center, np.where(scale == 0, 1.0, scale)
