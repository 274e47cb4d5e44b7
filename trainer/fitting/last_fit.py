"""The last fit of a choice, by all cores: what its candidates had one core each for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from joblib import cpu_count, parallel_config
from sklearn.ensemble import VotingClassifier, VotingRegressor

from modelbus.shared.tabular.predicting.threads import single_thread
from modelbus.trainer.fitting.spreading import is_spread


@contextmanager
def on_all_cores(estimator: Any) -> Iterator[None]:
    """Let the trees of forests grow side by side while something is fitted; the fit is the same to the last bit.

    All libraries keep one thread, as candidates had: beside other work a team of OpenMP's or BLAS' threads took six to
    nine times as long as expected (gradient boosting, networks), and the time would be over.

    Args:
        estimator: What is fitted. The members of a vote are fitted one after the other: each may use all cores itself,
            and more than that at once would only wait for each other.
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
