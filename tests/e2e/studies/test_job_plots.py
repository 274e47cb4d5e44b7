"""Plots of what a job found out, over HTTP: drawn from the result's own figures, and gone when the job is gone."""

import io
import re
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from pymongo.database import Database

from modelbus.shared.bus import Publisher
from modelbus.shared.contracts.metric_names import metrics_for
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from tests.e2e.api import Api
from tests.e2e.tables import PARCEL, numbers
from tests.waiting import wait_until

ANY_AGE = -1
"""A grace that has passed for what was written just now."""


@pytest.fixture(scope="module")
def explained(api: Api, parcel_model: str) -> dict[str, Any]:
    """An explanation of columns of every type."""
    body = {"columns": ["weight", "city", "sent_on", "express"], "repeats": 3}
    answer = api.post(f"/models/{parcel_model}/explain?wait=60", body)
    assert answer.status == 200, answer
    explanation: dict[str, Any] = answer.document
    return explanation


def plots_of(api: Api, correlation_id: str) -> dict[str, Any]:
    """The points of all plots of a job, each read where the list says; its SVG is checked."""
    listed = api.get(f"/jobs/{correlation_id}/plots")
    assert (listed.status, listed.document["correlation_id"]) == (200, correlation_id)
    found = {}
    for plot in listed.document["plots"]:
        drawn, points = api.get(plot["svg"]), api.get(plot["json"])
        assert (drawn.status, drawn.headers["Content-Type"]) == (200, "image/svg+xml")
        assert drawn.headers["Content-Disposition"].startswith("inline")
        assert b"<script" not in drawn.body
        assert ET.fromstring(drawn.body).tag.endswith("svg")
        assert (points.status, points.document["name"]) == (200, plot["name"])
        found[plot["name"]] = points.document
    return found


def stored_files(database: Database[Document], correlation_id: str) -> list[Document]:
    return database["fs.files"].find({"metadata.correlation_id": correlation_id}).to_list()


def test_an_explanation_is_drawn_from_its_own_figures(api: Api, explained: dict[str, Any]) -> None:
    plots = plots_of(api, explained["correlation_id"])

    dependences = {one["column"]: one for one in explained["partial_dependence"]}
    assert list(plots) == explained["plots"] == ["importance", *(f"partial_dependence_{name}" for name in dependences)]
    (bars,) = plots["importance"]["layers"]
    columns = explained["importance"]["columns"]
    assert bars["names"] == [each["column"] for each in columns]
    assert bars["y"] == [each["mean"] for each in columns]
    assert bars["y_low"] == [each["mean"] - each["standard_deviation"] for each in columns]
    for name, dependence in dependences.items():
        plot = plots[f"partial_dependence_{name}"]
        assert [layer["y"] for layer in plot["layers"]] == [curve["y"] for curve in dependence["curves"]]
    assert plots["partial_dependence_weight"]["layers"][0]["x"] == dependences["weight"]["x"]
    assert "missing values" in plots["partial_dependence_weight"]["layers"][0]["label"]
    assert plots["partial_dependence_city"]["layers"][0]["names"] == dependences["city"]["x"]
    assert plots["partial_dependence_sent_on"]["has_dates"]


def test_a_plot_is_known_by_its_etag(api: Api, explained: dict[str, Any]) -> None:
    place = f"/jobs/{explained['correlation_id']}/plots/importance.svg"
    first = api.get(place)

    again = api.get(place, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert re.search("importance.svg$", first.headers["Content-Disposition"])


def test_a_learning_curve_is_drawn_from_its_own_figures(api: Api, number_dataset: str) -> None:
    model = api.train(number_dataset, "amount", "Ridge", features=["a", "b", "c"])["version"]["model"]
    curve = api.post(f"/models/{model}/learning-curve?wait=60", {"fractions": [0.1, 0.5, 1.0]}).document

    plots = plots_of(api, curve["correlation_id"])

    # some metrics are not defined where numbers are below 0
    searched = metrics_for("search", "regression")
    defined = [one for one in curve["curves"] if one["hold_out"] != [None] * 3 and one["name"] in searched]
    assert list(plots) == curve["plots"] == [f"learning_curve_{one['name']}" for one in defined]
    assert len(curve["curves"]) > len(defined) >= 7
    for one in defined:
        training, hold_out = plots[f"learning_curve_{one['name']}"]["layers"]
        assert (training["x"], training["y"]) == (curve["x"], one["training"])
        assert (hold_out["x"], hold_out["y"]) == (curve["x"], one["hold_out"])


def test_drift_is_drawn_where_there_is_some(api: Api, amount_model: str, number_dataset: str) -> None:
    frame = pd.read_csv(io.StringIO(numbers(400, seed=8)))
    shifted = api.dataset(frame.assign(a=frame["a"] + 3).to_csv(index=False), "shifted")
    reports = [
        api.post(f"/models/{amount_model}/drift?wait=60", {"dataset": dataset}).document
        for dataset in (number_dataset, shifted)
    ]

    none, some = (plots_of(api, report["correlation_id"]) for report in reports)

    assert (none, reports[0]["plots"]) == ({}, [])
    assert list(some) == reports[1]["plots"]
    assert set(some) >= {"drift", *(f"drift_{name}" for name in reports[1]["drifted_columns"])}
    columns = {each["name"]: each for each in reports[1]["columns"]}
    for name in reports[1]["drifted_columns"]:
        distribution = columns[name]["distribution"]
        layers = some[f"drift_{name}"]["layers"]
        assert [layer["y"] for layer in layers] == [distribution["reference"], distribution["current"]]


def test_plots_that_nobody_wanted_are_not_drawn(api: Api, amount_model: str, database: Database[Document]) -> None:
    body = {"row_limit": 50, "repeats": 1, "has_plots": False}
    explanation = api.post(f"/models/{amount_model}/explain?wait=60", body).document

    assert (explanation["plots"], plots_of(api, explanation["correlation_id"])) == ([], {})
    assert stored_files(database, explanation["correlation_id"]) == []
    missing = api.get(f"/jobs/{explanation['correlation_id']}/plots/importance.svg")
    assert (missing.status, missing.code) == (404, "not_found")
    assert "its plots are none" in missing.detail


def test_plots_are_there_by_the_queues_door_too(api: Api, publisher: Publisher, amount_model: str) -> None:
    correlation_id = str(uuid4())
    command = {"command": "ExplainModel", "model": amount_model, "kinds": ["importance"], "repeats": 2}
    publisher.send("evaluate", command, correlation_id=correlation_id)
    wait_until(lambda: api.get(f"/jobs/{correlation_id}").status == 200, "the command is recorded")
    job = api.ended_job(correlation_id)

    assert list(plots_of(api, correlation_id)) == job["result"]["plots"] == ["importance"]
    assert "files" not in job


def test_plots_go_when_their_job_is_forgotten(api: Api, amount_model: str, database: Database[Document]) -> None:
    body = {"kinds": ["importance"], "repeats": 1, "seed": 4}
    correlation_id = api.post(f"/models/{amount_model}/explain?wait=60", body).correlation_id
    blobs = BlobStore(database)
    blobs.remove_orphans(ANY_AGE)
    files = stored_files(database, correlation_id)
    assert [file["metadata"]["state"] for file in files] == ["live"] * 2, "they are the job's as long as it is there"

    database["jobs"].delete_one({"_id": correlation_id})
    blobs.remove_orphans(ANY_AGE)

    assert stored_files(database, correlation_id) == []
    assert database["fs.chunks"].count_documents({"files_id": {"$in": [file["_id"] for file in files]}}) == 0
    gone = api.get(f"/jobs/{correlation_id}/plots")
    assert (gone.status, gone.code) == (404, "unknown_job")


@pytest.mark.parametrize("file", ["luck.svg", "importance.png", "importance"])
def test_a_plot_that_is_not_there_is_not_found(api: Api, explained: dict[str, Any], file: str) -> None:
    answer = api.get(f"/jobs/{explained['correlation_id']}/plots/{file}")

    assert (answer.status, answer.code) == (404, "not_found")
    assert "importance.svg" in answer.detail


@pytest.mark.parametrize("file", ["", "/importance.svg"])
def test_a_job_that_draws_nothing_says_so(api: Api, parcel_model: str, file: str) -> None:
    predicted = api.post(f"/models/{parcel_model}/predict", {"rows": [PARCEL]})

    answer = api.get(f"/jobs/{predicted.correlation_id}/plots{file}")

    assert (answer.status, answer.code) == (404, "not_found")
    assert "is a Predict job; only " in answer.detail
    assert "ExplainModel" in answer.detail


@pytest.mark.parametrize("file", ["", "/importance.svg"])
def test_a_job_that_has_not_succeeded_has_no_plots(api: Api, slow_model: str, many_rows: str, file: str) -> None:
    body = {"dataset": many_rows, "row_limit": 15_000, "repeats": 50}
    accepted = api.post(f"/models/{slow_model}/explain", body, headers={"X-Correlation-ID": str(uuid4())})
    place = f"/jobs/{accepted.correlation_id}/plots{file}"

    early = api.get(place)
    api.delete(f"/jobs/{accepted.correlation_id}")
    api.ended_job(accepted.correlation_id)
    late = api.get(place)

    assert [(answer.status, answer.code) for answer in (early, late)] == [(409, "conflict")] * 2
    assert re.search(r"is (queued|running); plots exist only after it has succeeded", early.detail)
    assert "is cancelled" in late.detail


def test_an_unknown_job_has_no_plots(api: Api) -> None:
    answers = [api.get(f"/jobs/{uuid4()}/plots{file}") for file in ("", "/importance.svg")]

    assert [(answer.status, answer.code) for answer in answers] == [(404, "unknown_job")] * 2


def test_an_evaluations_plots_are_found_by_its_job_until_it_is_deleted(
    api: Api, parcel_model: str, parcel_dataset: str, database: Database[Document]
) -> None:
    record = api.post("/evaluations?wait=60", {"model": parcel_model, "dataset": parcel_dataset}).document
    correlation_id = record["correlation_id"]

    plots = plots_of(api, correlation_id)
    BlobStore(database).remove_orphans(ANY_AGE)
    by_evaluation, by_job = (
        api.get(f"{place}/plots/roc.svg").body for place in (f"/evaluations/{record['id']}", f"/jobs/{correlation_id}")
    )

    assert list(plots) == record["plots"]
    assert by_evaluation == by_job
    api.delete(f"/evaluations/{record['id']}")
    gone = api.get(f"/jobs/{correlation_id}/plots")
    assert (gone.status, gone.code) == (404, "not_found")
    assert "was deleted with its plots" in gone.detail
