"""Instances of services, estimators and API keys in MongoDB."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from modelbus.shared.api_keys import Scope
from modelbus.shared.contracts.base import Task


class ServiceDocument(TypedDict):
    """An instance of a service; ``_id`` is its name, under which it claims jobs."""

    _id: str
    service: str
    queues: list[str]
    address: str
    pid: int
    host: str
    version: str
    jobs_running: int
    seen_at: datetime
    started_at: datetime


class SeenService(ServiceDocument):
    """An instance of a service with the age of its last heartbeat."""

    heartbeat_age_s: float


class ListedEstimator(TypedDict):
    """An estimator without its hyperparameters."""

    name: str
    task: Task
    description: str


class EstimatorDocument(ListedEstimator):
    """An estimator of the catalogue."""

    _id: str
    """The name."""
    module: str
    hyperparameters: NotRequired[dict[str, Any]]
    can_stream: NotRequired[bool]


class LeftOutDocument(TypedDict):
    """The estimators left out on purpose, with the reason by name."""

    _id: str
    reasons: dict[str, str]


class _KeyFields(TypedDict):
    owner: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class ToldApiKey(_KeyFields):
    """An API key for lists."""

    name: str


class ListedApiKey(_KeyFields):
    """An API key without its hash."""

    _id: str
    """The name."""


class ApiKeyDocument(ListedApiKey):
    """A complete API key."""

    sha256: str
