"""All settings of all services, read from ``MODELBUS_*`` variables; built once, in an entry point, and passed down.

What is not in the environment is looked for in files, named as the variables in lower case (``modelbus_mongo_url``), in
the folder ``MODELBUS_SECRETS_DIR``, or where containers have their secrets: ``/run/secrets``.

Every setting has a default that suits one machine. ``docs/settings.md`` is made from this file.
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
    """Where MongoDB is: a replica set (one node is enough), because retryable writes need one."""
    mongo_database: str = Field("modelbus", pattern=r"^[A-Za-z0-9_-]{1,38}$")
    """The database that holds jobs, datasets, models, evaluations and their blobs."""
    bus_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    """Where the broker is: any URL that kombu understands. Redis has the hardened transport."""

    gateway_host: str = "127.0.0.1"
    """The address the gateway listens on."""
    gateway_port: int = Field(8000, ge=0, le=65535)
    """The port the gateway listens on; 0 takes a free one."""
    require_keys: bool = False
    """Whether a gateway on a loopback address demands API keys too; on any other address it always does."""
    admin_key: ApiKeySecret | None = None
    """An API key with scope `admin` that is in no record: to make the first ones with."""
    metrics_key: ApiKeySecret | None = None
    """An API key with scope `metrics` that is in no record: for Prometheus."""
    key_cache_s: float = Field(5.0, ge=0)
    """Seconds that a gateway remembers an API key without asking MongoDB: so long a revoked one may still work."""
    allowed_hosts: str | None = None
    """Host names, comma-separated, under which the gateway may be asked; one that demands no keys has loopback's."""
    health_host: str = "127.0.0.1"
    """The address on which a consumer answers /health/live, /health/ready and /metrics."""
    health_port: int = Field(0, ge=0, le=65535)
    """The port for that; 0 takes a free one (the service's record in MongoDB names it)."""
    port_file: str | None = None
    """A file to which the service writes the port that it listens on, once it is ready."""

    lease_s: float = Field(15.0, gt=0)
    """Seconds after its last heartbeat that a running job still belongs to its worker."""
    heartbeat_s: float = Field(5.0, gt=0)
    """Seconds between two heartbeats of a running job; well under `lease_s`."""
    sweep_s: float = Field(2.0, gt=0)
    """Seconds between two sweeps for lapsed leases and jobs whose message was lost."""
    republish_s: float = Field(5.0, gt=0)
    """Seconds until a queued job is published again; doubles each time, to 300 at most."""
    max_attempts: int = Field(3, ge=1, le=100)
    """How often a job is tried before it is dead."""
    retry_backoff_s: float = Field(1.0, ge=0)
    """Seconds before the second attempt of a job that failed retryably; doubles with each attempt."""
    cancel_grace_s: float = Field(2.0, ge=0)
    """Seconds between SIGTERM and SIGKILL for a job's process."""
    keep_best_grace_s: float = Field(300.0, ge=0)
    """Seconds that a cancelled search which is to keep its best has to end the fit in hand and to fit the best."""

    job_time_limit_s: float = Field(3600.0, gt=0)
    """Seconds that one attempt of a job may run."""
    job_memory_limit_bytes: int = Field(8 * 1024 * MEBIBYTE, ge=64 * MEBIBYTE)
    """Bytes of address space that one job's process may add to what it starts with."""
    concurrency: int = Field(1, ge=1, le=256)
    """How many jobs a consumer runs at once, each in its own process."""

    dask_scheduler: SecretStr | None = None
    """The address of a Dask scheduler, such as `tcp://10.0.0.5:8786`: fits that are worth it run on its workers."""
    dask_minimum_cells: int = Field(4_000_000, ge=0)
    """With how many cells (rows times encoded features) a fit is worth it: one tree takes about a second."""

    message_limit_bytes: int = Field(4 * MEBIBYTE, ge=1024)
    """A larger message is quarantined; the gateway refuses a body of more than half of it."""
    upload_limit_bytes: int = Field(10 * 1024 * MEBIBYTE, ge=1)
    """A larger upload is refused."""
    preview_bytes: int = Field(MEBIBYTE, ge=4096)
    """How much of a file a preview reads; of a Parquet file, all."""
    column_limit: int = Field(2000, ge=1)
    """A table with more columns is refused."""
    line_limit_bytes: int = Field(MEBIBYTE, ge=64)
    """A table with a longer record is refused."""
    unseen_warning_fraction: float = Field(0.1, ge=0, le=1)
    """From which fraction of the rows on values of a column that did not occur in training are warned of."""
    predict_rows_limit: int = Field(10_000, ge=1)
    """More rows than this in one prediction request are refused: upload them as a dataset."""
    predict_batch_limit: int = Field(256, ge=1)
    """How many predictions at most travel in one message, and how many messages a predictor takes at once."""
    backlog_limit: int = Field(10_000, ge=1)
    """How many jobs may wait for one queue's workers before further ones are refused, until some are done."""
    predict_wait_s: float = Field(10.0, ge=0)
    """Seconds that an interactive prediction waits before it is answered 202."""
    predict_slow_s: float = Field(2.0, gt=0)
    """Seconds that one model's rows may hold up those of others; what takes longer is predicted in its own process."""
    predict_time_limit_s: float = Field(60.0, gt=0)
    """Seconds that an interactive prediction may run, and that the loading of its model may take."""
    predict_isolated_limit: int = Field(4, ge=1, le=256)
    """How many interactive predictions at once have a process of their own, being slow or suspected of crashing."""
    upload_wait_s: float = Field(30.0, ge=0)
    """Seconds that an upload waits for its profile, and a page or an export for its rows, before it is answered 202."""
    wait_limit_s: float = Field(60.0, ge=0)
    """The longest `wait` that a request may ask for."""
    event_heartbeat_s: float = Field(15.0, gt=0)
    """Seconds without an event after which a stream of events says that it is still there."""
    event_stream_limit: int = Field(256, ge=0)
    """How many streams of events the gateway keeps open at once; further ones are refused."""
    model_cache_bytes: int = Field(2 * 1024 * MEBIBYTE, ge=1)
    """How much memory the predictor's loaded models may take; beyond it the least recently used go."""
    artifact_limit_bytes: int = Field(4 * 1024 * MEBIBYTE, ge=1)
    """A model whose artifact unpacks to more than this is refused."""
    result_inline_bytes: int = Field(MEBIBYTE, ge=1024)
    """A larger result is kept in GridFS instead of in its job."""

    job_retention_days: float = Field(30, gt=0)
    """Days that a finished job is kept."""
    dead_retention_days: float = Field(90, gt=0)
    """Days that a dead job is kept, so that it can be replayed."""
    orphan_grace_s: float = Field(24 * 3600.0, gt=0)
    """Seconds before a blob that belongs to nothing is removed."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least level that is logged."""
    log_format: Literal["json", "console"] = "json"
    """How lines look on stdout: one JSON object each, or text for people's eyes."""
    log_shipping: bool = True
    """Whether lines are kept in MongoDB too, so that they can be read back over HTTP."""
    log_retention_s: float = Field(7 * 24 * 3600.0, gt=0)
    """Seconds that a line is kept there."""
    log_limit_bytes: int = Field(1024 * MEBIBYTE, ge=MEBIBYTE)
    """About how much is kept there; beyond it the oldest lines go before their time."""
    log_buffer_bytes: int = Field(8 * MEBIBYTE, ge=65536)
    """How much of lines each process holds while MongoDB is away; beyond it the oldest are lost, and counted."""
    stop_grace_s: float = Field(10.0, ge=0)
    """Seconds that a stopping service gives the work in hand before it hands it back."""

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
