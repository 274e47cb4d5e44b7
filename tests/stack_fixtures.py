"""The local stack as fixtures: ``servers`` (Redis and MongoDB alone) and ``stack`` (the four services too).

``tests/conftest.py`` takes them over with ``pytest_plugins = ["tests.stack_fixtures"]``.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelbus.stack import LocalStack
from modelbus.stack.stack_errors import ServersUnavailable

QUICK_SETTINGS = {
    "MODELBUS_LEASE_S": "2",
    "MODELBUS_HEARTBEAT_S": "0.5",
    "MODELBUS_SWEEP_S": "0.5",
    "MODELBUS_STOP_GRACE_S": "1",
}
"""A lost worker is noticed within two seconds, and a stopping one hands back its work within one."""


@contextmanager
def started(stack: LocalStack) -> Iterator[LocalStack]:
    """Run a stack for a block; without servers on this machine skip the test, but fail it in CI."""
    try:
        stack.start()
    except ServersUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(error.message)
    try:
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A Redis and a MongoDB of this test run: ``mongo_url``, ``bus_url``."""
    with started(LocalStack(_folder(tmp_path_factory, "servers"), services=(), is_persistent=False)) as stack:
        yield stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """All of Modelbus, with servers of its own: ``gateway_url``, ``mongo_url``, ``bus_url``, ``kill``, ``restart``."""
    folder = _folder(tmp_path_factory, "stack")
    with started(LocalStack(folder, environment=QUICK_SETTINGS, is_persistent=False)) as stack:
        yield stack


@contextmanager
def guarded_gateway(stack: LocalStack, folder: Path, **keys: str) -> Iterator[LocalStack]:
    """Run another gateway of a stack, one that demands keys.

    Args:
        stack: Its servers and its other services are used.
        folder: An empty one.
        keys: The keys that operators give, as ``admin`` and ``metrics``.
    """
    secrets = folder / "secrets"
    secrets.mkdir()
    for name, key in keys.items():
        (secrets / f"modelbus_{name}_key").write_text(key)
    environment = {
        "MODELBUS_REQUIRE_KEYS": "true",
        "MODELBUS_SECRETS_DIR": str(secrets),
        "MODELBUS_KEY_CACHE_S": "0.2",
    }
    with LocalStack(
        folder / ".modelbus",
        services=("gateway",),
        bus_url=stack.bus_url,
        mongo_url=stack.mongo_url,
        environment=environment,
    ) as guarded:
        yield guarded


def _folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    return tmp_path_factory.mktemp(name) / ".modelbus"
