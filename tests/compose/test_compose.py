"""What `docker compose up -d --build --wait` gives: it serves, it is confined, it scales, and it survives."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.compose.project import ROOT, SERVICES, START_S, Project
from tests.e2e.api import Api, fresh
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(3600)

OWN = ("gateway", "trainer", "predictor", "evaluator")
ROWS = {"rows": [{"a": 1.0, "b": 2.0, "c": 3.0}]}


def accept(api: Api, dataset: str, count: int) -> list[str]:
    """Ids of trainings that were accepted."""
    command = {"dataset": dataset, "target": "amount", "estimator": "Ridge", "features": ["a", "b", "c"]}
    answers = [api.post("/models", {**command, "model": fresh("model")}) for _ in range(count)]
    assert {answer.status for answer in answers} == {202}
    return [answer.correlation_id for answer in answers]


def all_succeed(api: Api, ids: list[str]) -> None:
    assert [api.ended_job(one, timeout_s=300)["status"] for one in ids] == ["succeeded"] * len(ids)


def alive(api: Api, service: str) -> list[dict[str, Any]]:
    return [one for one in api.get("/services").document["services"] if one["service"] == service and one["is_alive"]]


# --- it serves ---


def test_the_example_passes(project: Project) -> None:
    environment = {**os.environ, "MODELBUS_API_KEY": project.admin_key}
    command = [sys.executable, "examples/http_requests.py", "--url", project.url]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=START_S, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_key_made_inside_works_and_no_key_does_not(project: Project) -> None:
    made = project.attempt("gateway", "modelbus", "keys", "create", fresh("ci"), "--scope", "read")
    assert made.returncode == 0, made.stderr
    assert Api(project.url, made.stdout.strip()).get("/jobs").status == 200
    assert Api(project.url).get("/jobs").code == "unauthenticated"


def test_the_metrics_key_reads_metrics(project: Project) -> None:
    prometheus = Api(project.url, (project.secrets / "modelbus_metrics_key").read_text())
    assert b"modelbus_http_requests_total" in prometheus.get("/metrics").body
    seen = project.attempt(
        "gateway",
        "python",
        "-c",
        "import urllib.request as u; print(u.urlopen('http://trainer:9100/metrics').read().decode())",
    )
    assert 'modelbus_queue_messages{queue="train"}' in seen.stdout, seen.stderr


# --- it is confined ---


def test_only_the_gateway_is_published_and_only_on_loopback(project: Project) -> None:
    published = {
        service: [(port, one["HostIp"]) for port, bound in ports.items() for one in bound or []]
        for service in SERVICES
        if (ports := project.inspect(service)["NetworkSettings"]["Ports"])
    }
    assert {service: ports for service, ports in published.items() if ports} == {"gateway": [("8000/tcp", "127.0.0.1")]}


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_may_do_no_more_than_it_must(project: Project, service: str) -> None:
    host = project.inspect(service)["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["Memory"] > 0
    assert 0 < host["PidsLimit"] <= 512
    assert int(project.attempt(service, "id", "-u").stdout) > 0
    status = project.attempt(service, "cat", "/proc/1/status").stdout
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert (int(facts["CapEff"], 16), int(facts["CapBnd"], 16), facts["NoNewPrivs"].strip()) == (0, 0, "1")
    assert project.attempt(service, "touch", "/written").returncode != 0


@pytest.mark.parametrize("service", OWN)
def test_the_image_has_no_compiler_and_no_installer(project: Project, service: str) -> None:
    assert project.attempt(service, "sh", "-c", "command -v gcc cc").returncode != 0
    assert project.attempt(service, "/opt/modelbus/bin/python", "-m", "pip").returncode != 0


@pytest.mark.parametrize("service", OWN)
def test_secrets_are_in_files_alone(project: Project, service: str) -> None:
    hidden = [path.read_text() for path in project.secrets.iterdir()]
    shown = json.dumps(project.inspect(service)) + project.compose("logs", service)
    assert [secret for secret in hidden if secret in shown] == []


def test_redis_and_mongodb_ask_who_it_is(project: Project) -> None:
    assert "NOAUTH" in project.attempt("redis", "redis-cli", "keys", "*").stdout
    user = ["redis-cli", "--no-auth-warning", "--user", "modelbus", "--pass"]
    password = (project.secrets / "redis_password").read_text()
    assert project.attempt("redis", *user, password, "ping").stdout.strip() == "PONG"
    assert "NOPERM" in project.attempt("redis", *user, password, "flushall").stdout
    health = ["redis-cli", "--no-auth-warning", "--user", "health", "--pass", "any"]
    assert "NOPERM" in project.attempt("redis", *health, "get", "x").stdout
    peek = "db.getSiblingDB('modelbus').jobs.findOne()"
    refused = project.attempt("mongo", "mongosh", "--quiet", "--norc", "--eval", peek)
    assert "requires authentication" in refused.stdout + refused.stderr


def test_the_back_reaches_nothing_outside(project: Project) -> None:
    reach = "import socket; socket.create_connection(('1.1.1.1', 53), 3)"
    assert project.attempt("trainer", "python", "-c", reach).returncode != 0


# --- it scales ---


def test_three_predictors_share_the_work(project: Project, api: Api, model: str) -> None:
    project.up("--no-recreate", "--scale", "predictor=3")
    wait_until(lambda: len(alive(api, "predictor")) == 3, "three predictors are there", START_S)
    assert {api.post(f"/models/{model}/predict", ROWS).status for _ in range(60)} == {200}
    project.up("--no-recreate", "--scale", "predictor=1")
    wait_until(lambda: len(alive(api, "predictor")) == 1, "two have said goodbye", START_S)
    assert api.post(f"/models/{model}/predict", ROWS).status == 200


# --- it survives ---


@pytest.mark.parametrize("service", SERVICES)
def test_docker_kill_loses_no_accepted_job(project: Project, api: Api, dataset: str, model: str, service: str) -> None:
    accepted = accept(api, dataset, 5)
    project.docker("kill", project.containers(service)[0])
    if service not in ("gateway", "mongo"):
        accepted += accept(api, dataset, 3)
    # Docker takes its own `kill` for a wish, and starts the container again only when told to.
    project.up("--no-recreate")
    all_succeed(api, accepted)
    assert api.post(f"/models/{model}/predict?wait=60", ROWS).status == 200


@pytest.mark.parametrize("service", SERVICES)
def test_what_crashes_comes_back_by_itself(project: Project, api: Api, dataset: str, model: str, service: str) -> None:
    accepted = accept(api, dataset, 3)
    before = project.inspect(service)["RestartCount"]
    # The children of the init process: the service itself.
    kill = "kill -9 $(grep -l '^PPid:[[:space:]]*1$' /proc/[0-9]*/status | cut -d/ -f3)"
    project.attempt(service, "sh", "-c", kill)
    wait_until(lambda: project.inspect(service)["RestartCount"] > before, f"{service} is started again", START_S)
    project.wait_healthy(service)
    all_succeed(api, accepted)
    assert api.post(f"/models/{model}/predict?wait=60", ROWS).status == 200


@pytest.mark.parametrize("service", OWN)
def test_a_service_that_is_stopped_ends_in_order(project: Project, service: str) -> None:
    project.compose("stop", service)
    assert project.inspect(service)["State"]["ExitCode"] in (0, 143)
    assert "service.stopped" in project.compose("logs", "--tail", "5", service)
    project.up("--no-recreate")
