"""The event of a job: what is written of it, and what is none."""

import pytest
from pydantic import ValidationError

from modelbus.shared.contracts import JobChanged, new_correlation_id


def test_an_event_is_written_without_what_it_has_not() -> None:
    event = JobChanged(correlation_id=new_correlation_id(), command="TrainModel", service="trainer", status="running")
    assert set(event.model_dump(mode="json", exclude_none=True)) == {
        "event",
        "correlation_id",
        "command",
        "service",
        "status",
        "attempt",
    }
    assert JobChanged.model_validate(event.model_dump()) == event


def test_an_event_of_an_unknown_status_is_none() -> None:
    with pytest.raises(ValidationError):
        JobChanged.model_validate(
            {"correlation_id": new_correlation_id(), "command": "x", "service": "y", "status": "lost"}
        )
