"""What a loaded model takes in memory: an estimate, made by walking it once. Pure, no bus and no store."""

import sys
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import numpy as np

_SHARED: Final = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)
"""Code: there once, however many models use it."""
_PLAIN: Final = (str, bytes, int, float, complex, type(None), np.generic, np.dtype)


def size_in_memory(value: Any) -> int:
    """Estimate the bytes that an object keeps in memory, with all that it refers to.

    Arrays count with their buffers, once however many views of them there are; Python's own objects with what they say
    of themselves. What has no attributes, as the trees of scikit-learn, counts with the state that it would be pickled
    with, which for scikit-learn's own is views of its memory, and for a plug-in's library is what it would write.
    """
    # Kept until the end, since the id of an object that is gone may be given again.
    seen: dict[int, Any] = {}
    left = [value]
    size_bytes = 0
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, _SHARED):
            continue
        seen[id(one)] = one
        size_bytes += _own_size(one)
        left.extend(_parts(one))
    return size_bytes


def _own_size(value: Any) -> int:
    size_bytes = sys.getsizeof(value, 0)
    if isinstance(value, np.ndarray) and not value.flags.owndata and not isinstance(value.base, np.ndarray):
        size_bytes += value.nbytes  # a view of what no array owns
    return size_bytes


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, _PLAIN):
        return ()
    if isinstance(value, np.ndarray):
        inner = value.ravel().tolist() if value.dtype.hasobject else []
        return inner if value.base is None or not isinstance(value.base, np.ndarray) else [*inner, value.base]
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return value
    return [_state(value)]


def _state(value: Any) -> Any:
    try:
        return value.__getstate__()
    except Exception:  # noqa: BLE001 - whatever a library raises that cannot be pickled
        return getattr(value, "__dict__", None)
