"""The event of a drift report: told when its job has succeeded, by whoever ends it, and never otherwise."""

from collections.abc import Callable
from typing import Any

import pytest

from modelbus.shared.bus import EventPublisher
from modelbus.shared.contracts import DriftFound
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome
from modelbus.shared.observing.metrics import DRIFT_FOUND
from modelbus.shared.store.jobs.ledger import JobLedger
from modelbus.shared.store.jobs.outcomes import Outcomes
from modelbus.shared.worker.finishing import Finisher
from tests.integration.conftest import MakeSubscriber
from tests.integration.samples import changed, train_job
from tests.waiting import wait_until

Told = Callable[[str], list[Any]]


@pytest.fixture
def told(subscribe: MakeSubscriber, events: EventPublisher) -> Told:
    """What is told of drift by a job, once all that was told is heard."""
    heard = subscribe()

    def told(correlation_id: str) -> list[Any]:
        # One publisher sends in order: what comes after the last event was heard after it.
        last = changed()
        events.publish([last])
        wait_until(
            lambda: any(event["correlation_id"] == last.correlation_id for event in heard), "the last event is heard"
        )
        return [
            event for event in heard if event["correlation_id"] == correlation_id and event["event"] == "DriftFound"
        ]

    return told


@pytest.fixture
def finisher(ledger: JobLedger, outcomes: Outcomes, events: EventPublisher) -> Finisher:
    return Finisher(ledger, outcomes, events, "evaluator")


def outcome_with_event(correlation_id: str, model: str) -> AnswerOutcome:
    event = DriftFound(correlation_id=correlation_id, service="evaluator", model=model, version=2, columns=["age"])
    return AnswerOutcome(result={"has_drifted": True}, event=event)


def counted(model: str) -> float:
    return float(DRIFT_FOUND.labels(model, 2)._value.get())


def test_drift_is_told_and_counted_once_its_report_is_recorded(
    ledger: JobLedger, finisher: Finisher, told: Told
) -> None:
    job = train_job()
    ledger.accept(job)
    claimed = ledger.claim(job.correlation_id)
    assert claimed is not None

    finisher.succeed(*claimed, outcome_with_event(job.correlation_id, "told"))

    (event,) = told(job.correlation_id)
    assert DriftFound.model_validate(event).columns == ["age"]
    assert counted("told") == 1
    ended = ledger.find(job.correlation_id)
    assert ended is not None
    assert (ended["status"], ended["result"]) == ("succeeded", {"has_drifted": True})


def test_whoever_finishes_a_dead_workers_report_tells_of_it(
    ledger: JobLedger, dead_ledger: JobLedger, finisher: Finisher, told: Told
) -> None:
    job = train_job()
    dead_ledger.accept(job)
    claimed = dead_ledger.claim(job.correlation_id)
    assert claimed is not None
    dead_ledger.commit(claimed[0], outcome_with_event(job.correlation_id, "finished").document())

    for claim, document in ledger.take_over_committed():
        finisher.finish_committed(claim, document)

    assert len(told(job.correlation_id)) == 1
    assert counted("finished") == 1


def test_a_report_that_was_cancelled_or_taken_over_tells_nothing(
    ledger: JobLedger, dead_ledger: JobLedger, finisher: Finisher, outcomes: Outcomes, told: Told
) -> None:
    cancelled, lost = train_job(), train_job()
    for job, first in ((cancelled, ledger), (lost, dead_ledger)):
        first.accept(job)
        claimed = first.claim(job.correlation_id)
        assert claimed is not None
        if job is cancelled:
            ledger.request_cancel(job.correlation_id)
        else:
            assert ledger.claim(job.correlation_id) is not None
        finisher.succeed(*claimed, outcome_with_event(job.correlation_id, "silent"))

    assert told(cancelled.correlation_id) == told(lost.correlation_id) == []
    assert counted("silent") == 0
