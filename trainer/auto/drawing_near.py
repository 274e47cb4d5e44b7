"""Draws of hyperparameters near good ones."""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from modelbus.shared.contracts.commands.tuning import Dimension
from modelbus.trainer.tuning.search_space import draw

_CHANGED: Final = 0.5
"""The probability that a hyperparameter changes; one of them always does."""
_STEP: Final = 0.15
"""Of a dimension's range: the standard deviation of a step."""


def draw_near(space: Mapping[str, Dimension], best: Mapping[str, Any], random: np.random.Generator) -> dict[str, Any]:
    """Draw hyperparameters, some of them equal to good ones and some a step away.

    Args:
        space: Where to draw from.
        best: The good ones. Hyperparameters that they lack are drawn from the space.
        random: Draws.
    """
    names = list(space)
    always = names[int(random.integers(len(names)))]
    found: dict[str, Any] = {}
    for name, dimension in space.items():
        is_changed = random.random() < _CHANGED or name == always
        if name not in best:
            found[name] = draw(dimension, random)
        elif is_changed:
            found[name] = _step(dimension, best[name], random)
        else:
            found[name] = best[name]
    return found


def _step(dimension: Dimension, value: Any, random: np.random.Generator) -> Any:
    """A value a step away: another one of a list, near on a scale."""
    if dimension.values is not None or type(value) not in (int, float):
        return draw(dimension, random)
    low, high = map(float, dimension.ends)
    is_logarithmic = dimension.is_logarithmic and value > 0
    scale, unscale = (math.log, math.exp) if is_logarithmic else (float, float)
    width = scale(high) - scale(low)
    moved = unscale(scale(value) + float(random.normal(0.0, _STEP)) * width)
    moved = min(max(moved, low), high)
    return round(moved) if dimension.is_integer else moved
