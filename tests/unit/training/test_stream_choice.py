"""Whether a table is streamed, and the memory that this takes, which does not grow with it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelbus.shared.contracts import CrossValidation, HoldOut
from modelbus.shared.errors import (
    InvalidCommand,
    JobOutOfMemory,
    UnknownEstimator,
)
from modelbus.trainer.catalogue.entries import catalogue, find_estimator
from modelbus.trainer.catalogue.streamable import CANNOT_STREAM
from modelbus.trainer.rows.memory_estimates import MemoryEstimate, estimate_memory, estimate_streamed, require_memory
from modelbus.trainer.streaming.stream_choice import find_obstacle, is_streamed
from tests.unit.streams import NUMBERS, plan_of


def test_what_can_stream_is_derived_and_published() -> None:
    can = {record.name for record in catalogue() if record.can_stream}
    assert can == {
        "BernoulliNB",
        "ComplementNB",
        "GaussianNB",
        "MLPClassifier",
        "MLPRegressor",
        "MultinomialNB",
        "PassiveAggressiveClassifier",
        "PassiveAggressiveRegressor",
        "Perceptron",
        "SGDClassifier",
        "SGDRegressor",
    }
    assert all(hasattr(find_estimator(name).estimator_type, "partial_fit") for name in CANNOT_STREAM)


@pytest.mark.parametrize(
    ("estimator", "changes", "where"),
    [
        ("RandomForestClassifier", {}, "streaming"),
        ("OneVsRestClassifier", {}, "streaming"),
        ("MLPClassifier", {"hyperparameters": {"solver": "lbfgs"}}, "hyperparameters.solver"),
        ("SGDClassifier", {"hyperparameters": {"early_stopping": True}}, "hyperparameters.early_stopping"),
        ("PassiveAggressiveClassifier", {"sample_weight": "weight"}, "sample_weight"),
        ("GaussianNB", {"cross_validation": CrossValidation()}, "cross_validation"),
        ("GaussianNB", {"hold_out": HoldOut(time_column="seen")}, "hold_out.time_column"),
        ("GaussianNB", {"hold_out": HoldOut(is_stratified=True)}, "hold_out.is_stratified"),
    ],
)
def test_what_cannot_be_streamed_is_refused_by_its_field_and_else_fitted_whole(
    estimator: str, changes: dict[str, Any], where: str
) -> None:
    much, little = MemoryEstimate(1, 2**40, 2**40), MemoryEstimate(1, 1, 1)
    with pytest.raises(InvalidCommand) as caught:
        is_streamed(plan_of(estimator, streaming="always", **changes), much, little, 1)
    assert [detail["where"] for detail in caught.value.details] == [where]
    assert estimator in caught.value.message or "streamed" in caught.value.message
    assert not is_streamed(plan_of(estimator, streaming="auto", **changes), much, little, 1)
    assert not is_streamed(plan_of(estimator, streaming="never", **changes), much, little, 1)


def test_auto_streams_what_takes_more_than_half_of_the_limit() -> None:
    whole, streamed = MemoryEstimate(1, 500, 1000), MemoryEstimate(1, 50, 100)
    plan = plan_of("SGDClassifier", streaming="auto")
    assert [is_streamed(plan, whole, streamed, limit) for limit in (1999, 2000)] == [True, False]
    assert not is_streamed(plan, whole, MemoryEstimate(1, 50, 1000), 1999)  # nothing would be won
    assert is_streamed(plan_of("SGDClassifier", streaming="always"), whole, whole, 2**40)
    assert not is_streamed(plan_of("SGDClassifier", streaming="never"), whole, streamed, 1)
    assert find_obstacle(plan) is None
    with pytest.raises(UnknownEstimator):
        is_streamed(plan_of("SGDClasifier"), whole, streamed, 1)


def test_streaming_that_cannot_fit_is_refused_without_asking_for_fewer_rows() -> None:
    estimate = estimate_streamed(NUMBERS, 10**6, 2)
    require_memory(estimate, estimate.minimum_bytes, "GaussianNB", 10**6, is_streamed=True)
    with pytest.raises(JobOutOfMemory, match=r"use fewer columns, or raise the limit"):
        require_memory(estimate, estimate.minimum_bytes - 1, "GaussianNB", 10**6, is_streamed=True)


def test_the_memory_of_streaming_does_not_grow_with_the_rows() -> None:
    assert estimate_streamed(NUMBERS, 10**6, 2) == estimate_streamed(NUMBERS, 10**9, 2)
    whole = estimate_memory("SGDClassifier", NUMBERS, 10**7, 2)
    assert estimate_streamed(NUMBERS, 10**7, 2).expected_bytes < whole.expected_bytes / 5


MEASURE = """
import sys
from functools import partial
from pathlib import Path
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.tabular.tables.stored_tables import Table, read_group
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.rows.row_group_splits import RowGroups
from modelbus.trainer.streaming.stream_fit import fit_streamed

path, count = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(0)
cells = random.normal(size=(50_000, 10))
kind = pa.array(np.where(cells[:, 0] + cells[:, 1] > 0, "yes", "no").tolist())
town = pa.array([f"town {number}" for number in random.integers(0, 200, len(cells))])
group = pa.table({**{f"c{i}": cells[:, i] for i in range(10)}, "town": town, "kind": kind})
with pq.ParquetWriter(path, group.schema) as writer:
    for _ in range(count):
        writer.write_table(group)
column = lambda name, type, distinct: ColumnSchema(name=name, type=type, missing=0, distinct=distinct)
features = [*(column(f"c{i}", "real", 50_000) for i in range(10)), column("town", "text", 200)]
plan = FitPlan("kind", features, column("kind", "text", 2), "SGDClassifier", epochs=1)
table = Table(pq.ParquetFile(path))
outcome = fit_streamed(RowGroups(table.group_count, partial(read_group, table)), plan)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(outcome.row_count, int(status["VmHWM"].split()[0]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured where /proc is")
def test_memory_is_flat_however_many_rows_there_are(tmp_path: Path) -> None:
    peaks = []
    for count in (4, 20):
        found = subprocess.run(
            [sys.executable, "-c", MEASURE, tmp_path / "table.parquet", str(count)],
            check=True,
            capture_output=True,
            text=True,
        )
        row_count, peak_kibibytes = map(int, found.stdout.split())
        assert row_count == count * 40_000
        peaks.append(peak_kibibytes)
    assert peaks[1] < 1.3 * peaks[0]
