"""All settings of all services, read from ``MODELBUS_*`` variables; built once, in an entry point, and passed down.

A variable that is not set is read from a file of the same name in lower case (``modelbus_mongo_url``) in the folder
``MODELBUS_SECRETS_DIR``, by default ``/run/secrets``.

Every default suits a single machine. ``docs/settings.md`` repeats names, defaults and texts by hand, in sections of its
own; ``tests/unit/gateway/test_documentation.py`` compares both.
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from modelbus.shared.api_keys import ApiKeySecret

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """Settings of one process; frozen."""

    model_config = SettingsConfigDict(
        env_prefix="MODELBUS_",
        frozen=True,
        use_attribute_docstrings=True,
        extra="ignore",
        hide_input_in_errors=True,  # it may be a URL with a password
    )

    mongo_url: SecretStr = SecretStr("mongodb://127.0.0.1:27017/?replicaSet=rs0")
    """The URL of MongoDB: a replica set (one node is enough), because retryable writes need one."""
    mongo_database: str = Field("modelbus", pattern=r"^[A-Za-z0-9_-]{1,38}$")
    """The database for jobs, datasets, models, evaluations and files."""
    bus_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    """The URL of the broker, in any form that kombu supports. The hardened transport is for Redis only."""

    gateway_host: str = "127.0.0.1"
    """The address that the gateway listens on."""
    gateway_port: int = Field(8000, ge=0, le=65535)
    """The port that the gateway listens on; 0 takes a free one."""
    require_keys: bool = False
    """Whether a gateway on a loopback address requires API keys; on any other address it always does."""
    admin_key: ApiKeySecret | None = None
    """An API key with scope `admin` that is not stored in MongoDB, for creating the first keys."""
    metrics_key: ApiKeySecret | None = None
    """An API key with scope `metrics` that is not stored in MongoDB, for Prometheus."""
    key_cache_s: float = Field(5.0, ge=0)
    """Seconds that a gateway caches an API key; a revoked key may work for that long."""
    allowed_hosts: str | None = None
    """Comma-separated host names that requests may use, besides loopback's; unset: all with API keys, none without."""
    health_host: str = "127.0.0.1"
    """The address for a worker service's /health/live, /health/ready and /metrics."""
    health_port: int = Field(0, ge=0, le=65535)
    """The port for them; 0 takes a free one, which the service's record in MongoDB names."""
    port_file: str | None = None
    """A file to which the service writes its port once it is ready."""

    lease_s: float = Field(15.0, gt=0)
    """Seconds that a running job stays with its worker after the last heartbeat."""
    heartbeat_s: float = Field(5.0, gt=0)
    """Seconds between heartbeats of a running job; well below `lease_s`."""
    sweep_s: float = Field(2.0, gt=0)
    """Seconds between sweeps for expired leases and lost messages."""
    republish_s: float = Field(5.0, gt=0)
    """Seconds before a queued job's message may be sent again (1 if its queue is empty); doubles, up to 300."""
    max_attempts: int = Field(3, ge=1, le=100)
    """Maximum attempts at a job before it is dead."""
    retry_backoff_s: float = Field(1.0, ge=0)
    """Seconds before the second attempt at a job after a retryable error; doubles with each attempt."""
    cancel_grace_s: float = Field(2.0, ge=0)
    """Seconds between SIGTERM and SIGKILL for a job's process."""
    keep_best_grace_s: float = Field(300.0, ge=0)
    """Seconds that a cancelled search with `keep_best_on_cancel` has to refit its best candidate."""

    job_time_limit_s: float = Field(3600.0, gt=0)
    """Maximum seconds for one attempt at a job."""
    job_memory_limit_bytes: int = Field(8 * 1024 * MEBIBYTE, ge=64 * MEBIBYTE)
    """Maximum address space that a job's process may add to what it starts with, in bytes."""
    concurrency: int = Field(1, ge=1, le=256)
    """Number of jobs that each lane of a service runs at once, each in its own process."""

    dask_scheduler: SecretStr | None = None
    """The address of a Dask scheduler, such as `tcp://10.0.0.5:8786`; large fits then run on its workers."""
    dask_minimum_cells: int = Field(4_000_000, ge=0)
    """Minimum cells (rows times encoded features) of a fit that runs on Dask: one tree takes about a second."""

    message_limit_bytes: int = Field(4 * MEBIBYTE, ge=1024)
    """Maximum size of a message; a larger one is quarantined. The gateway accepts JSON bodies of half of it."""
    upload_limit_bytes: int = Field(10 * 1024 * MEBIBYTE, ge=1)
    """Maximum size of an upload."""
    preview_bytes: int = Field(MEBIBYTE, ge=4096)
    """Number of bytes of a file that a preview reads; a Parquet file is read whole."""
    column_limit: int = Field(2000, ge=1)
    """Maximum number of columns of a table."""
    line_limit_bytes: int = Field(MEBIBYTE, ge=64)
    """Maximum size of one record of a table, in bytes."""
    unseen_warning_fraction: float = Field(0.1, ge=0, le=1)
    """Minimum fraction of rows with values unseen in training, in one column, for a warning."""
    predict_rows_limit: int = Field(10_000, ge=1)
    """Maximum rows in one prediction command, over HTTP and on the queue; upload more as a dataset."""
    predict_batch_limit: int = Field(256, ge=1)
    """Maximum predictions in one message, and maximum messages that a predictor takes at once."""
    backlog_limit: int = Field(10_000, ge=1)
    """Maximum jobs that may wait in one queue; further ones are refused until some are done."""
    predict_wait_s: float = Field(10.0, ge=0)
    """Seconds that an interactive prediction waits before it is answered 202."""
    predict_slow_s: float = Field(2.0, gt=0)
    """Seconds that one model may delay the predictions of others; slower ones run in a process of their own."""
    predict_time_limit_s: float = Field(60.0, gt=0)
    """Maximum seconds for an interactive prediction, and for loading its model."""
    predict_isolated_limit: int = Field(4, ge=1, le=256)
    """Maximum interactive predictions that run in their own processes at once, being slow or likely to crash."""
    upload_wait_s: float = Field(30.0, ge=0)
    """Seconds that an upload, a page or an export waits for its result before it is answered 202."""
    wait_limit_s: float = Field(60.0, ge=0)
    """Maximum `wait` of a request, in seconds."""
    event_heartbeat_s: float = Field(15.0, gt=0)
    """Seconds without an event after which an event stream sends a comment to keep the connection open."""
    event_stream_limit: int = Field(256, ge=0)
    """Maximum number of open event streams per gateway; further ones are refused."""
    model_cache_bytes: int = Field(2 * 1024 * MEBIBYTE, ge=1)
    """Maximum memory for the models that a predictor keeps loaded; the least recently used are evicted."""
    artifact_limit_bytes: int = Field(4 * 1024 * MEBIBYTE, ge=1)
    """Maximum size of a model's unpacked artifact."""
    result_inline_bytes: int = Field(MEBIBYTE, ge=1024)
    """Maximum size of a result that is stored in its job; larger ones go to GridFS."""

    job_retention_days: float = Field(30, gt=0)
    """Days that a finished job is kept."""
    dead_retention_days: float = Field(90, gt=0)
    """Days that a dead job is kept for a replay."""
    orphan_grace_s: float = Field(24 * 3600.0, gt=0)
    """Seconds before an unreferenced file is removed."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The lowest level that is logged."""
    log_format: Literal["json", "console"] = "json"
    """Format of log lines on stdout: one JSON object each, or text for a terminal."""
    log_shipping: bool = True
    """Whether log lines are also stored in MongoDB, for reading over HTTP."""
    log_retention_s: float = Field(7 * 24 * 3600.0, gt=0)
    """Seconds that a log line is stored in MongoDB."""
    log_limit_bytes: int = Field(1024 * MEBIBYTE, ge=MEBIBYTE)
    """Approximate maximum size of stored log lines; the oldest are removed first."""
    log_buffer_bytes: int = Field(8 * MEBIBYTE, ge=65536)
    """Maximum size of log lines that a process buffers while MongoDB is down; the oldest are dropped and counted."""
    stop_grace_s: float = Field(10.0, ge=0)
    """Seconds that a stopping service gives its running jobs before it releases them."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes all sources
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then secret files where there are any."""
        folder = Path(os.environ.get("MODELBUS_SECRETS_DIR") or "/run/secrets")
        secrets = (SecretsSettingsSource(settings_cls, folder),) if folder.is_dir() else ()
        return init_settings, env_settings, *secrets
