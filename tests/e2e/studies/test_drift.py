"""Drift of a dataset, and of what was predicted since a time: the report, the event, the metric."""

import http.client
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from modelbus.shared.contracts import DriftFound
from tests.e2e.api import Api
from tests.e2e.doors import Door
from tests.e2e.heard_events import HeardEvents
from tests.e2e.tables import PARCEL, parcels
from tests.waiting import wait_until


def report(api: Api, model: str, **body: Any) -> dict[str, Any]:
    answer = api.post(f"/models/{model}/drift?wait=80", body)
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.document
    return found


def shifted(text: str) -> str:
    """The same parcels, heavier, and all from a town that nobody knew."""
    head, *lines = text.splitlines()
    changed = [head]
    for line in lines:
        number, weight, *_, sent_on, express, remark, tariff = line.split(",")
        heavier = f"{float(weight) + 40:.2f}" if weight else ""
        changed.append(",".join([number, heavier, "Utopia", sent_on, express, remark, tariff]))
    return "\n".join(changed) + "\n"


@pytest.fixture
def served(api: Api, parcel_dataset: str) -> str:
    """A model that nobody has asked anything yet."""
    features = ["weight", "city", "sent_on", "express"]
    return str(api.train(parcel_dataset, "tariff", "DecisionTreeClassifier", features=features)["version"]["model"])


def test_a_shifted_copy_has_drifted_in_exactly_the_shifted_columns(
    api: Api, parcel_model: str, events: HeardEvents
) -> None:
    found = report(api, parcel_model, dataset=api.dataset(shifted(parcels(300)), "shifted"))

    assert found["has_drifted"]
    assert found["drifted_columns"] == ["weight", "city"]
    by_name = {column["name"]: column for column in found["columns"]}
    assert by_name["city"]["unseen"] == {"count": 300, "rate": 1.0, "values": [{"value": "Utopia", "count": 300}]}
    assert found["predictions"]["has_drifted"]
    heard = wait_until(
        lambda: [event for event in events.of(found["correlation_id"]) if event["event"] == "DriftFound"],
        "the event is heard",
        20,
    )
    assert heard
    event = DriftFound.model_validate(heard[0])
    assert (event.model, event.version, event.columns) == (parcel_model, 1, ["weight", "city"])
    assert event.has_drifted_predictions


def test_other_rows_of_the_same_kind_have_not_drifted(api: Api, parcel_model: str, events: HeardEvents) -> None:
    found = report(api, parcel_model, dataset=api.dataset(parcels(300, seed=77), "unshifted"))

    assert (found["has_drifted"], found["drifted_columns"]) == (False, [])
    assert found["current"]["row_count"] == 300
    assert not [event for event in events.of(found["correlation_id"]) if event["event"] == "DriftFound"]


def test_a_threshold_says_what_drift_is(api: Api, parcel_model: str, parcel_dataset: str) -> None:
    shifted_dataset = api.dataset(shifted(parcels(300)), "shifted")

    by_rate, by_nothing = (
        report(api, parcel_model, dataset=shifted_dataset, thresholds=thresholds)
        for thresholds in ({"psi": None, "unseen_rate": 0.1}, {"psi": None})
    )

    assert by_rate["drifted_columns"] == ["city"]
    assert not by_nothing["has_drifted"]


def test_drift_is_counted(api: Api, served: str) -> None:
    report(api, served, dataset=api.dataset(shifted(parcels(60)), "shifted"))

    def counted() -> str | None:
        found = [
            re.search(rf'^modelbus_drift_found_total{{model="{served}",version="1"}} 1.0$', text, re.MULTILINE)
            for text in map(metrics_of, evaluator_ports(api))
        ]
        return "counted" if any(found) else None

    assert wait_until(counted, "the metric counts", 20)


def evaluator_ports(api: Api) -> list[str]:
    services = api.get("/services").document["services"]
    return [service["address"] for service in services if service["service"] == "evaluator"]


def metrics_of(address: str) -> str:
    """What a service counts; nothing, if it was killed by a test and is still listed."""
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    except ConnectionError:
        return ""
    finally:
        connection.close()


def test_rows_that_were_predicted_since_a_time_are_compared(api: Api, served: str) -> None:
    since = datetime.now(UTC).isoformat()
    nothing = report(api, served, since=since)
    assert (nothing["current"]["row_count"], nothing["columns"], nothing["has_drifted"]) == (0, [], False)
    assert nothing["warnings"] == ["there are no rows to compare, so drift is unknown"]
    heavy = [{**PARCEL, "weight": 100 + number} for number in range(30)]
    for start in range(0, 30, 10):
        assert api.post(f"/models/{served}/predict", {"rows": heavy[start : start + 10]}).status == 200
    other = api.dataset(shifted(parcels(40)), "bulk")
    assert api.post(f"/models/{served}/predict?wait=80", {"dataset": other}).status == 200

    found = report(api, served, since=since)

    current = found["current"]
    assert (current["row_count"], current["request_count"], current["dataset_count"]) == (70, 3, 1)
    assert (current["is_capped"], current["lost_count"]) == (False, 0)
    assert "weight" in found["drifted_columns"]
    later = report(api, served, since=datetime.now(UTC).isoformat())
    assert later["current"]["row_count"] == 0


def test_what_another_version_predicted_is_not_counted_and_lost_rows_are(
    api: Api, served: str, parcel_dataset: str
) -> None:
    since = datetime.now(UTC).isoformat()
    bulk = api.dataset(parcels(30), "bulk")
    for reference in (served, f"{served}@1"):
        assert api.post(f"/models/{reference}/predict", {"rows": [PARCEL]}).status == 200
    assert api.post(f"/models/{served}/predict?wait=80", {"dataset": bulk}).status == 200
    assert api.delete(f"/datasets/{bulk}?force=true").status == 204
    api.train(parcel_dataset, "tariff", "GaussianNB", model=served, features=["weight"])
    assert api.post(f"/models/{served}/predict", {"rows": [{"weight": 3}] * 5}).status == 200

    first, second = (report(api, f"{served}@{version}", since=since)["current"] for version in (1, 2))

    assert (first["row_count"], first["request_count"], first["lost_count"]) == (2, 2, 1)
    assert (second["row_count"], second["request_count"], second["lost_count"]) == (5, 1, 0)


def test_the_newest_rows_are_taken_and_the_report_says_that_there_are_more(api: Api, served: str) -> None:
    since = datetime.now(UTC).isoformat()
    for weight in (1, 99):
        rows = [{**PARCEL, "weight": weight}] * 80
        assert api.post(f"/models/{served}/predict", {"rows": rows}).status == 200

    current = report(api, served, since=since, row_limit=100)

    assert current["current"]["is_capped"]
    assert current["current"]["row_count"] == 100


def of_towns(name: str, row_count: int) -> str:
    """Of twenty rows each, parcels of one town; of all others, and of the last column, no two are alike."""
    lines = (f"{name if row % 20 else f'{name} {row}'},{name} {row},{row % 7}" for row in range(row_count))
    return "town,label,weight\n" + "\n".join(lines) + "\n"


def test_a_column_whose_values_are_all_new_has_drifted_by_either_door(api: Api, door: Door) -> None:
    dataset = api.dataset(of_towns("Ghent", 400), "towns")
    model = api.train(dataset, "weight", "Ridge", features=["town", "label"])["version"]["model"]
    other = api.dataset(of_towns("Utopia", 15), "towns")

    outcome = door.send({"command": "ReportDrift", "model": model, "dataset": other, "has_plots": False})

    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    town, label = outcome.result["columns"]
    assert town["statistics"][0]["value"] > 0.2
    assert outcome.result["drifted_columns"] == ["town"]
    assert town["distribution"]["x"] == ["Ghent", "(unseen)"]
    assert town["distribution"]["reference"] == [0.95, 0.05]
    assert label["distribution"] == {"name": "label", "x": ["(unseen)"], "reference": [1.0], "current": [1.0]}


def test_a_column_without_any_value_is_unknown_by_either_door(api: Api, served: str, door: Door) -> None:
    head, *lines = parcels(60).splitlines()
    emptied = [",".join([number, "", *rest]) for number, _, *rest in (line.split(",") for line in lines)]
    other = api.dataset("\n".join([head, *emptied]) + "\n", "weightless")
    thresholds = {"psi": None, "kolmogorov_smirnov": 0.3}

    outcome = door.send({"command": "ReportDrift", "model": served, "dataset": other, "thresholds": thresholds})

    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    assert outcome.result["drifted_columns"] == ["weight"]
    told = "kolmogorov_smirnov of 'weight' is unknown and counts as drift: the compared rows have no value"
    assert outcome.result["warnings"] == [told]
    (weight,) = (column for column in outcome.result["columns"] if column["name"] == "weight")
    (statistic,) = (each for each in weight["statistics"] if each["name"] == "kolmogorov_smirnov")
    assert (statistic["value"], statistic["by_chance"], statistic["reason"]) == (
        None,
        None,
        "the compared rows have no value",
    )
