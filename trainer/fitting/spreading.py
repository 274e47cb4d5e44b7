"""Fits on a Dask cluster, with joblib's Dask backend: scikit-learn's estimators use joblib for their parallel parts
(the trees of a forest, the members of a vote or a bag, the classes of one-vs-rest).

This pays off if one part takes a second or more: each task costs milliseconds and transfers its rows. A fit is local if
there is no scheduler, if it does not respond, or if the table is too small.
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
"""The client of the cluster that fits currently use."""


@contextmanager
def spread_over(scheduler: str | None, cell_count: int, minimum_cells: int) -> Iterator[None]:
    """Run the fits of a block on a cluster, if there is one and the table is large enough.

    Args:
        scheduler: The scheduler's address; None without a cluster.
        cell_count: Rows times encoded features.
        minimum_cells: The minimum of it for which a cluster is used.
    """
    client = _connect(scheduler) if scheduler is not None and cell_count >= minimum_cells else None
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
    """Whether fits currently run on a cluster."""
    return _CLUSTER.get() is not None


def on_cluster() -> AbstractContextManager[Any]:
    """A context in which joblib uses all workers of the cluster; only if ``is_spread``."""
    config: AbstractContextManager[Any] = parallel_config(
        "dask", client=_CLUSTER.get(), wait_for_workers_timeout=_WORKERS_S
    )
    return config


def _connect(scheduler: str) -> Any:
    """Connect to the scheduler; on failure, log a warning and return None."""
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
