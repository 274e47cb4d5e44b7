"""The limits of a job: those of its command, within those of the service."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelbus.shared.contracts import Predict
from modelbus.shared.settings import Settings


@dataclass(frozen=True)
class Limit:
    """A limit and its source."""

    value: float
    source: str
    """A field of the command, or a setting."""


def time_limit(spec: Mapping[str, Any], settings: Settings) -> Limit:
    """Maximum seconds of an attempt."""
    if spec.get("command") == Predict.__name__:
        return Limit(settings.predict_time_limit_s, "MODELBUS_PREDICT_TIME_LIMIT_S")
    return _minimum(spec, "time_s", settings.job_time_limit_s, "MODELBUS_JOB_TIME_LIMIT_S")


def memory_limit(spec: Mapping[str, Any], settings: Settings) -> Limit:
    """Maximum address space of the job's process in bytes, in addition to what it starts with."""
    return _minimum(spec, "memory_bytes", settings.job_memory_limit_bytes, "MODELBUS_JOB_MEMORY_LIMIT_BYTES")


def _minimum(spec: Mapping[str, Any], name: str, allowed: float, setting: str) -> Limit:
    # the limits of a command: `modelbus.shared.contracts.JobLimits`
    wanted = (spec.get("limits") or {}).get(name)
    return Limit(allowed, setting) if wanted is None or wanted >= allowed else Limit(wanted, f"limits.{name}")
