"""The client has the whole of HTTP: each operation has a method that asks just that, and can say all of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from modelbus import Client
from modelbus.shared.contracts import ParseOptions
from tests.twins import BlockedClient
from tests.unit.mock_gateway import OPERATIONS, MockGateway, first, query_of

ID: Final = "0b5c1e0e-5c0a-4e0b-9d7d-2f6a4f1c9a11"
ROW: Final = [{"size": 2.0, "color": "red"}]
SINCE: Final = "2026-01-31T12:00:00Z"
LINES: Final[dict[str, Any]] = {"level": "info", "since": SINCE, "limit": 5}

TABLE: Final[dict[str, list[Callable[[Any], Any]]]] = {
    "GET /": [lambda client: client.about()],
    "GET /services": [lambda client: client.services()],
    "GET /health/live": [lambda client: client.is_alive()],
    "GET /health/ready": [lambda client: client.readiness()],
    "GET /metrics": [lambda client: client.metrics()],
    "GET /openapi.json": [lambda client: client.openapi()],
    "GET /asyncapi.json": [lambda client: client.asyncapi()],
    "POST /datasets/preview": [
        lambda client: client.datasets.preview(Path("shop.csv"), format="csv", options={"delimiter": ","}, row_limit=3)
    ],
    "POST /datasets": [
        lambda client: client.datasets.start_upload(
            Path("shop.csv"), "s", format="csv", target="price", options={"a": 1}
        )
    ],
    "GET /datasets": [lambda client: client.datasets.list()],
    "GET /datasets/{name}": [lambda client: client.datasets.get("shop")],
    "DELETE /datasets/{name}": [lambda client: client.datasets.delete("shop", force=True)],
    "GET /datasets/{name}/rows": [lambda client: client.datasets.rows("shop", offset=1, limit=2, columns=["size"])],
    "GET /datasets/{name}/content": [lambda client: client.datasets.download("shop", "saved.csv", formulas="kept")],
    "GET /estimators": [lambda client: client.estimators.list(task="regression")],
    "GET /estimators/{name}": [lambda client: client.estimators.get("Ridge")],
    "POST /models": [lambda client: client.train("prices", "shop", "price", estimator="Ridge")],
    "POST /models/validate": [lambda client: client.check_training("prices", "shop", "price", estimator="Ridge")],
    "GET /models": [lambda client: client.models.list()],
    "POST /models/{reference}/retrain": [lambda client: client.models.retrain("prices@2")],
    "GET /models/{name}": [lambda client: client.models.get("prices")],
    "DELETE /models/{name}": [lambda client: client.models.delete("prices")],
    "GET /models/{name}/versions/{version}": [lambda client: client.models.version("prices@2")],
    "PATCH /models/{name}/versions/{version}": [lambda client: client.models.tag("prices@2", {"a": "b"})],
    "DELETE /models/{name}/versions/{version}": [lambda client: client.models.delete_version("prices@2", force=True)],
    "GET /models/{name}/versions/{version}/artifact": [
        lambda client: client.models.download_artifact("prices@2", "prices.skops")
    ],
    "GET /models/{name}/versions/{version}/usage": [lambda client: client.models.usage("prices@2")],
    "GET /models/{name}/versions/{version}/candidates": [lambda client: client.models.candidates("prices@2")],
    "PUT /models/{name}/aliases/{alias}": [lambda client: client.models.set_alias("prices", "champion", 2)],
    "DELETE /models/{name}/aliases/{alias}": [lambda client: client.models.remove_alias("prices", "champion")],
    "POST /models/{reference}/predict": [
        lambda client: client.predict("prices", ROW),
        lambda client: client.predict_dataset("prices", "shop"),
    ],
    "GET /predictions/{correlation_id}/content": [lambda client: _table(client).download("saved.csv")],
    "GET /evaluations/compare": [lambda client: client.evaluations.compare(["first", "second"])],
    "GET /evaluations/{id}/plots": [lambda client: client.evaluations.plots("first")],
    "GET /evaluations/{id}/plots/{file}": [
        lambda client: client.evaluations.plot("first", "residuals"),
        lambda client: client.evaluations.download_plot("first", "residuals", "saved.svg"),
    ],
    "POST /evaluations": [
        lambda client: client.evaluate("prices", "shop"),
        lambda client: client.evaluate_predictions("shop", "price", "guess", task="regression"),
    ],
    "GET /evaluations": [lambda client: client.evaluations.list(model="prices", dataset="shop")],
    "GET /evaluations/{id}": [lambda client: client.evaluations.get("first")],
    "DELETE /evaluations/{id}": [lambda client: client.evaluations.delete("first")],
    "POST /models/{reference}/explain": [lambda client: client.explain("prices", repeats=2).result()],
    "POST /models/{reference}/predict/explain": [lambda client: client.explain_prediction("prices", ROW).result()],
    "POST /models/{reference}/learning-curve": [lambda client: client.learning_curve("prices").result()],
    "POST /models/{reference}/drift": [lambda client: client.drift("prices", since="7d").result()],
    "GET /jobs": [
        lambda client: client.jobs.list(
            status="failed", command="Predict", model="prices", dataset="shop", since="7d", until=SINCE, limit=5
        )
    ],
    "GET /jobs/{correlation_id}": [lambda client: client.jobs.get(ID)],
    "DELETE /jobs/{correlation_id}": [lambda client: client.jobs.cancel(ID)],
    "POST /jobs/{correlation_id}/replay": [lambda client: client.jobs.replay(ID)],
    "GET /events": [lambda client: first(client.events(command="Predict", status="queued"))],
    "GET /jobs/{correlation_id}/events": [lambda client: first(client.jobs.get(ID).events())],
    "GET /logs": [
        lambda client: client.logs(["trainer", "gateway"], correlation_id=ID, **LINES),
        lambda client: first(client.follow_logs(["trainer", "gateway"], correlation_id=ID, **LINES)),
    ],
    "GET /services/{name}/logs": [
        lambda client: client.logs("trainer", correlation_id=ID, **LINES),
        lambda client: first(client.follow_logs("trainer", correlation_id=ID, **LINES)),
    ],
    "GET /jobs/{correlation_id}/logs": [
        lambda client: client.jobs.get(ID).logs(**LINES),
        lambda client: first(client.jobs.get(ID).follow_logs(**LINES)),
    ],
    "GET /jobs/{correlation_id}/plots": [lambda client: client.jobs.get(ID).plots()],
    "GET /jobs/{correlation_id}/plots/{file}": [
        lambda client: client.jobs.get(ID).plot("importance"),
        lambda client: client.jobs.get(ID).download_plot("importance", "saved.svg"),
    ],
    "GET /dead-letters": [lambda client: client.dead_letters.list(kind="job", queue="train", before="7d", limit=5)],
    "DELETE /dead-letters": [
        lambda client: client.dead_letters.purge(kind="job", queue="train", before="7d", is_all=True)
    ],
    "GET /dead-letters/{letter_id}": [lambda client: client.dead_letters.get(ID)],
    "PUT /dead-letters/{letter_id}": [
        lambda client: client.dead_letters.edit(ID, spec={"command": "Predict"}),
        lambda client: client.dead_letters.edit(ID, body=[{"command": "Predict"}]),
    ],
    "DELETE /dead-letters/{letter_id}": [lambda client: client.dead_letters.remove(ID)],
    "GET /dead-letters/{letter_id}/content": [lambda client: client.dead_letters.content(ID)],
    "POST /dead-letters/{letter_id}/replay": [lambda client: client.dead_letters.replay(ID)],
    "POST /keys": [lambda client: client.api_keys.create("ci", "submit", owner="team", expires_days=90)],
    "GET /keys": [lambda client: client.api_keys.list()],
    "DELETE /keys/{name}": [lambda client: client.api_keys.revoke("ci")],
}
"""By operation, the methods that ask for it, with all that they can say in a query string."""

WITHOUT_METHOD: Final = {"GET /docs": "a page for people, in a browser"}

PARTS_OF_OPTIONS: Final = ParseOptions.model_fields.keys() - {"columns"}
UNSAID: Final = {
    "wait": "of commands: a job is waited for by asking for the job, so that a broken connection ends no wait",
    "cursor": "lists turn their pages themselves",
    **dict.fromkeys(PARTS_OF_OPTIONS, "for those who type; the client says them all at once, in options"),
}
"""What query strings may say and the client need not, and why."""


@pytest.fixture(params=[Client, BlockedClient], ids=["blocking", "asynchronous"])
def asked(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    """Each twin in turn, and the gateway that it asks."""
    monkeypatch.chdir(tmp_path)
    Path("shop.csv").write_text("size,color,price\n1.5,red,10\n")
    gateway = MockGateway()
    with request.param("http://gateway", retry_s=0) as client:
        kind = httpx.Client if request.param is Client else httpx.AsyncClient
        http = kind(base_url="http://gateway", transport=gateway.transport(), headers={"Accept": "application/json"})
        getattr(client, "_inner", client)._transport._http = http
        yield client, gateway


def test_each_operation_has_a_method_or_a_reason_to_have_none() -> None:
    assert TABLE.keys() | WITHOUT_METHOD.keys() == OPERATIONS.keys()
    assert not TABLE.keys() & WITHOUT_METHOD.keys()


@pytest.mark.parametrize("operation", TABLE)
def test_its_method_asks_for_it_and_reads_the_answer_that_is_documented(
    asked: tuple[Any, MockGateway], operation: str
) -> None:
    client, gateway = asked
    for ask in TABLE[operation]:
        gateway.asked.clear()
        ask(client)
        assert operation in gateway.asked


@pytest.mark.parametrize("operation", [name for name in TABLE if query_of(name)])
def test_its_methods_can_say_whatever_the_query_string_may(asked: tuple[Any, MockGateway], operation: str) -> None:
    client, gateway = asked
    for ask in TABLE[operation]:
        ask(client)
    assert gateway.asked[operation] <= query_of(operation), "what the gateway would refuse"
    assert query_of(operation) - gateway.asked[operation] <= UNSAID.keys()


def test_no_reason_is_given_for_what_is_not_there() -> None:
    assert set().union(*map(query_of, OPERATIONS)) >= UNSAID.keys()


def _table(client: Any) -> Any:
    """A table of predictions, as its job leaves it."""
    job = client.predict_dataset("prices", "shop")
    return job.result(progress=False)
