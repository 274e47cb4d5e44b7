"""The client against the whole stack: tables of every library, existing datasets, and how answers look."""

import warnings
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from modelbus import errors
from tests.e2e.api import JOB_TIMEOUT_S, fresh

pytestmark = pytest.mark.timeout(240)


def test_a_dataset_is_kept_or_replaced_on_request(client: Any) -> None:
    name = fresh("kept")
    first = client.datasets.upload(b"a\n1\n2\n", name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = client.datasets.upload(b"a\n1\n2\n", name, if_exists="skip")
    assert kept == first
    with pytest.warns(errors.TableWarning, match="differs from the original"):
        assert client.datasets.upload(b"a\n1\n3\n", name, if_exists="skip") == first
    with pytest.raises(errors.MalformedTable):
        client.datasets.upload(b"a,b\n1\n2,3\n", name, format="csv", if_exists="replace")
    assert client.datasets.get(name) == first
    replaced = client.datasets.upload(b"a\n1\n3\n4\n", name, if_exists="replace")
    assert (replaced.row_count, client.datasets.get(name).row_count) == (3, 3)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "rows"])
def test_a_table_of_any_library_is_uploaded_and_predicted(client: Any, library: str) -> None:
    cells = {"size": [float(number) for number in range(40)], "kind": ["a", "b"] * 20, "price": list(range(40))}
    table = {
        "pandas": lambda: pd.DataFrame(cells).astype({"kind": "category"}),
        "polars": lambda: pl.DataFrame(cells).with_columns(pl.col("kind").cast(pl.Categorical)),
        "pyarrow": lambda: pa.table({**cells, "kind": pa.array(cells["kind"]).dictionary_encode()}),
        "rows": lambda: pl.DataFrame(cells).to_dicts(),
    }[library]()
    name = fresh("table")
    dataset = client.datasets.upload(table, name)
    assert [column.type for column in dataset.columns] == ["real", "text", "integer"]
    client.train(name, name, "price", estimator="Ridge").result(JOB_TIMEOUT_S)
    answer = client.predict(name, table)
    assert len(answer) == 40
    assert "unseen" not in answer.report


def test_an_error_of_the_gateway_says_its_correlation_id(client: Any) -> None:
    with pytest.raises(errors.UnknownModel) as caught:
        client.models.get("nothing")
    assert f"(correlation id {caught.value.correlation_id})" in str(caught.value)


def test_a_plot_has_its_picture_and_an_evaluation_one_line(client: Any, number_dataset: str) -> None:
    name = fresh("seen")
    client.train(name, number_dataset, "amount", estimator="Ridge", features=["a"]).result(JOB_TIMEOUT_S)
    evaluation = client.evaluate(name, number_dataset).result(JOB_TIMEOUT_S)
    assert len(repr(evaluation)) < 400
    assert "<table>" in evaluation._repr_html_()
    plot = client.evaluations.plot(evaluation.id, "residuals")
    assert "<svg" in plot._repr_svg_()
