"""The profile of a dataset's columns, compared with what numpy says of the same values."""

import collections
import io
import json
import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelbus.evaluator.ingest.ahead import ColumnPool
from modelbus.evaluator.ingest.profile.frequencies import FrequencyTally
from modelbus.evaluator.ingest.profile.histograms import bin_edges
from modelbus.evaluator.ingest.profile.sampling import SampledCells
from modelbus.evaluator.ingest.profile.spans import find_spans
from modelbus.evaluator.ingest.table import ColumnPlan, Span
from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.tabular.alerts import SAMPLE_LIMIT
from tests.unit.profiles import csv_profile, profiled

SHARES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]


def profile_of(cells: Any) -> ColumnSchema:
    """The profile of one column, by way of a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(pa.table({"x": cells}), buffer)
    [column] = profiled(buffer.getvalue(), "x.parquet").columns
    dumped = json.dumps(column.model_dump(mode="json"), allow_nan=False)
    assert json.loads(dumped) == column.model_dump(mode="python")
    return column


def near(value: float, *, span: float) -> Any:
    return pytest.approx(value, rel=1e-9, abs=max(span * 1e-9, 5e-324))


def expect_counts(column: ColumnSchema, values: list[Any], edges: list[Any]) -> None:
    """The histogram counts each value once: on an edge above it, on the last edge below."""
    assert column.histogram is not None
    counts = column.histogram["counts"]
    assert len(edges) == len(counts) + 1
    assert sum(counts) == len(values)
    above = [len(values), *(sum(value >= edge for value in values) for edge in edges[1:-1]), 0]
    assert counts == [one - other for one, other in pairwise(above)]


REALS = st.lists(
    st.none()
    | st.sampled_from([0.0, -0.0, math.inf, -math.inf, 1.0, 1e308, -1e308, 5e-324, 1e-160, 1e200])
    | st.floats(allow_nan=False)
    | st.floats(-1000, 1000),
    min_size=1,
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(cells=REALS)
def test_the_profile_of_reals_is_numpys(cells: list[float | None]) -> None:
    column = profile_of(pa.array(cells, pa.float64()))
    present = [cell for cell in cells if cell is not None]
    finite = [cell for cell in present if math.isfinite(cell)]
    assert column.missing == len(cells) - len(present)
    assert column.distinct == len(set(present))
    if not finite:
        assert (column.minimum, column.mean, column.standard_deviation, column.quantiles) == (None,) * 4
        assert column.histogram is None
        return
    assert (column.minimum, column.maximum) == (min(finite), max(finite))
    exact = np.array(finite, dtype=np.longdouble)  # its exponent has room for the squares of huge numbers
    span = max(map(abs, finite))
    assert column.mean == near(float(exact.mean()), span=span)
    assert column.standard_deviation == near(float(exact.std()), span=span)
    assert column.quantiles is not None
    for share, expected in zip(SHARES, np.quantile(exact, SHARES), strict=True):
        assert column.quantiles[str(share)] == near(float(expected), span=span)
    assert column.histogram is not None
    edges = column.histogram["edges"]
    assert (edges[0], edges[-1]) == (min(finite), max(finite))
    expect_counts(column, finite, edges)


INTEGERS = st.lists(
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-30, 30) | st.integers(2**63 - 30, 2**63 - 1),
    min_size=1,
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(cells=INTEGERS)
def test_the_profile_of_integers_is_numpys_and_keeps_nineteen_digits(cells: list[int | None]) -> None:
    column = profile_of(pa.array(cells, pa.int64()))
    present = [cell for cell in cells if cell is not None]
    if not present:
        assert (column.type, column.mean, column.histogram) == ("empty", None, None)
        return
    low, high = min(present), max(present)
    assert (column.minimum, column.maximum) == (low, high)
    distances = np.array([value - low for value in present], dtype=np.longdouble)
    assert column.mean == near(float(low + distances.mean()), span=high - low)
    assert column.standard_deviation == near(float(distances.std()), span=high - low)
    assert column.quantiles is not None
    for share, expected in zip(SHARES, np.quantile(distances, SHARES), strict=True):
        assert column.quantiles[str(share)] - low == pytest.approx(float(expected), rel=1e-9, abs=1)
    assert column.histogram is not None
    assert sum(column.histogram["counts"]) == len(present)
    if high - low <= 2**53:
        expect_counts(column, present, column.histogram["edges"])
    if high - low < 20:
        assert column.histogram["edges"] == list(range(low, high + 2))
        assert column.histogram["counts"] == [present.count(value) for value in range(low, high + 1)]


@settings(max_examples=200, deadline=None)
@given(cells=st.lists(st.none() | st.datetimes(), min_size=1, max_size=40), is_zoned=st.booleans())
def test_the_profile_of_dates_is_written_as_dates(cells: list[datetime | None], is_zoned: bool) -> None:
    assume(any(cells))
    column = profile_of(pa.array(cells, pa.timestamp("us", "UTC" if is_zoned else None)))
    present = [cell for cell in cells if cell is not None]
    seconds = np.array([(cell - min(present)).total_seconds() for cell in present], dtype=np.longdouble)

    def after_first(text: str) -> float:
        moment = datetime.fromisoformat(text)
        assert (moment.tzinfo is not None) == is_zoned
        return (moment.replace(tzinfo=None) - min(present)).total_seconds()

    assert (after_first(column.minimum), after_first(column.maximum)) == (0, seconds.max())
    assert after_first(column.mean) == pytest.approx(float(seconds.mean()), abs=1e-4)
    assert column.standard_deviation == pytest.approx(float(seconds.std()), abs=1e-4)
    assert column.quantiles is not None
    for share, expected in zip(SHARES, np.quantile(seconds, SHARES), strict=True):
        assert after_first(column.quantiles[str(share)]) == pytest.approx(float(expected), abs=1e-4)
    assert column.histogram is not None
    edges = [after_first(edge) for edge in column.histogram["edges"]]
    assert (edges[0], edges[-1]) == (0, seconds.max())
    assert sum(column.histogram["counts"]) == len(present)


def test_bins_are_equally_wide() -> None:
    assert bin_edges("real", Span(0.0, 20.0)) == [float(edge) for edge in range(21)]
    assert bin_edges("integer", Span(0, 20)) == [float(edge) for edge in range(21)]
    assert bin_edges("integer", Span(-3, 1)) == [-3, -2, -1, 0, 1, 2]
    assert bin_edges("integer", Span(7, 7)) == [7, 8]
    assert bin_edges("datetime", Span(0, 200)) == list(range(0, 201, 10))


def test_where_numbers_are_too_coarse_for_twenty_bins_there_is_one() -> None:
    assert bin_edges("real", Span(1.5, 1.5)) == [1.5, 1.5]
    assert bin_edges("real", Span(1.0, 1.0000000000000002)) == [1.0, 1.0000000000000002]
    assert bin_edges("datetime", Span(5, 10)) == [5, 10]


def test_bins_hold_for_the_widest_spans() -> None:
    huge = bin_edges("real", Span(-1.7e308, 1.7e308))
    assert [high - low for low, high in pairwise(huge)] == pytest.approx([1.7e307] * 20)
    widest = bin_edges("integer", Span(-(2**63), 2**63 - 1))
    assert (widest[0], widest[-1], len(widest)) == (-(2**63), 2**63 - 1, 21)
    # the end of the last bin would be no number of 64 bits, which the store cannot hold
    assert bin_edges("integer", Span(2**63 - 2, 2**63 - 1)) == [2**63 - 2, 2**63 - 1, float(2**63)]


def test_large_tables_are_counted_whole_and_their_quantiles_taken_from_a_sample() -> None:
    random = np.random.default_rng(5)
    rows = 3 * SAMPLE_LIMIT
    cells = np.exp(random.normal(0, 2, rows))
    cells[::7] = np.nan
    column = profile_of(pa.array(cells, from_pandas=True))
    finite = cells[~np.isnan(cells)]
    assert column.mean == pytest.approx(finite.mean(), rel=1e-12)
    assert column.standard_deviation == pytest.approx(finite.std(), rel=1e-12)
    assert column.histogram is not None
    assert column.histogram["counts"] == np.histogram(finite, 20)[0].tolist()
    assert column.histogram["edges"] == pytest.approx(np.histogram(finite, 20)[1])
    ordered = np.sort(finite)
    for share in SHARES:
        assert column.quantiles is not None
        rank = np.searchsorted(ordered, column.quantiles[str(share)]) / len(ordered)
        assert abs(rank - share) < 0.006  # four standard errors of 86,000 rows at a half


def test_the_sample_is_the_same_each_time_and_the_same_for_all_columns() -> None:
    cells = np.random.default_rng(1).normal(size=2 * SAMPLE_LIMIT)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"x": cells, "twice": 2 * cells}), buffer)
    one, again = (profiled(buffer.getvalue(), "x.parquet").columns for _ in range(2))
    assert one == again
    assert one[0].quantiles is not None
    assert one[1].quantiles == {share: 2 * value for share, value in one[0].quantiles.items()}


def test_values_far_from_zero_keep_their_deviation() -> None:
    far = 1e9 + np.random.default_rng(2).normal(0, 1e-3, 120_000)
    assert profile_of(far).standard_deviation == pytest.approx(far.std(), rel=1e-6)
    ids = 2**62 + np.arange(120_000)
    assert profile_of(ids).standard_deviation == pytest.approx(np.arange(120_000).std(), rel=1e-12)


def test_quantiles_of_far_dates_are_dates_that_occur() -> None:
    common = "9000-05-17T01:02:03.000004"
    days = ["0001-01-01", *[common] * 98, "9999-12-31"]
    column = profile_of(pa.array([datetime.fromisoformat(day) for day in days], pa.timestamp("us")))
    assert column.quantiles is not None
    assert column.quantiles["0.5"] == common


def test_dates_before_1970_and_after() -> None:
    column = csv_profile("d,z\n1969-12-31,2024-01-01T00:00:00Z\n1970-01-02,2024-01-01T02:00:00Z\n")
    assert (column["d"].mean, column["d"].standard_deviation) == ("1970-01-01T00:00:00", 86_400.0)
    assert column["z"].mean == "2024-01-01T01:00:00+00:00"
    assert column["z"].quantiles is not None
    assert datetime.fromisoformat(column["z"].quantiles["0.25"]) == datetime(2024, 1, 1, 0, 30, tzinfo=UTC)
    assert column["d"].histogram is not None
    first, second = (datetime.fromisoformat(edge) for edge in column["d"].histogram["edges"][:2])
    assert (first, second - first) == (datetime.fromisoformat("1969-12-31"), timedelta(days=2) / 20)


def test_the_profile_counts_and_ranges() -> None:
    rows = "".join(f"{row},{row % 7 / 2},{'even' if row % 2 == 0 else 'odd'},{row % 3 == 0}\n" for row in range(60_000))
    by_name = csv_profile(f"id,share,parity,third\n{rows}60000,,,\n")
    assert (by_name["id"].minimum, by_name["id"].maximum, by_name["id"].distinct) == (0, 60_000, 10_000)
    assert (by_name["share"].minimum, by_name["share"].maximum, by_name["share"].distinct) == (0.0, 3.0, 7)
    assert by_name["parity"].top == [{"value": "even", "count": 30_000}, {"value": "odd", "count": 30_000}]
    assert by_name["third"].top == [{"value": False, "count": 40_000}, {"value": True, "count": 20_000}]
    assert [column.missing for column in by_name.values()] == [0, 1, 1, 1]


def test_the_most_frequent_of_many_texts_are_found_and_counted_exactly() -> None:
    long = "y" * 300
    cells = [f"unique {row}" for row in range(60_000)]
    cells[::60] = ["often"] * 1000
    cells[1::120] = [long] * 500
    column = csv_profile("a,b\n" + "".join(f"{cell},1\n" for cell in cells))["a"]
    assert column.distinct == 10_000
    # of the others, each of which occurs once, none is more frequent than another
    assert column.top == [{"value": "often", "count": 1000}, {"value": "y" * 200 + "…", "count": 500}]


@pytest.mark.parametrize(("repeats", "expected"), [(1, []), (11, []), (12, [12]), (13, [13])])
def test_of_too_many_texts_those_are_shown_that_make_up_one_five_thousandth(repeats: int, expected: list[int]) -> None:
    cells = [f"unique {row}" for row in range(60_000)]
    cells[: repeats * 4000 : 4000] = ["repeated"] * repeats
    column = csv_profile("a,b\n" + "".join(f"{cell},1\n" for cell in cells))["a"]
    assert column.distinct == 10_000
    assert [entry["count"] for entry in column.top] == expected


def test_a_text_that_is_frequent_among_few_others_is_found_though_most_cells_are_missing() -> None:
    tally = FrequencyTally()
    groups = []
    for group in range(23):
        texts = [f"unique {group} {row}" for row in range(3999)]
        groups.append(pa.array([*texts, "frequent" if group > 2 else "rare", *[None] * 46_000], pa.string()))
    for cells in groups:
        tally.feed(cells)
    assert tally.needs_recount()
    with ColumnPool() as side_by_side:
        tally.recount([[cells.drop_null() for cells in groups]], side_by_side)
    facts = tally.facts(SampledCells(ColumnPlan("texts", "text")))
    assert facts["top"] == [{"value": "frequent", "count": 20}]


def test_of_millions_of_different_texts_the_most_frequent_ones_are_found_wherever_they_stand() -> None:
    rows, group = 2_500_000, 50_000
    cells = np.char.add("unique ", np.arange(rows).astype(str)).astype(object)
    cells[1_400_000::500] = "late"
    cells[2_000_000:2_001_500] = "in neighbouring rows"
    cells[: group * 8 : 8] = "every eighth, early"
    tally = FrequencyTally()
    groups = [pa.array(cells[start : start + group], pa.string()) for start in range(0, rows, group)]
    for found in groups:
        tally.feed(found)
    with ColumnPool() as side_by_side:
        tally.recount([groups[:1], groups[1:]], side_by_side)
    top = tally.facts(SampledCells(ColumnPlan("texts", "text")))["top"]
    counts = collections.Counter(cells.tolist())
    assert [(entry["value"], entry["count"]) for entry in top[:3]] == counts.most_common(3)
    assert tally.is_full


def test_text_and_booleans_have_neither_mean_nor_histogram() -> None:
    for column in csv_profile("t,b,e\nx,true,\ny,false,\n").values():
        assert (column.mean, column.standard_deviation, column.quantiles, column.histogram) == (None,) * 4


def test_the_span_is_read_only_where_statistics_do_not_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = {"a": [1.0, -0.0], "infinite": [math.inf, 2.0], "a.b": [5, None], "empty": [None, None]}
    plans = [ColumnPlan("a", "real"), ColumnPlan("infinite", "real"), ColumnPlan("a.b", "integer")]
    plans.append(ColumnPlan("empty", "real"))
    table = pa.table(cells, schema=pa.schema([(plan.name, _TYPES[plan.type]) for plan in plans]))
    expected = {"a": Span(0.0, 1.0), "infinite": Span(2.0, 2.0), "a.b": Span(5, 5)}
    read: list[list[str]] = []
    whole = pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile, "read_row_group", lambda self, group, **options: _noting(read, whole, self, group, options)
    )
    for has_statistics in (True, False):
        path = tmp_path / f"{has_statistics}.parquet"
        pq.write_table(table, path, write_statistics=has_statistics, row_group_size=1)
        with pq.ParquetFile(path) as file:
            found = find_spans(file, plans)
        assert found == expected
        assert not math.copysign(1, found["a"].low) < 0
    assert read == [["infinite"]] * 2 + [["a", "infinite", "a.b", "empty"]] * 2


_TYPES = {"real": pa.float64(), "integer": pa.int64()}


def _noting(read: list[list[str]], whole: Any, file: pq.ParquetFile, group: int, options: dict[str, Any]) -> Any:
    read.append(options["columns"])
    return whole(file, group, **options)


def test_text_that_is_profiled_while_it_is_written_is_profiled_as_what_is_read_again(tmp_path: Path) -> None:
    rows = 2 * SAMPLE_LIMIT + 1
    cells = {
        "many": [f"name {number * 7919 % 60_000}" for number in range(rows)],
        "few": [("red", "blue", None)[number % 3] for number in range(rows)],
        "long": ["w" * 250 if number % 2 else f"{number % 20_000} ".ljust(210, "v") for number in range(rows)],
        "is_new": [number % 7 == 0 for number in range(rows)],
        "length": [number % 1000 for number in range(rows)],
        "weight": [
            None if number % 9 == 0 else (number - 500) / (1 if number < 90_000 else 7) for number in range(rows)
        ],
        "height": [math.inf if number == 5 else -number / 3 for number in range(rows)],
        "at": [
            datetime.fromisoformat("2024-01-01") + timedelta(minutes=number * 7919 % rows) for number in range(rows)
        ],
        "born": [datetime.fromisoformat("1950-01-01") + timedelta(days=number % 20_000) for number in range(rows)],
    }
    table = pa.table(cells)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    shown = {**cells, "born": [f"{day:%Y-%m-%d}" for day in cells["born"]]}
    lines = zip(*(["" if cell is None else str(cell) for cell in column] for column in shown.values()), strict=True)
    written = "".join(f"{','.join(line)}\n" for line in [tuple(cells), *lines])
    # a Parquet file is profiled when it is finished
    early, late = profiled(written.encode(), "x.csv", "few"), profiled(sink.getvalue(), "x.parquet", "few")
    written_apart = {"date_format", "form", "has_values", "missing_marks"}
    early_facts, late_facts = (
        [column.model_dump(exclude=written_apart) for column in one.columns] for one in (early, late)
    )
    assert early_facts == late_facts
    assert early.alerts == late.alerts
    assert {column.name: column.distinct for column in early.columns}["many"] == 10_000
