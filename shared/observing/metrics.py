"""All Prometheus metrics; their names follow the recommendations of prometheus.io (base units, ``_total``)."""

import threading
from collections.abc import Sequence
from typing import Final

from cachetools import LRUCache
from prometheus_client import Counter, Gauge, Histogram

SERIES_LIMIT: Final = 500
"""Maximum series of a metric whose labels users choose: names of models and numbers of versions."""


class RecentCounter:
    """A counter with labels that users choose, which keeps only the most recent series.

    A series that returns starts at 0, which Prometheus treats as a restart.
    """

    def __init__(self, name: str, documentation: str, labels: Sequence[str], limit: int = SERIES_LIMIT) -> None:
        """Args:
        name: The metric's name.
        documentation: Its help text.
        labels: The names of its labels.
        limit: Maximum number of series.
        """
        self._counter = Counter(name, documentation, labels)
        self._recent = _Series(self._counter, limit)
        self._lock = threading.Lock()

    def labels(self, *values: object) -> Counter:
        """The counter for these label values, to be incremented at once."""
        key = tuple(map(str, values))
        with self._lock:
            self._recent[key] = None
            return self._counter.labels(*key)


class _Series(LRUCache[tuple[str, ...], None]):
    """The series of a counter by label values."""

    def __init__(self, counter: Counter, limit: int) -> None:
        super().__init__(limit)
        self._counter = counter

    def popitem(self) -> tuple[tuple[str, ...], None]:
        key, value = super().popitem()
        self._counter.remove(*key)
        return key, value


_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600)

JOBS_FINISHED = Counter(
    "modelbus_jobs_finished_total", "Jobs that were finished by this process.", ["command", "status"]
)
JOB_SECONDS = Histogram(
    "modelbus_job_seconds", "Duration of an attempt of a job in seconds.", ["command"], buckets=_SECONDS
)
JOBS_RUNNING = Gauge("modelbus_jobs_running", "Jobs that this process is running.")
QUEUE_MESSAGES = Gauge(
    "modelbus_queue_messages",
    "Messages waiting on a queue, including its poison queue, as last seen by this process.",
    ["queue"],
)
JOBS_LAPSED = Counter("modelbus_jobs_lapsed_total", "Jobs whose lease lapsed because their worker stopped responding.")
JOBS_REPUBLISHED = Counter(
    "modelbus_jobs_republished_total", "Messages of queued jobs that were sent again.", ["queue"]
)
COMMANDS_REFUSED = Counter(
    "modelbus_commands_refused_total", "Commands that were refused because they violate their contract.", ["queue"]
)
MESSAGES_POISONED = Counter(
    "modelbus_messages_poisoned_total", "Messages that could not be read and were quarantined.", ["queue"]
)
DEAD_LETTERS = Gauge("modelbus_dead_letters", "Dead letters: dead jobs and quarantined messages.", ["kind", "queue"])
PREDICT_BATCH = Histogram(
    "modelbus_predict_batch_requests",
    "Prediction requests per batch.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
PREDICTED_ROWS = RecentCounter(
    "modelbus_predicted_rows_total", "Rows predicted by interactive requests.", ["model", "version"]
)
PREDICT_INCIDENTS = RecentCounter(
    "modelbus_predict_incidents_total",
    "Cells of predicted rows that were coerced, unseen or missing, and extra columns.",
    ["model", "version", "incident"],
)
ENGINES_LOST = Counter(
    "modelbus_predict_engines_lost_total",
    "Prediction processes that were lost: `crashed`, or `overrun` if they were ended for blocking others too long.",
    ["reason"],
)
MODEL_LOADS = Counter("modelbus_model_loads_total", "Models that were loaded from their artifacts.")
MODEL_CACHE_BYTES = Gauge(
    "modelbus_model_cache_bytes", "Estimated memory of the models that the predictor has loaded, in bytes."
)
DRIFT_FOUND = RecentCounter("modelbus_drift_found_total", "Drift reports that found drift.", ["model", "version"])
SENDER_LOST = Counter(
    "modelbus_sender_lost_total",
    "Items that a background sender could not send: events, commands (whose jobs are sent again) or log lines.",
    ["sender"],
)
SENDER_SILENT = Gauge(
    "modelbus_sender_silent", "1 while the destination of a background sender does not respond, else 0.", ["sender"]
)
SENDER_WAITING = Gauge("modelbus_sender_waiting", "Items waiting in a background sender.", ["sender"])
HTTP_REQUESTS = Counter(
    "modelbus_http_requests_total", "HTTP requests that were answered.", ["method", "route", "status"]
)
HTTP_SECONDS = Histogram(
    "modelbus_http_request_seconds",
    "Duration from request to response in seconds.",
    ["method", "route"],
    buckets=_SECONDS,
)
