"""The final fit of an automatic choice, on all cores; its candidates had one core each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from joblib import cpu_count, parallel_config
from sklearn.ensemble import VotingClassifier, VotingRegressor

from modelbus.shared.tabular.predicting.threads import single_thread
from modelbus.trainer.fitting.spreading import is_spread


@contextmanager
def on_all_cores(estimator: Any) -> Iterator[None]:
    """Grow the trees of forests in parallel during a fit; the result is identical to the last bit.

    Libraries keep one thread each, as for candidates: on a busy machine, OpenMP and BLAS threads made gradient boosting
    and networks six to nine times slower than expected, which would exceed the time budget.

    Args:
        estimator: The estimator to fit. The members of a vote are fitted one after the other, because each may use all
            cores itself.
    """
    if is_spread():
        yield
        return
    is_vote = isinstance(estimator, VotingClassifier | VotingRegressor)
    if is_vote:
        estimator.set_params(n_jobs=1)
    try:
        with parallel_config("threading", n_jobs=cpu_count()), single_thread():
            yield
    finally:
        if is_vote:
            estimator.set_params(n_jobs=None)
