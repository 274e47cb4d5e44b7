"""Fits spread over a Dask cluster: by joblib's own backend, which scikit-learn's estimators use for what they do in
parallel (the trees of a forest, the members of a vote or a bag, the classes of one-vs-rest).

It pays where one part takes a second or more: a task costs milliseconds, and its rows travel. Without a scheduler, with
one that does not answer, or where it would not pay, a fit is local.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, Final

import structlog
from joblib import parallel_config

log = structlog.get_logger()

_CONNECT_S: Final = 5
_WORKERS_S: Final = 10

_CLUSTER: ContextVar[Any] = ContextVar("cluster", default=None)
"""The client of the cluster over which fits are spread now."""


@contextmanager
def spread_over(scheduler: str | None, cell_count: int, least_cells: int) -> Iterator[None]:
    """Let the fits of a block be spread over a cluster, if there is one and it pays.

    Args:
        scheduler: The scheduler's address; None where there is no cluster.
        cell_count: Rows times encoded features.
        least_cells: With how many of them a fit is worth it.
    """
    client = _connect(scheduler) if scheduler is not None and cell_count >= least_cells else None
    if client is None:
        yield
        return
    token = _CLUSTER.set(client)
    try:
        with client:
            log.info("fit.spread", scheduler=scheduler, workers=len(client.scheduler_info()["workers"]))
            yield
    finally:
        _CLUSTER.reset(token)


def is_spread() -> bool:
    """Whether what is fitted now is spread over a cluster."""
    return _CLUSTER.get() is not None


def on_cluster() -> AbstractContextManager[Any]:
    """A context in which joblib works on the cluster, with all its workers; to be entered where ``is_spread``."""
    config: AbstractContextManager[Any] = parallel_config(
        "dask", client=_CLUSTER.get(), wait_for_workers_timeout=_WORKERS_S
    )
    return config


def _connect(scheduler: str) -> Any:
    """A client of the scheduler; None, and a warning, where that cannot be had."""
    try:
        from distributed import Client

        connect: Any = Client  # untyped
        client = connect(scheduler, timeout=_CONNECT_S)
    except ImportError:
        log.warning("fit.not_spread", reason="distributed is not installed: pip install 'modelbus[dask]'")
    except (OSError, ValueError) as error:
        log.warning("fit.not_spread", reason=f"{type(error).__name__}: {error}"[:500], scheduler=scheduler)
    else:
        if client.scheduler_info()["workers"]:
            return client
        client.close()
        log.warning("fit.not_spread", reason="the scheduler has no workers", scheduler=scheduler)
    return None
