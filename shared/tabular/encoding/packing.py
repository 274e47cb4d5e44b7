"""Texts and ragged arrays as flat arrays, so that stored state contains no Python objects.

Texts are stored as UTF-8 bytes with end positions, not as a ``<U`` array: NumPy pads every text of a ``<U`` array to
the length of the longest (one text of 1 MB among 10,000 categories would take 40 GB) and drops trailing NULs.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ends = npt.NDArray[np.int64]


def pack_texts(texts: Sequence[str]) -> tuple[Bytes, Ends]:
    """Concatenate texts to UTF-8 bytes, with the end position of each; shapes (n_bytes,) and (n_texts,)."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), dtype=np.uint8).copy(), ends


def unpack_texts(packed: Bytes, ends: Ends) -> list[str]:
    """The inverse of ``pack_texts``."""
    whole = packed.tobytes()
    stops = ends.tolist()
    return [whole[start:stop].decode("utf-8", "surrogatepass") for start, stop in zip([0, *stops], stops, strict=False)]


def pack_arrays(arrays: Sequence[npt.NDArray[np.float64]]) -> tuple[npt.NDArray[np.float64], Ends]:
    """Concatenate one-dimensional arrays, with the end position of each."""
    ends = np.cumsum([len(array) for array in arrays], dtype=np.int64)
    return np.concatenate([np.zeros(0), *arrays]), ends


def unpack_arrays(packed: npt.NDArray[np.float64], ends: Ends) -> list[npt.NDArray[np.float64]]:
    """The inverse of ``pack_arrays``."""
    return list(np.split(packed, ends[:-1])) if len(ends) else []
