"""Two metrics computed by the quickest way, for the selection of an ensemble, which measures thousands of times.

What they answer is what scikit-learn's functions do but for the last bits; these check and convert for longer than they
compute.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]


def rank_auc(truth: npt.NDArray[Any], _answers: npt.NDArray[Any], probabilities: Any) -> float | None:
    """The area under the ROC curve from ranks (Mann and Whitney 1947), each class against the rest.

    Args:
        truth: Class codes, shape (n_rows,).
        _answers: Not looked at.
        probabilities: Shape (n_rows, n_classes).

    Returns:
        The mean over the classes; of two classes that of the second. None where a class has no row.
    """
    class_count = probabilities.shape[1]
    counts = np.bincount(truth, minlength=class_count).astype(np.float64)
    if (counts == 0).any():
        return None
    columns = probabilities[:, 1:] if class_count == 2 else probabilities
    codes = range(1, 2) if class_count == 2 else range(class_count)
    ranks = rankdata(columns, axis=0)
    sums = np.array([ranks[truth == code, place].sum() for place, code in enumerate(codes)])
    own = counts[list(codes)]
    areas = (sums - own * (own + 1) / 2) / (own * (len(truth) - own))
    return float(areas.mean())


def mean_recall(truth: npt.NDArray[Any], answers: npt.NDArray[Any], _probabilities: Any) -> float:
    """Balanced accuracy: the mean over the classes that occur of the share of their rows that was found."""
    counts = np.bincount(truth)
    found = np.bincount(truth[truth == answers], minlength=len(counts))
    occurs = counts > 0
    return float(np.mean(found[occurs] / counts[occurs]))
