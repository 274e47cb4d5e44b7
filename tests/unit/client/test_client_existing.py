"""Uploads under a name that exists: refused, kept, or replaced, and a kept dataset is told apart from another one."""

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pandas as pd
import pytest

from modelbus import Client, errors
from modelbus.gateway.description import examples
from tests.twins import BlockedClient

TABLE = b"size,color,price\n1.5,red,10\n"
FRAME = pd.DataFrame({"size": [1.5] * 6, "color": ["red"] * 6, "price": [10] * 6})


@dataclass
class Shop:
    """A gateway with at most one dataset, ``shop``."""

    dataset: dict[str, Any] | None
    sha256: str | None = None
    refusal: tuple[int, str] | None = None
    preview: dict[str, Any] = field(default_factory=lambda: examples.PREVIEW)
    calls: list[str] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        path = request.url.path
        self.calls.append(f"{request.method} {path}")
        if path == "/datasets/preview":
            return self._problem(*self.refusal) if self.refusal else httpx.Response(200, json=self.preview)
        if path == "/datasets":
            return httpx.Response(202, json=examples.JOB, headers={"X-Correlation-ID": examples.CORRELATION_ID})
        if path.startswith("/jobs/"):
            spec = {"source": {"kind": "upload", "sha256": self.sha256}}
            job = {**examples.JOB, "status": "succeeded", "spec": spec, "result": {"dataset": examples.DATASET}}
            return httpx.Response(200, json=job) if self.sha256 else self._problem(404, "unknown_job")
        if self.dataset is None:
            return self._problem(404, "unknown_dataset")
        return httpx.Response(204) if request.method == "DELETE" else httpx.Response(200, json=self.dataset)

    def _problem(self, status: int, code: str) -> httpx.Response:
        kind = {"Content-Type": "application/problem+json"}
        return httpx.Response(status, json={"code": code, "detail": code, "errors": []}, headers=kind)


@pytest.fixture(params=[Client, BlockedClient], ids=["blocking", "asynchronous"])
def opened(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Opens each twin in turn at a shop."""
    with request.param("http://gateway", retry_s=0) as client:

        def open_at(shop: Shop) -> Any:
            kind = httpx.Client if request.param is Client else httpx.AsyncClient
            http = kind(base_url="http://gateway", transport=httpx.MockTransport(shop.answer))
            getattr(client, "_inner", client)._transport._http = http
            return client

        yield open_at


def of_size(size_bytes: int) -> dict[str, Any]:
    return {**examples.DATASET, "source_size_bytes": size_bytes}


def test_by_default_the_gateway_decides_and_nothing_else_is_asked(opened: Any) -> None:
    shop = Shop(examples.DATASET)
    opened(shop).datasets.start_upload(TABLE, "shop")
    assert shop.calls == ["POST /datasets"]


@pytest.mark.parametrize("if_exists", ["skip", "replace"])
def test_what_does_not_exist_is_uploaded(opened: Any, if_exists: str) -> None:
    shop = Shop(None)
    opened(shop).datasets.start_upload(TABLE, "shop", if_exists=if_exists)
    assert shop.calls == ["GET /datasets/shop", "POST /datasets"]


@pytest.mark.parametrize("sha256", [hashlib.sha256(TABLE).hexdigest(), None])
def test_the_same_file_is_skipped_without_a_word(opened: Any, sha256: str | None) -> None:
    shop = Shop(of_size(len(TABLE)), sha256)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = opened(shop).datasets.upload(TABLE, "shop", if_exists="skip")
    assert kept.name == "shop"
    assert "POST /datasets" not in shop.calls


def test_a_kept_dataset_has_a_job_that_has_succeeded(opened: Any) -> None:
    job = opened(Shop(of_size(len(TABLE)))).datasets.start_upload(TABLE, "shop", if_exists="skip")
    assert (job.correlation_id, job.status) == (examples.CORRELATION_ID, "succeeded")
    assert job.refresh().status == "succeeded"
    assert job.result().name == "shop"


@pytest.mark.parametrize(
    ("source", "shop", "difference"),
    [
        (TABLE, Shop(of_size(3)), "the file differs from the original: 28 bytes instead of 3"),
        (TABLE, Shop(of_size(len(TABLE)), "0" * 64), "the file differs from the original;"),
        (FRAME.head(2), Shop(examples.DATASET), "the table has 2 rows instead of 6"),
        (FRAME.rename(columns={"price": "cost"}), Shop(examples.DATASET), "other columns"),
    ],
)
def test_another_content_is_warned_of(opened: Any, source: Any, shop: Shop, difference: str) -> None:
    with pytest.warns(errors.TableWarning, match=f"dataset 'shop' exists and was kept, but .*{difference}") as caught:
        assert opened(shop).datasets.upload(source, "shop", if_exists="skip").name == "shop"
    assert "if_exists='replace'" in str(caught[0].message)


def test_the_same_frame_is_skipped_without_a_word(opened: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened(Shop(examples.DATASET)).datasets.upload(FRAME, "shop", if_exists="skip")


@pytest.mark.parametrize("force", [False, True])
def test_a_dataset_is_replaced_once_the_new_file_can_be_read(opened: Any, force: bool) -> None:
    shop = Shop(examples.DATASET)
    opened(shop).datasets.start_upload(TABLE, "shop", if_exists="replace", force=force)
    assert shop.calls == ["GET /datasets/shop", "POST /datasets/preview", "DELETE /datasets/shop", "POST /datasets"]


def test_a_file_that_is_no_table_replaces_nothing(opened: Any) -> None:
    shop = Shop(examples.DATASET, refusal=(422, "malformed_table"))
    with pytest.raises(errors.MalformedTable):
        opened(shop).datasets.upload(TABLE, "shop", if_exists="replace")
    assert "DELETE /datasets/shop" not in shop.calls


def test_a_file_with_rows_that_cannot_be_read_replaces_nothing_unless_they_are_skipped(opened: Any) -> None:
    fault = {"where": "line 2", "problem": "1 field", "expected": "3 fields"}
    shop = Shop(examples.DATASET, preview={**examples.PREVIEW, "skipped_row_count": 2, "skipped_rows": [fault]})
    with pytest.raises(errors.MalformedTable, match=r"line 2: 1 field; expected 3 fields \(and 1 more\)") as caught:
        opened(shop).datasets.upload(TABLE, "shop", if_exists="replace")
    assert caught.value.details == [fault]
    assert "DELETE /datasets/shop" not in shop.calls
    opened(shop).datasets.start_upload(TABLE, "shop", if_exists="replace", on_bad_rows="skip")
    assert "DELETE /datasets/shop" in shop.calls


def test_a_table_that_cannot_be_sent_replaces_nothing(opened: Any) -> None:
    shop = Shop(examples.DATASET)
    with pytest.raises(errors.UnfitTable):
        opened(shop).datasets.upload(pd.DataFrame({"a": [[1]]}), "shop", if_exists="replace")
    assert shop.calls == []


def test_options_of_reading_come_as_keywords_or_as_a_mapping(opened: Any) -> None:
    asked: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params.get("options"))
        return httpx.Response(202, json=examples.JOB, headers={"X-Correlation-ID": examples.CORRELATION_ID})

    shop = Shop(None)
    shop.answer = answer  # type: ignore[method-assign]
    datasets = opened(shop).datasets
    datasets.start_upload(TABLE, "shop", options={"delimiter": ";", "comment": "#"}, delimiter=",")
    datasets.start_upload(TABLE, "shop")
    assert asked == ['{"delimiter":",","comment":"#"}', None]
