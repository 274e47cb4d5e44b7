"""What the tests of requests share: the gateway's own application, with nothing behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from modelbus.gateway.app import create_app
from modelbus.gateway.http_server import GatewayRunner
from modelbus.shared.settings import Settings
from tests.unit.gateway.asked_gateway import AskedGateway


@pytest.fixture
async def gateway() -> AsyncIterator[AskedGateway]:
    """The application on loopback, without MongoDB and Redis: it answers what it refuses before it needs them."""
    async with served() as gateway:
        yield gateway


@pytest.fixture
async def guarded() -> AsyncIterator[AskedGateway]:
    """The same, where it demands keys."""
    async with served(require_keys=True) as gateway:
        yield gateway


class ServedApplication(TestServer):
    """Serves as the gateway itself does."""

    async def _make_runner(self, **options: Any) -> web.AppRunner:
        return GatewayRunner(self.app, **{**options, "handler_cancellation": False})


@asynccontextmanager
async def served(**settings: Any) -> AsyncIterator[AskedGateway]:
    app = create_app(Settings.model_validate(settings))
    app.cleanup_ctx.clear()  # that opens what is behind it
    async with TestClient(ServedApplication(app)) as client:
        yield AskedGateway(client)
