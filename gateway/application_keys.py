"""The typed keys of the application and of requests."""

from aiohttp import web

from modelbus.shared.bus import Publisher
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.async_blobs import AsyncBlobStore
from modelbus.shared.store.jobs.dataset_readings import Readings
from modelbus.shared.store.jobs.gateway_jobs import JobRecords
from modelbus.shared.store.letters.dead_letters import DeadLetters
from modelbus.shared.store.logs.log_reading import LogLines
from modelbus.shared.store.records.api_key_store import ApiKeys
from modelbus.shared.store.records.catalog_reader import CatalogReader

SETTINGS: web.AppKey[Settings] = web.AppKey("settings", Settings)
JOBS: web.AppKey[JobRecords] = web.AppKey("jobs", JobRecords)
CATALOG: web.AppKey[CatalogReader] = web.AppKey("catalog", CatalogReader)
READINGS: web.AppKey[Readings] = web.AppKey("readings", Readings)
DEAD_LETTERS: web.AppKey[DeadLetters] = web.AppKey("dead_letters", DeadLetters)
LOG_LINES: web.AppKey[LogLines] = web.AppKey("log_lines", LogLines)
BLOBS: web.AppKey[AsyncBlobStore] = web.AppKey("blobs", AsyncBlobStore)
API_KEYS: web.AppKey[ApiKeys] = web.AppKey("api_keys", ApiKeys)
PROBE: web.AppKey[Publisher] = web.AppKey("probe", Publisher)
"""Reads queue depths and the broker's health; used from executor threads."""
CORRELATION_ID: web.RequestKey[str] = web.RequestKey("correlation_id", str)
"""The correlation id of a request."""
