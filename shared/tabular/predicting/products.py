"""How many rows a matrix product may have so that a row gets the same bits wherever it stands among them.

A BLAS takes one kernel for the body of a product and others for its edges, another one for a vector, and some builds
(OpenBLAS for AVX-512) a third one for small products. Each adds up a row's terms in an order of its own, so the last
bit of a row's result depends on how many rows stand beside it. Within whole *tiles* of rows no edge is met. Which sizes
agree is not known from any manual, so it is tried, with the libraries of this process: once for each shape.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import blas

from modelbus.shared.tabular.predicting.threads import OneThread

Floats = npt.NDArray[np.float64]
Multiply = Callable[[Floats, Floats], Floats]

TILES: Final = (8, 16, 32)
"""Numbers of rows that are tried as a tile: the kernels' own, as of today 4, 8 or 16, go into one of them."""

MOST_ROWS: Final = 4096
"""Calls of more rows than this gain nothing."""

_WORK: Final = 4_000_000
"""Multiplications of the largest product of a trial, so that it takes milliseconds."""

_SHAPES: Final = ((13, 1), (30, 3), (30, 100), (64, 7), (100, 100), (129, 33), (500, 10))
"""Features and outputs of products that stand for all others, where an estimator's own are not known."""

_SHAPES_WORK: Final = 1_500_000


@dataclass(frozen=True)
class Sizes:
    """The numbers of rows with which products are asked for."""

    tile: int
    """Rows are filled up to a multiple of it; 1 if no tile gives a row the same bits at each of its places."""
    most: int
    """The most rows of one call, a multiple of the tile: up to here all multiples give the same bits."""


@cache
def sizes_of(features: int, outputs: int) -> Sizes:
    """The sizes for the product of rows with a matrix of that shape, or with a vector where there is one output."""
    with OneThread():
        found = [_try(features, outputs, multiply, _WORK)[0] for multiply in (_by_numpy, _by_numpy_turned)]
    return common_sizes(found)


@cache
def sizes_of_any() -> Sizes:
    """The sizes for products of shapes that are not known: all multiples of a tile, or the tile alone."""
    with OneThread():
        trials = [
            _try(*shape, multiply, _SHAPES_WORK)
            for shape in _SHAPES
            for multiply in (_by_numpy, _by_numpy_turned, _by_scipy)
        ]
    common = common_sizes([sizes for sizes, _ in trials])
    agree = all(is_agreed for _, is_agreed in trials)
    return Sizes(common.tile, MOST_ROWS if agree else common.tile)


def common_sizes(found: list[Sizes]) -> Sizes:
    """The sizes for an estimator that computes several products one after the other."""
    tile = 1 if any(sizes.tile == 1 for sizes in found) else max(sizes.tile for sizes in found)
    most = min(sizes.most for sizes in found)
    return Sizes(tile, max(tile, most - most % tile))


def _try(features: int, outputs: int, multiply: Multiply, work: int) -> tuple[Sizes, bool]:
    """The sizes that agree, and whether all did that the work allowed to try."""
    limit = min(MOST_ROWS, work // (features * max(outputs, 15)))
    random = np.random.default_rng(features * 1009 + outputs)
    rows = random.normal(size=(max(limit, 4 * TILES[-1]), features))
    weights = random.normal(size=(features, outputs))
    for tile in TILES:
        expected = np.concatenate([multiply(block, weights) for block in _blocks(rows, tile)])
        if not _is_same_at_each_place(rows, weights, expected, tile, multiply):
            continue
        most = tile
        for size in _multiples(tile, limit):
            if multiply(rows[:size], weights).tobytes() != expected[:size].tobytes():
                return Sizes(tile, most), False
            most = size
        return Sizes(tile, most), True
    return Sizes(1, 1), False


def _is_same_at_each_place(rows: Floats, weights: Floats, expected: Floats, tile: int, multiply: Multiply) -> bool:
    count = 2 * tile
    return all(
        multiply(np.roll(rows[:count], step, axis=0)[:tile], weights).tobytes()
        == np.roll(expected[:count], step, axis=0)[:tile].tobytes()
        for step in range(1, count)
    )


def _blocks(rows: Floats, size: int) -> Iterator[Floats]:
    return (rows[start : start + size] for start in range(0, len(rows) - len(rows) % size, size))


def _multiples(tile: int, limit: int) -> Iterator[int]:
    """Sizes in ascending order: each power of two of tiles, and between two powers one more."""
    size = 2 * tile
    while size <= limit:
        yield size
        if size + size // 2 <= limit:
            yield size + size // 2
        size *= 2


def _by_numpy(rows: Floats, weights: Floats) -> Floats:
    """As linear models multiply: by a vector, or by the rows of ``coef_``."""
    if weights.shape[1] == 1:
        return np.asarray(rows @ weights[:, 0])
    return np.asarray(rows @ np.ascontiguousarray(weights.T).T)


def _by_numpy_turned(rows: Floats, weights: Floats) -> Floats:
    return np.asarray(rows @ weights)


def _by_scipy(rows: Floats, weights: Floats) -> Floats:
    """As scikit-learn's compiled parts multiply: SciPy brings a BLAS of its own."""
    product: Any = blas.dgemm(1.0, np.asfortranarray(weights.T), rows.T)
    return np.ascontiguousarray(product.T)
