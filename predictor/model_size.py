"""An estimate of a loaded model's memory, by traversing it once. Pure, no bus and no store."""

import sys
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import numpy as np

_SHARED: Final = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)
"""Code, which is shared by all models."""
_PLAIN: Final = (str, bytes, int, float, complex, type(None), np.generic, np.dtype)


def size_in_memory(value: Any) -> int:
    """Estimate the memory of an object in bytes, with everything that it refers to.

    Arrays count with their buffers, once for all views; Python's own objects with ``sys.getsizeof``. Objects without
    attributes, such as the trees of scikit-learn, count with their pickled state: views of their memory for
    scikit-learn's, and what it would write for a plug-in's library.
    """
    # Objects are kept until the end, because the id of a freed object can be reused.
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
        size_bytes += value.nbytes  # a view of memory that no array owns
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
    except Exception:  # noqa: BLE001 - an object that cannot be pickled may raise anything
        return getattr(value, "__dict__", None)
