"""What a job may take: what its command says, within what the service allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelbus.shared.contracts import Predict
from modelbus.shared.settings import Settings


@dataclass(frozen=True)
class Limit:
    """A limit and who set it."""

    value: float
    source: str
    """A field of the command, or a setting."""


def time_limit(spec: Mapping[str, Any], settings: Settings) -> Limit:
    """Seconds that one attempt may run."""
    if spec.get("command") == Predict.__name__:
        return Limit(settings.predict_time_limit_s, "MODELBUS_PREDICT_TIME_LIMIT_S")
    return _least(spec, "time_s", settings.job_time_limit_s, "MODELBUS_JOB_TIME_LIMIT_S")


def memory_limit(spec: Mapping[str, Any], settings: Settings) -> Limit:
    """Bytes of address space that the job's process may add to what it starts with."""
    return _least(spec, "memory_bytes", settings.job_memory_limit_bytes, "MODELBUS_JOB_MEMORY_LIMIT_BYTES")


def _least(spec: Mapping[str, Any], name: str, allowed: float, setting: str) -> Limit:
    # a job's own limits are its contract's: `modelbus.shared.contracts.JobLimits`
    wanted = (spec.get("limits") or {}).get(name)
    return Limit(allowed, setting) if wanted is None or wanted >= allowed else Limit(wanted, f"limits.{name}")
