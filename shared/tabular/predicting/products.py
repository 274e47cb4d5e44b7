"""Sizes of matrix products for which a row gets the same bits in every position.

A BLAS uses one kernel for the body of a product and others for its edges and for vectors; some builds (OpenBLAS for
AVX-512) use a third kind for small products. Each adds a row's terms in a different order, so the last bit of a row's
result depends on the number of rows. Whole *tiles* of rows have no edges. No documentation says which sizes agree, so
this is tested with the libraries of this process, once for each shape.
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
"""Candidates for the size of a tile: multiples of the kernels' own sizes, which are 4, 8 or 16 today."""

MOST_ROWS: Final = 4096
"""Maximum rows per call; larger calls are no faster."""

_WORK: Final = 4_000_000
"""Multiplications of the largest product of a test, so that it takes milliseconds."""

_SHAPES: Final = ((13, 1), (30, 3), (30, 100), (64, 7), (100, 100), (129, 33), (500, 10))
"""Representative shapes (features, outputs), for estimators whose own are unknown."""

_SHAPES_WORK: Final = 1_500_000


@dataclass(frozen=True)
class Sizes:
    """The numbers of rows per call."""

    tile: int
    """Rows are padded to a multiple of it; 1 if no tile gives a row the same bits in every position."""
    most: int
    """Maximum rows per call, a multiple of the tile: up to here, all multiples give the same bits."""


@cache
def sizes_of(features: int, outputs: int) -> Sizes:
    """The sizes for products of rows with a matrix of this shape, or with a vector if there is one output."""
    with OneThread():
        found = [_try(features, outputs, multiply, _WORK)[0] for multiply in (_by_numpy, _by_numpy_turned)]
    return common_sizes(found)


@cache
def sizes_of_any() -> Sizes:
    """The sizes for products of unknown shapes: all multiples of a tile, or only the tile."""
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
    """The sizes for an estimator that computes several products in sequence."""
    tile = 1 if any(sizes.tile == 1 for sizes in found) else max(sizes.tile for sizes in found)
    most = min(sizes.most for sizes in found)
    return Sizes(tile, max(tile, most - most % tile))


def _try(features: int, outputs: int, multiply: Multiply, work: int) -> tuple[Sizes, bool]:
    """The sizes that agree, and whether all tested sizes did."""
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
    """Sizes in ascending order: powers of two times the tile, and one between each two powers."""
    size = 2 * tile
    while size <= limit:
        yield size
        if size + size // 2 <= limit:
            yield size + size // 2
        size *= 2


def _by_numpy(rows: Floats, weights: Floats) -> Floats:
    """Multiply like linear models: with a vector, or with the rows of ``coef_``."""
    if weights.shape[1] == 1:
        return np.asarray(rows @ weights[:, 0])
    return np.asarray(rows @ np.ascontiguousarray(weights.T).T)


def _by_numpy_turned(rows: Floats, weights: Floats) -> Floats:
    return np.asarray(rows @ weights)


def _by_scipy(rows: Floats, weights: Floats) -> Floats:
    """Multiply like scikit-learn's compiled code: SciPy has its own BLAS."""
    product: Any = blas.dgemm(1.0, np.asfortranarray(weights.T), rows.T)
    return np.ascontiguousarray(product.T)
