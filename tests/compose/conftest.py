"""One project for all tests: built and brought up once, taken down with its volumes at the end."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.compose.project import ROOT, Project, why_no_docker
from tests.e2e.api import Api
from tests.e2e.tables import numbers


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Everything, up and healthy."""
    if reason := why_no_docker():
        pytest.skip(reason)
    secrets = tmp_path_factory.mktemp("secrets")
    subprocess.run([ROOT / "deploy/make-secrets.sh", secrets], check=True, capture_output=True)
    project = Project(secrets)
    try:
        project.up("--build")
        yield project
    finally:
        project.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")


@pytest.fixture(scope="session")
def api(project: Project) -> Api:
    """Its HTTP door."""
    return project.api()


@pytest.fixture(scope="session")
def dataset(api: Api) -> str:
    """A small dataset."""
    return api.dataset(numbers(300), "numbers")


@pytest.fixture(scope="session")
def model(api: Api, dataset: str) -> str:
    """A model of it."""
    return str(api.train(dataset, "amount", "Ridge", features=["a", "b", "c"])["version"]["model"])
