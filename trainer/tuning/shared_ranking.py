"""The order of candidates that were not all measured on the same folds: each is compared where it and better measured
ones both were.
"""

import math
from collections.abc import Collection, Mapping, Sequence

Cell = tuple[float, int]
"""Rows of a fit (infinity for all of a fold) and the fold's number."""
Merits = Mapping[Cell, float]
"""A candidate's scores, by cell; more is better."""


def shared_merits(candidates: Sequence[Merits]) -> list[float]:
    """A number for each candidate, by which they are ranked.

    Those that were measured on most have their mean. Each of the others has what the best of those that were measured
    on more has, plus what it was better than that one on the cells that both share. So a candidate with one good fold
    of five is compared on that fold, and an easy or a hard fold favours no candidate.

    Args:
        candidates: Each with one cell at least. Cells are measured in one order: the samples of the first fold, from
            small to large, then whole folds, from the first on.

    Returns:
        One number a candidate, in their order; more is better.
    """
    order = sorted(range(len(candidates)), key=lambda index: (_depth(candidates[index]), -index), reverse=True)
    merits = [0.0] * len(candidates)
    group: list[int] = []
    best: int | None = None
    for index in order:
        if group and _depth(candidates[group[0]]) != _depth(candidates[index]):
            best = max([*group, *([] if best is None else [best])], key=lambda one: (merits[one], -one))
            group = []
        own = candidates[index]
        merits[index] = _top_mean(own) if best is None else merits[best] + _gain(own, candidates[best])
        group.append(index)
    return merits


def _depth(merits: Merits) -> tuple[float, int]:
    """How much was measured: the rows of the largest fits, and on how many folds."""
    rows = max(rows for rows, _ in merits)
    return rows, sum(one == rows for one, _ in merits)


def _top_mean(merits: Merits) -> float:
    return _mean_over(merits, merits)


def _gain(own: Merits, other: Merits) -> float:
    """The gain of one over another on the largest fits that both have; on those of each, where they share none."""
    shared = own.keys() & other.keys()
    if not shared:
        return _top_mean(own) - _top_mean(other)
    return _mean_over(own, shared) - _mean_over(other, shared)


def _mean_over(merits: Merits, cells: Collection[Cell]) -> float:
    rows = max(rows for rows, _ in cells)
    # summed exactly, so that the order of the cells changes nothing
    found = [merits[cell] for cell in cells if cell[0] == rows]
    return math.fsum(found) / len(found)
