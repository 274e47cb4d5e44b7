"""Thousands, percent, units, titles, spaces: the same options with the same outcome at both doors, and in a preview."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from modelbus.shared.bus import Publisher
from tests.e2e.api import Api, form, fresh
from tests.e2e.doors import QueueDoor

SALES = 'Sales of 2024\nshop, revenue, share, price\na, "1,234.50", 12 %, 12.50 USD\nb, "(900.10)", 5.5%, 13.00 USD\n'
OPTIONS: dict[str, Any] = {
    "skip_lines": 1,
    "skip_initial_space": True,
    "thousands_mark": ",",
    "percent": "fraction",
    "units": ["USD", "€"],
    "has_accounting_signs": True,
}
COLUMNS = {"revenue": [1234.5, -900.1], "share": [0.12, 0.055], "price": [12.5, 13.0]}


def by_query(api: Api, text: str, name: str, options: dict[str, Any]) -> dict[str, Any]:
    fields = {one: str(value).lower() if isinstance(value, bool) else value for one, value in options.items()}
    query = urlencode({"name": name, "wait": 60, **fields}, doseq=True)
    answer = api.post(f"/datasets?{query}", text.encode(), headers={"Content-Type": "text/csv"})
    assert answer.status == 201, answer
    return answer.document


def by_form(api: Api, text: str, name: str, options: dict[str, Any]) -> dict[str, Any]:
    body, headers = form(file=("sales.csv", "text/csv", text), name=name, options=json.dumps(options))
    answer = api.post("/datasets?wait=60", body, headers=headers)
    assert answer.status == 201, answer
    return answer.document


@pytest.fixture(params=["query", "form", "queue"])
def uploaded(request: pytest.FixtureRequest, api: Api, publisher: Publisher) -> Any:
    """What uploads a text with options, and gives the dataset's record."""

    def by_queue(api: Api, text: str, name: str, options: dict[str, Any]) -> dict[str, Any]:
        source = {"kind": "inline", "text": text}
        command = {"command": "ProfileDataset", "dataset": name, "source": source, "format": "csv", "options": options}
        assert QueueDoor(api, publisher).send(command).status == "succeeded"
        document: dict[str, Any] = api.get(f"/datasets/{name}").document
        return document

    kinds = {"query": by_query, "form": by_form, "queue": by_queue}
    return lambda text, options: kinds[request.param](api, text, fresh("written"), options)


def test_numbers_as_people_write_them_are_read_where_the_options_say_so(api: Api, uploaded: Any) -> None:
    record = uploaded(SALES, OPTIONS)

    rows = api.get(f"/datasets/{record['name']}/rows").document["rows"]
    assert {name: [row[name] for row in rows] for name in COLUMNS} == COLUMNS
    forms = {column["name"]: column["number_form"] for column in record["columns"]}
    assert (forms["shop"], forms["share"]["percent"], forms["price"]["unit"]) == (None, "fraction", "USD")


def test_without_options_they_stay_text_and_the_options_are_told(uploaded: Any) -> None:
    record = uploaded(SALES.replace("(900.10)", "900.10"), {"skip_lines": 1})

    assert [column["type"] for column in record["columns"]] == ["text"] * 4
    told = {alert["column"]: alert["message"] for alert in record["alerts"] if alert["code"] == "number_like_text"}
    for name, words in (("revenue", "thousands_mark=','"), ("share", "percent=fraction"), ("price", 'units=["USD"]')):
        assert words in told[name]
        assert "(line 3)" in told[name]


def test_training_on_a_column_with_an_odd_cell_says_what_it_is(api: Api, uploaded: Any) -> None:
    rows = "".join(f"{number / 2},{number % 2}\n" for number in range(200))
    record = uploaded(f"x,y\n{rows}#DIV/0!,1\n", {})

    for target, feature, estimator in (("y", "x", "LogisticRegression"), ("x", "y", "Ridge")):
        learnt = {"target": target, "features": [feature], "estimator": estimator}
        answer = api.post("/models?wait=60", {"model": fresh("odd"), "dataset": record["name"], **learnt})
        said = json.dumps(answer.document)
        assert "examined values are numbers" in said, said
        assert "exclude it" not in said
        assert "classifier" not in said


def test_a_preview_takes_the_same_options(api: Api) -> None:
    body, headers = form(file=("sales.csv", "text/csv", SALES), options=json.dumps(OPTIONS))

    answer = api.post("/datasets/preview?wait=60", body, headers=headers)

    assert answer.status == 200, answer
    assert [{name: row[name] for name in COLUMNS} for row in answer.document["rows"]] == [
        dict(zip(COLUMNS, values, strict=True)) for values in zip(*COLUMNS.values(), strict=True)
    ]
