"""Queries of lists, and of what was waited for, name nothing that may be large: a property of the queries."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.store import job_queries
from modelbus.shared.store.indexes import DATASETS
from modelbus.shared.store.letters import letter_queries
from modelbus.shared.store.queries import Query
from modelbus.shared.store.records import catalog_queries as catalog

JOB_PARTS: Final = {"spec", "first_spec", "result", "outcome", "draft", "history", "files"}
"""What of a job may have megabytes."""
EVALUATION_PARTS: Final = {
    "intervals",
    "per_class",
    "confusion",
    "hit_ratios",
    "thresholds",
    "gains",
    "slices",
    "files",
}
SMALL_PARTS: Final = {"draft.at", "spec.evaluation", "spec.model", "spec.dataset"}
"""Parts of these that have no more than a name or a time."""
AFTER: Final = (datetime(2026, 1, 1, tzinfo=UTC), new_correlation_id())

LISTS: Final[list[tuple[Query[Any], set[str]]]] = [
    (job_queries.jobs_page({}, after=None, limit=200), JOB_PARTS),
    (job_queries.jobs_page({"status": "failed"}, after=AFTER, limit=1), JOB_PARTS),
    (job_queries.unfilled_evaluations(), JOB_PARTS),
    (job_queries.succeeded_lately("TrainModel", 20), JOB_PARTS),
    (job_queries.some_ids({}, 200), JOB_PARTS),
    # whoever asked for rows has them already
    (job_queries.answered_jobs([new_correlation_id()]), JOB_PARTS - {"result"}),
    (job_queries.ended_jobs([new_correlation_id()], job_queries.ENDED), JOB_PARTS - {"result"}),
    (catalog.by_name(DATASETS, None, 100, catalog.LISTED_DATASET), {"columns"}),
    (catalog.evaluations_page(model=None, dataset=None, after=None, limit=100), EVALUATION_PARTS),
    (catalog.estimators_of(None), {"hyperparameters"}),
    (letter_queries.dead_jobs(letter_queries.DeadLetterQuery(), after=None, limit=100), JOB_PARTS),
]


@pytest.mark.parametrize(("query", "large"), LISTS, ids=lambda value: getattr(value, "collection", None))
def test_a_list_names_nothing_that_may_be_large(query: Query[Any], large: set[str]) -> None:
    named = set(query.shape.projection) - SMALL_PARTS
    assert named, "what is not named at all comes whole"
    assert not {path.split(".")[0] for path in named} & large
    assert not set(query.shape.projection.values()) - {0, 1}
    assert 1 in query.shape.projection.values(), "a projection that only leaves out lets all else come"


def test_progress_is_listed_without_its_leaderboard() -> None:
    projection = job_queries.jobs_page({}, after=None, limit=20).shape.projection
    assert "progress" not in projection
    assert {path for path in projection if path.startswith("progress.tuning.")}
    assert not [path for path in projection if "leaderboard" in path]
